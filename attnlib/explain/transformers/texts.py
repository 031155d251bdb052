"""Texts in, scores of their words out: any classifier of the library with its fast tokenizer, in one call.

A tokenizer cuts words into pieces, and a model scores pieces. Pieces are one word where the tokenizer's
`word_ids` say so and no white space is between them.
"""

import inspect
import re
import sys
import warnings
from bisect import bisect_right
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import pad_sequence

from attnlib.checks import check_at_least, one_of, refuse_string, some_of
from attnlib.explain.transformers.asking import Asked, apart, tolerance, tried
from attnlib.explain.transformers.checks import check, most_positions
from attnlib.explain.transformers.methods import (
    METHODS,
    PUBLISHED_AGGREGATION,
    RANDOM,
    Aggregation,
    by_place,
    each_layer_and_head,
    explain,
    random_rows,
)
from attnlib.models.kinds import ANY_TEXT, Inputs

JOINS = ("sum", "mean", "amax")


@dataclass(frozen=True, eq=False)
class Encoded:
    """Texts as a model reads them.

    inputs: the model's, embeddings in place of ids. words: of each text, as they stand in it; of a pair those
    of both. second: [N] the first word of the second text of a pair. word: [N, L] the number of the word
    that a position belongs to, -1 for special tokens and padding. tokens: of each text, one a position.
    truncated: [N] bool, where the model has fewer positions than the text.
    """

    inputs: Inputs
    words: list[list[str]]
    second: np.ndarray
    word: Tensor
    tokens: list[list[str]]
    truncated: np.ndarray


@dataclass(frozen=True, eq=False)
class Explained:
    """What `explain_texts` found.

    texts: as they were read, with their words. scores: by method, for each text an array with a number per
    word. special: the scores of special tokens, a row each: text, position, token, and a column per method.
    join: how the scores of a word's pieces became one.
    """

    texts: Encoded
    scores: dict[str, Any]
    special: pd.DataFrame
    join: str

    @property
    def words(self) -> list[list[str]]:
        """The words of each text."""
        return self.texts.words


def encode(
    model: nn.Module, tokenizer: Any, texts: Sequence[Any], pairs: Sequence[Any] | None = None
) -> Encoded:
    """Texts for a model: strings, or lists of words; pairs: the second text of each, if there is one.

    A text that is too long is cut, which a warning says. Raises ValueError for a slow tokenizer, and where
    the model says something else of the embeddings of ids than of the ids.
    """
    for name, given in (("texts", texts), ("pairs", pairs or [])):
        refuse_string(given, name, "list of texts", "make a list of it")
    if not getattr(tokenizer, "is_fast", False):
        raise ValueError(
            f"{type(tokenizer).__name__} does not say which pieces are a word: take the fast one, "
            "AutoTokenizer.from_pretrained(path, use_fast=True)"
        )
    if not len(texts) or (pairs is not None and len(pairs) != len(texts)):
        raise ValueError(f"{len(texts)} texts, {len(texts if pairs is None else pairs)} second ones")
    sources = [list(texts)] if pairs is None else [list(texts), list(pairs)]
    split = not isinstance(sources[0][0], str)
    longest = min(most_positions(model) or sys.maxsize, int(tokenizer.model_max_length))
    read = tokenizer(*sources, is_split_into_words=split, verbose=False)
    truncated = np.array([len(ids) > longest for ids in read["input_ids"]])
    if truncated.any():
        cut = f"{truncated.sum()} of {len(texts)} texts are longer than the model's {longest} positions"
        warnings.warn(f"{cut}: what is beyond was not read", stacklevel=3)
        read = tokenizer(*sources, is_split_into_words=split, truncation=True, max_length=longest)
    device, known = next(model.parameters()).device, inspect.signature(model.forward).parameters
    every = any(parameter.kind is parameter.VAR_KEYWORD for parameter in known.values())
    inputs = {
        name: pad_sequence([torch.tensor(row) for row in read[name]], batch_first=True).to(device)
        for name in ("input_ids", "attention_mask", "token_type_ids")
        if name in read and (every or name in known)
    }
    ids = inputs.pop("input_ids")
    inputs["inputs_embeds"] = model.get_input_embeddings()(ids).detach()  # type: ignore[operator]
    found = [_words(read, row, [given[row] for given in sources]) for row in range(len(texts))]
    word = pad_sequence([torch.tensor(numbers) for numbers, _, _ in found], True, -1).to(device)
    asked = Asked(model, ANY_TEXT, inputs)
    check(asked)
    with torch.no_grad():
        for row, one in tried(asked):
            rest = {name: value for name, value in one.inputs.items() if name != ANY_TEXT.features}
            own = ids[row : row + 1, : one.features.shape[1]]
            by_ids = replace(one, inputs={**rest, "input_ids": own}).logits()
            if not apart(by_ids, one.logits()) <= tolerance(by_ids):
                raise ValueError(
                    f"{type(model).__name__} says something else of the embeddings of text {row} than of "
                    "its ids, so they do not explain it"
                )
    tokens = [encoding.tokens for encoding in read.encodings]
    second = np.array([first for _, _, first in found])
    return Encoded(inputs, [words for _, words, _ in found], second, word, tokens, truncated)


