"""Texts to padded tensors, and the order in which batches are visited."""

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence

from attnlib.data.corpus import PAD, Split, Vocabulary


class Batch(NamedTuple):
    """Some texts as tensors. N texts, L = longest text + 2 (start and end symbols)."""

    ids: Tensor  # [N, L] word ids: start, tokens, end, padding
    lengths: Tensor  # [N] with start and end
    labels: Tensor  # [N]
    question_ids: Tensor | None = None  # [N, M]
    question_lengths: Tensor | None = None  # [N]
    candidates: Tensor | None = None  # [N, K] the classes that may be the answer, padded with -1
    attention: Tensor | None = None  # [N, L] imposed weights, 0 off the mask
    states: Tensor | None = None  # [N, L, m] of a frozen encoder, 0 off the mask

    @property
    def mask(self) -> Tensor:
        """Positions that attention may use, [N, L]: tokens, not start, end or padding."""
        position = torch.arange(self.ids.shape[1], device=self.ids.device)
        return (position > 0) & (position < (self.lengths - 1).unsqueeze(1))

    def allowed(self, n_classes: int) -> Tensor | None:
        """Classes that may be the answer, [N, C]; None where all may."""
        if self.candidates is None:
            return None
        marks = torch.zeros(len(self.ids), n_classes + 1, dtype=torch.bool, device=self.candidates.device)
        # The padding marks a column of its own.
        return marks.scatter_(1, self.candidates % (n_classes + 1), True)[:, :n_classes]

    def to(self, device: torch.device | str) -> "Batch":
        """The batch on a device."""
        return Batch._make(column if column is None else column.to(device) for column in self)


def pad(rows: Sequence[Sequence[int]]) -> tuple[Tensor, Tensor]:
    """Rows of ids → ids [N, L] padded with 0, lengths [N]."""
    ids = pad_sequence([torch.tensor(row) for row in rows], batch_first=True, padding_value=PAD)
    return ids, torch.tensor([len(row) for row in rows])


def padded(rows: Sequence[Sequence[int]]) -> dict[str, Tensor]:
    """Rows of ids as transformers take them: input_ids, padded with 0, and attention_mask."""
    ids, lengths = pad(rows)
    return {"input_ids": ids, "attention_mask": (torch.arange(ids.shape[1]) < lengths.unsqueeze(1)).long()}


def collate(split: Split, vocabulary: Vocabulary, index: Sequence[int] | np.ndarray) -> Batch:
    """The texts of `split` at `index` as one Batch, in that order."""
    ids, lengths = pad([vocabulary.encode(split.texts[i]) for i in index])
    more: dict[str, Tensor] = {}
    if split.questions is not None:
        questions = [vocabulary.encode(split.questions[i]) for i in index]
        more["question_ids"], more["question_lengths"] = pad(questions)
    if split.candidates is not None:
        rows = [torch.from_numpy(split.candidates[i]) for i in index]
        more["candidates"] = pad_sequence(rows, batch_first=True, padding_value=-1)
    if split.attention is not None:
        more["attention"] = by_position(split.attention, index).float()
    if split.states is not None:
        more["states"] = by_position(split.states, index).float()
    return Batch(ids, lengths, torch.from_numpy(split.labels[np.asarray(index)]), **more)


def by_position(of_tokens: Sequence[np.ndarray], index: Sequence[int] | np.ndarray) -> Tensor:
    """What the tokens of each text have, [T, …], for the texts at `index`: [N, L, …], 0 off the tokens."""
    rows = (of_tokens[i] for i in index)
    between = (np.pad(row, [(1, 1)] + [(0, 0)] * (row.ndim - 1)) for row in rows)  # of start and end nothing
    return pad_sequence([torch.from_numpy(row) for row in between], batch_first=True)


def joined(parts: Sequence[tuple[np.ndarray, dict[str, Tensor]]]) -> dict[str, Any]:
    """Columns [n, …] of batches as those of the whole, by the rows that each batch holds.

    Narrower ones are filled up with zeros.
    """
    back = torch.from_numpy(np.argsort(np.concatenate([rows for rows, _ in parts])))
    found = {}
    for name in parts[0][1]:
        rows = [row for _, columns in parts for row in columns[name]]
        found[name] = pad_sequence(rows, batch_first=True)[back.to(rows[0].device)]
    return found


def batches(
    split: Split, vocabulary: Vocabulary, size: int, generator: np.random.Generator | None = None
) -> Iterator[tuple[np.ndarray, Batch]]:
    """Batches of texts of like length, with the positions in `split` that they hold.

    Without a generator: shortest first, a stable order, for evaluation. With one, Jain & Wallace's training
    order: sort by length × (1 + noise of ±10 %), cut into batches, shuffle the batches, keep the last
    partial one.
    """
    for index in groups_of(split.lengths, size, generator):
        yield index, collate(split, vocabulary, index)


def groups_of(
    lengths: np.ndarray, size: int, generator: np.random.Generator | None = None
) -> list[np.ndarray]:
    """Positions of texts of like length, `size` at a time, in the order that `batches` has."""
    groups = buckets(lengths, size, generator)
    return groups if generator is None else [groups[i] for i in generator.permutation(len(groups))]


def buckets(lengths: np.ndarray, size: int, generator: np.random.Generator | None = None) -> list[np.ndarray]:
    """Positions by length, times a noise of ±10 % with a generator, cut into buckets of `size`."""
    noise = 1 if generator is None else generator.uniform(0.9, 1.1, size=len(lengths))
    return np.split(np.argsort(lengths * noise, kind="stable"), range(size, len(lengths), size))
