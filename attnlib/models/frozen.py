"""A pretrained encoder whose parameters stay: the states of all words of a corpus, computed once and kept.

A word's state is the mean of its pieces' states after the last layer; a word that the tokenizer drops has
zeros. A text with more pieces than the model has positions is read in windows, one after another, that end
between words: a word then sees its own window.
"""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from attnlib.cache import cache_folder, digest, file_name, remember, replacing
from attnlib.cache.sources import function_digest
from attnlib.data.columns import Ragged
from attnlib.data.corpus import Corpus, Split
from attnlib.models.batches import padded
from attnlib.models.pretrained import fingerprint, load_pretrained, pretrained_folder

_TEXTS, _PIECES = 500, 1 << 13  # texts whose states are in memory at a time, and pieces in a batch


class States(Ragged):
    """The states of each text's words: row i is [T, d], float16, read from the disk when asked for."""

    def numbers(self, i: int) -> np.ndarray:
        """The states of text i, [T, d]."""
        return np.array(self.values[self.starts[i] : self.starts[i] + self.counts[i]])


def with_states(corpus: Corpus, name: str, device: str = "cpu") -> tuple[Corpus, int, str]:
    """The corpus with states on every split; their width; what tells the encoder from others.

    name: of a pretrained model, as `pretrained_folder` takes it. The states of a split lie in the cache, as
    one file [words, d] that is mapped into memory, not read: 768 bytes a word for MiniLM.
    """
    folder = pretrained_folder(name)
    known = fingerprint(folder)
    splits: dict[str, Any] = {}
    for part, split in corpus.splits.items():
        values = _kept(split, f"{corpus.name}-{part}", folder, known, device)
        splits[part] = replace(split, states=States.in_a_row(values, split.lengths))
    return replace(corpus, **splits), values.shape[1], known


def _kept(split: Split, name: str, folder: Path, known: str, device: str) -> np.ndarray:
    """The states of all words of a split, [words, d] float16: from the cache, or made and put there."""
    n_words, texts = int(split.lengths.sum()), [list(text) for text in split.texts]
    key = {"encoder": known, "texts": texts, "code": function_digest(word_states)}
    path = cache_folder() / "states" / f"{file_name(name)}-{digest(key)}.npy"

    def save(path: Path, _: None) -> None:
        model, tokenizer = load_pretrained(folder)
        model.to(device)
        with replacing(path) as temporary:
            shape = (n_words, model.config.hidden_size)
            whole = np.lib.format.open_memmap(temporary, "w+", np.float16, shape)
            begin = 0
            for first in range(0, len(texts), _TEXTS):
                found = word_states(model, tokenizer, texts[first : first + _TEXTS]).cpu().numpy()
                whole[begin : begin + len(found)] = found
                begin += len(found)
            whole.flush()

    def check(path: Path) -> None:
        found = np.lib.format.open_memmap(path, mode="r")
        if found.dtype != np.float16 or found.shape[:1] != (n_words,):
            raise ValueError(f"{path} holds {found.dtype} {found.shape}, not the states of {n_words} words")

    remember(path, lambda: None, save, check)
    return np.lib.format.open_memmap(path, mode="r")


@torch.no_grad()
def word_states(model: Any, tokenizer: Any, texts: Sequence[Sequence[str]]) -> Tensor:
    """The last layer's states of all words of some texts, one below the other, [words, d] float32.

    model and tokenizer: of `load_pretrained`. texts: lists of words.
    """
    ends = tokenizer("")["input_ids"]  # the special tokens around a text
    most = tokenizer.model_max_length - len(ends)
    read = tokenizer(
        [list(text) for text in texts], is_split_into_words=True, add_special_tokens=False, verbose=False
    )
    windows, first = [], 0
    for text, ids, encoding in zip(texts, read["input_ids"], read.encodings, strict=True):
        word, begin = np.array(encoding.word_ids, dtype=np.int64), 0
        while begin < len(ids):
            end = begin + most
            if len(cuts := np.flatnonzero(np.diff(word[begin : end + 1]))) and end < len(ids):
                end = begin + int(cuts[-1]) + 1
            windows.append((ends[:1] + ids[begin:end] + ends[1:], first + word[begin:end]))
            begin = end
        first += len(text)
    device = next(model.parameters()).device
    total = torch.zeros(first, model.config.hidden_size, device=device)
    count = torch.zeros(first, 1, device=device)
    windows.sort(key=lambda window: len(window[0]))
    while windows:
        size = max(1, _PIECES // len(windows[-1][0]))
        part, windows = windows[-size:], windows[:-size]
        given = padded([own for own, _ in part])
        states = model(**{name: value.to(device) for name, value in given.items()}).last_hidden_state
        left = len(ends[:1])
        for row, (_, word) in zip(states, part, strict=True):
            at = torch.from_numpy(word).to(device)
            total.index_add_(0, at, row[left : left + len(at)])
            count.index_add_(0, at, count.new_ones(len(at), 1))
    return total / count.clamp(min=1)
