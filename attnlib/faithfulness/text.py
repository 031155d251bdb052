"""The three ways to remove tokens from an attention model: deletion, zeroing, attention mask.

Deletion takes the token out and encodes the rest again. Zeroing leaves the position with a zero embedding,
which the encoder reads and attention may still use. The attention mask leaves the encoder alone and
renormalises the weights of the tokens that remain: by the Readout alone, without the model. A question keeps
its encoding, and candidates are those of the whole text. (Liu et al. 2022; names in their code: slice_out,
zeros_mask, att_mask.)
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import torch
from torch import Tensor

from attnlib.data.corpus import END, PAD, START, Split, Vocabulary
from attnlib.explain.recurrent import input_gates, states_of_words
from attnlib.faithfulness.removal import Removal
from attnlib.models.batches import Batch, collate
from attnlib.models.classifier import AttentionModel
from attnlib.models.encoders import Recurrent
from attnlib.readout import Readout

OPERATORS = ("deletion", "zeroing", "attention mask")

_TOKENS = 1 << 13  # tokens held at a time


def attention_mask(readout: Readout) -> Removal:
    """Removal by the attention mask, from a Readout: Σ α_t z_t / Σ α_t over the tokens that remain.

    Float64, from the remaining weights themselves. Where the remaining weights are all 0 the pooled vector is
    0, as in the erasure kernels.
    """
    lengths = readout.lengths.cpu().numpy()
    check_left_aligned(readout)

    @torch.no_grad()
    def evaluate(rows: np.ndarray, removed: np.ndarray) -> np.ndarray:
        found = []
        step = max(1, (1 << 23) // (readout.scores.shape[1] * readout.scores.shape[2]))
        for start in range(0, len(rows), step):
            at = torch.from_numpy(rows[start : start + step]).to(readout.device)
            gone = torch.from_numpy(removed[start : start + step]).to(readout.device)
            weights = readout.alpha[at].masked_fill(gone, 0.0)
            total = weights.sum(dim=1, keepdim=True)
            pooled = (weights.unsqueeze(1) @ readout.scores[at].double()).squeeze(1)
            pooled = torch.where(total > 0, pooled / total, 0.0)
            found.append(readout.decode(pooled, at).softmax(dim=1).cpu().numpy())
        return np.concatenate(found)

    return Removal("attention mask", readout.probabilities().cpu().numpy(), lengths, evaluate)


def deletion(model: AttentionModel, split: Split, vocabulary: Vocabulary, device: str = "cpu") -> Removal:
    """Removal by deletion from a model's input."""
    return _encoded_again(model, split, vocabulary, device, "deletion", _shortened)


def zeroing(model: AttentionModel, split: Split, vocabulary: Vocabulary, device: str = "cpu") -> Removal:
    """Removal by zero embeddings in the tokens' places."""
    return _encoded_again(model, split, vocabulary, device, "zeroing", _zeroed)


def removals(
    model: AttentionModel, split: Split, vocabulary: Vocabulary, readout: Readout, device: str = "cpu"
) -> dict[str, Removal]:
    """All three, by the names in OPERATORS; `readout` is that of the model on the split.

    >>> from attnlib.prepare import prepare
    >>> run = prepare("planted", encoder="average", epochs=2, limit=10, progress=False)
    >>> list(removals(run.model, run.texts, run.corpus.vocabulary, run.readout))
    ['deletion', 'zeroing', 'attention mask']
    """
    return {
        "deletion": deletion(model, split, vocabulary, device),
        "zeroing": zeroing(model, split, vocabulary, device),
        "attention mask": attention_mask(readout),
    }


def check_left_aligned(readout: Readout) -> None:
    """ValueError unless the tokens of each row come first, as in the Readout of a text model."""
    position = torch.arange(readout.mask.shape[1], device=readout.device)
    gaps = (readout.mask != (position < readout.lengths[:, None])).any(dim=1)
    if gaps.any():
        row = int(gaps.long().argmax())
        raise ValueError(f"readout: row {row} has a token after a masked position; tokens must come first")


# Word ids without specials [R, T], lengths [R], which go [R, T] → ids and lengths with start and end
Change = Callable[[Tensor, Tensor, Tensor], tuple[Tensor, Tensor]]


def _shortened(ids: Tensor, lengths: Tensor, removed: Tensor) -> tuple[Tensor, Tensor]:
    beyond = torch.arange(ids.shape[1]) >= lengths.unsqueeze(1)
    order = (removed | beyond).to(torch.int8).sort(dim=1, stable=True).indices
    left = lengths - removed.sum(dim=1)
    return _with_symbols(ids.gather(1, order)[:, : int(left.max())], left), left + 2