def _words(read: Any, row: int, sources: list[Any]) -> tuple[list[int], list[str], int]:
    """Of each position the number of its word, or -1; the words; the first one of a second text."""
    encoding, split = read.encodings[row], not isinstance(sources[0], str)
    starts = [[] if split else [m.start() for m in re.finditer(r"\S+", source)] for source in sources]
    spans: dict[Any, list[int]] = {}  # of each word where it begins and ends
    keys: list[Any] = []
    for part, word, (begin, end) in zip(
        encoding.sequence_ids, encoding.word_ids, encoding.offsets, strict=True
    ):
        # A piece may be the space before its word, and nothing else.
        keys.append(None if part is None else (part, word, 0 if split else bisect_right(starts[part], end)))
        if part is not None:
            spans.setdefault(keys[-1], [begin, end])[1] = end
    words = {
        key: sources[key[0]][key[1]] if split else sources[key[0]][slice(*span)].strip()
        for key, span in spans.items()
    }
    words = {key: word for key, word in words.items() if word}
    number = {key: i for i, key in enumerate(words)}
    return [number.get(key, -1) for key in keys], list(words.values()), sum(not key[0] for key in words)


def explain_texts(
    model: nn.Module,
    tokenizer: Any,
    texts: Sequence[Any] | Encoded,
    methods: Iterable[str] = METHODS,
    target: str = "logit",
    *,
    pairs: Sequence[Any] | None = None,
    join: str = "sum",
    aggregation: Aggregation = PUBLISHED_AGGREGATION,
    seed: int = 0,
    batch_size: int = 64,
    progress: bool = False,
) -> Explained:
    """Scores of the words of texts, by method, for the class that the model predicts.

    model: any of the `transformers` library that answers with logits [N, C], in evaluation mode, loaded with
    attn_implementation="eager" for the methods that read attention. tokenizer: its fast one. texts: strings,
    or lists of words, or what `encode` made of them. pairs: the second text of each, whose words are scored
    too. methods, target, aggregation, seed: as for `explain`. join: the scores of a word's pieces become
    their "sum", their "mean", or the largest, "amax". batch_size: texts, those of similar length together.
    progress: say on stderr how many are done. Errors are those of `encode` and `explain`.
    """
    one_of("join", join, JOINS)
    wanted = some_of("method", methods, METHODS)
    encoded = texts if isinstance(texts, Encoded) else encode(model, tokenizer, texts, pairs)
    width = max(len(words) for words in encoded.words)
    read = [name for name in wanted if name not in RANDOM]

    def explained(inputs: Inputs) -> dict[str, Tensor]:
        return explain(model, ANY_TEXT, inputs, read, target, aggregation)

    pieces = _of_pieces(model, encoded, explained, batch_size, progress) if read else {}
    found = _of_words(encoded, pieces, join)
    present = torch.tensor([[w < len(words) for w in range(width)] for words in encoded.words])
    for name in set(wanted) - set(read):
        drawn = random_rows(present, seed, name != "random")
        found[name] = [row[: len(words)].numpy() for row, words in zip(drawn, encoded.words, strict=True)]
    scores = {name: found[name] for name in wanted}
    special = (encoded.word < 0) & Asked(model, ANY_TEXT, encoded.inputs).present
    at = special.cpu().nonzero()
    frame = pd.DataFrame(at.numpy(), columns=["text", "position"])
    frame["token"] = [encoded.tokens[row][position] for row, position in at.tolist()]
    frame = frame.assign(**{name: values[tuple(at.T)].numpy() for name, values in pieces.items()})
    return Explained(encoded, scores, frame, join)


def explain_texts_by_layer_and_head(
    model: nn.Module, encoded: Encoded, join: str = "sum", batch_size: int = 64, **options: Any
) -> dict[tuple[int, int | None], dict[str, list[np.ndarray]]]:
    """Scores of words by method for each layer and head, head None: the mean of heads.

    options: methods and target of `methods.each_layer_and_head`.
    """
    one_of("join", join, JOINS)

    def explained(inputs: Inputs) -> dict[Any, Tensor]:
        found = each_layer_and_head(model, ANY_TEXT, inputs, **options)
        return {(place, name): scores for place, own in found.items() for name, scores in own.items()}

    return by_place(_of_words(encoded, _of_pieces(model, encoded, explained, batch_size), join))


def _of_pieces(
    model: nn.Module,
    encoded: Encoded,
    explained: Callable[[Inputs], dict[Any, Tensor]],
    batch_size: int,
    progress: bool = False,
) -> dict[Any, Tensor]:
    """What a function gives each position of its inputs, [N, L] float64, texts of similar length together."""
    check_at_least("batch_size", batch_size, 1)
    asked, done = Asked(model, ANY_TEXT, encoded.inputs), 0
    sizes = asked.sizes()
    pieces: dict[Any, Tensor] = {}
    for rows in sizes[:, 0].argsort(stable=True).split(batch_size):
        part = asked.rows(rows).trimmed(sizes[rows].amax(dim=0))
        for name, found in explained(part.inputs).items():
            whole = pieces.setdefault(name, torch.zeros(encoded.word.shape, dtype=torch.float64))
            whole[rows.cpu(), : found.shape[1]] = found.double().cpu()
        done += len(rows)
        if progress:
            print(f"explained {done} of {len(asked)} texts", file=sys.stderr)
    return pieces


def _of_words(encoded: Encoded, pieces: dict[Any, Tensor], join: str) -> dict[Any, list[np.ndarray]]:
    """Scores of positions [N, L] as those of the words of each text, joined."""
    n, width = len(encoded.words), max(len(words) for words in encoded.words)
    place, found = encoded.word.where(encoded.word >= 0, width).cpu(), {}
    for name, scores in pieces.items():
        empty = torch.zeros(n, width + 1, dtype=torch.float64)
        whole = empty.scatter_reduce(1, place, scores, join, include_self=False)
        found[name] = [row[: len(words)].numpy() for row, words in zip(whole, encoded.words, strict=True)]
    return found