def _zeroed(ids: Tensor, lengths: Tensor, removed: Tensor) -> tuple[Tensor, Tensor]:
    # The padding symbol's embedding is zero, and stays so in training.
    width = int(lengths.max())
    return _with_symbols(ids[:, :width].masked_fill(removed[:, :width], PAD), lengths), lengths + 2


def _with_symbols(ids: Tensor, lengths: Tensor) -> Tensor:
    """Start and end symbols around the first `lengths` ids of each row [R, T] → [R, T + 2]."""
    result = torch.full((len(ids), ids.shape[1] + 2), PAD)
    result[:, 0] = START
    result[:, 1:-1] = ids
    position = torch.arange(result.shape[1])
    result.masked_fill_(position > lengths.unsqueeze(1), PAD)
    return result.scatter_(1, (lengths + 1).unsqueeze(1), END)


def _encoded_again(
    model: AttentionModel, split: Split, vocabulary: Vocabulary, device: str, name: str, change: Change
) -> Removal:
    model.eval()
    whole = collate(split, vocabulary, np.arange(len(split)))
    lengths = whole.lengths - 2  # without start and end
    inside = torch.arange(whole.ids.shape[1] - 2) < lengths.unsqueeze(1)
    words = whole.ids[:, 1:-1].masked_fill(~inside, PAD)
    encode = encoder_of_words(model, words)
    query = questions(model, whole, device)

    @torch.no_grad()
    def evaluate(rows: np.ndarray, removed: np.ndarray) -> np.ndarray:
        result: list[tuple[Tensor, Tensor]] = []
        at, gone = torch.from_numpy(rows), torch.from_numpy(removed)
        cost = lengths[at] - gone.sum(dim=1) if change is _shortened else lengths[at]
        for part in alike(cost):
            texts = at[part]
            ids, new_lengths = change(words[texts], lengths[texts], gone[part])
            batch = Batch(ids, new_lengths, texts)
            if whole.candidates is not None:
                batch = batch._replace(candidates=whole.candidates[texts])
            batch = batch.to(device)
            asked = None if query is None else query[texts.to(device)]
            logits = model(batch, query=asked, states=encode(batch)).logits
            result.append((part, logits.double().softmax(dim=1).cpu()))
        order = torch.cat([part for part, _ in result]).argsort()
        return torch.cat([found for _, found in result])[order].numpy()

    intact = evaluate(np.arange(len(split)), np.zeros(words.shape, dtype=bool))
    return Removal(name, intact, split.lengths, evaluate)


@torch.no_grad()
def questions(model: AttentionModel, whole: Batch, device: str) -> Tensor | None:
    """Summaries of all questions [N, m], a few at a time; None for a model without questions."""
    if whole.question_ids is None or whole.question_lengths is None:
        return None
    parts = []
    for rows in torch.arange(len(whole.ids)).split(128):
        asked = whole.question_lengths[rows]
        part = Batch(whole.ids[rows], whole.lengths[rows], whole.labels[rows])
        part = part._replace(
            question_ids=whole.question_ids[rows, : int(asked.max())], question_lengths=asked
        )
        parts.append(model.question_summary(part.to(device)))
    return torch.cat(parts)  # type: ignore[arg-type]  # the model reads questions


def encoder_of_words(model: AttentionModel, words: Tensor) -> Callable[[Batch], Tensor | None]:
    """A function from a batch to its states, faster than the encoder; to None where there is none such.

    words: ids of all words that will be asked for, beside the special symbols.
    """
    encoder = model.encoder
    if not isinstance(encoder, Recurrent):
        return lambda batch: None
    known = torch.cat([torch.tensor([PAD, START, END]), words.flatten()]).unique()
    place = torch.full((int(known.max()) + 1,), 0)
    place[known] = torch.arange(len(known))
    device = model.embedding.weight.device
    with torch.no_grad():
        embedded = model.embedding(known.to(device))
        table = input_gates(encoder.forwards, embedded), input_gates(encoder.backwards, embedded)
    place = place.to(device)
    return lambda batch: states_of_words(encoder, table, place[batch.ids], batch.lengths)


def alike(lengths: Tensor) -> Iterator[Tensor]:
    """All positions of `lengths` [R], in blocks of neighbours by length with at most _TOKENS tokens."""
    order = lengths.argsort(stable=True)
    ordered = lengths[order].tolist()
    start = 0
    while start < len(order):
        stop = start + 1
        # Sorted, so the last is the longest.
        while stop < len(order) and (stop + 1 - start) * ordered[stop] <= _TOKENS:
            stop += 1
        yield order[start:stop]
        start = stop
