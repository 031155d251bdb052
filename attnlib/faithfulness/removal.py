"""Removal: what a model says about texts from which some tokens were taken away.

Every faithfulness measure asks the same question of a model: how likely are the classes when these tokens are
gone? A `Removal` answers it for N texts and any sets of tokens, and remembers its answers, since rankings of
the same tokens ask for the same sets over and over. `deletion` makes one of any classifier;
`attnlib.faithfulness.text` makes those of the attention models.
"""

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from attnlib.checks import first_row, numbers, refuse_string, token_lists
from attnlib.faithfulness.predict import Predict, asked_twice, columns

# Rows [R] of the texts, and which of their tokens go [R, T] → class probabilities [R, C]. Never asked for a
# text without tokens, nor for one that is whole.
Evaluate = Callable[[np.ndarray, np.ndarray], Any]
# A text and which of its tokens go [T] → the text without them.
Remove = Callable[[Sequence[str], np.ndarray], list[str]]

SUM_TOLERANCE = 1e-3

_CELLS = 1 << 25  # booleans of the sets asked for at a time


@dataclass(frozen=True, eq=False, repr=False)
class Removal:
    """One way to remove tokens from N texts, with what the model then says.

    intact: [N, C] probabilities of the whole texts. lengths: [N] number of tokens of each. evaluate: answers
    what is asked; `without` asks it no set twice, and at most `step` sets at a time (None: all). name: of the
    way to remove, for tables. progress: say on stderr how much will be asked, before it is.
    """

    name: str
    intact: np.ndarray
    lengths: np.ndarray
    evaluate: Evaluate
    step: int | None = None
    progress: bool = False
    known: dict[bytes, np.ndarray] = field(default_factory=dict)

    def __post_init__(self) -> None:
        object.__setattr__(self, "lengths", np.array(self.lengths))
        object.__setattr__(self, "intact", checked(self.intact, np.arange(len(self.lengths)), self.name))

    def __repr__(self) -> str:
        n, classes = self.intact.shape
        return f"Removal({self.name!r}: {n} texts, {classes} classes)"

    @property
    def predicted(self) -> np.ndarray:
        """The predicted class of the whole texts, [N]; the first on ties."""
        return self.intact.argmax(axis=1)

    @property
    def mask(self) -> np.ndarray:
        """Where there are tokens, [N, T] bool."""
        return np.arange(self.lengths.max()) < self.lengths[:, None]

    def without(self, removed: np.ndarray) -> np.ndarray:
        """Class probabilities [N, K, C] after removing K sets of tokens [N, K, T] (bool) from each text.

        NaN where nothing would be left, and so for a text of no token: what a model says about no text at all
        is not a matter of its evidence. Raises ValueError for another shape, or where something beyond the
        text is removed.
        """
        n, width = len(self.lengths), int(self.lengths.max())
        if removed.ndim != 3 or removed.shape[0] != n or removed.shape[2] != width or removed.dtype != bool:
            got = f"{removed.dtype} {list(removed.shape)}"
            raise ValueError(f"removed: expected bool [{n}, K, {width}], got {got}")
        if (row := first_row((removed & ~self.mask[:, None]).any(axis=(1, 2)))) is not None:
            raise ValueError(f"removed: row {row} removes something beyond its {self.lengths[row]} tokens")
        n_sets = removed.shape[1]
        answers = self._answers(np.repeat(np.arange(n), n_sets), removed.reshape(-1, width))
        return answers.reshape(n, n_sets, -1)

    def _answers(self, rows: np.ndarray, sets: np.ndarray) -> np.ndarray:
        """Class probabilities [R, C] of texts `rows` [R], each without one set of its tokens [R, T]."""
        sizes, lengths, classes = sets.sum(axis=1), self.lengths[rows], self.intact.shape[1]
        result = np.full((len(rows), classes), np.nan)
        whole = (sizes == 0) & (lengths > 0)
        result[whole] = self.intact[rows[whole]]
        asked = np.flatnonzero((sizes > 0) & (sizes < lengths))
        of_rows, packed = rows[asked].astype("<i8")[:, None].view(np.uint8), np.packbits(sets[asked], axis=1)
        names = [name.tobytes() for name in np.concatenate([of_rows, packed], axis=1)]
        places = dict(zip(names, asked, strict=True))
        new = sorted(places.keys() - self.known.keys())
        step = self.step or len(new) or 1
        if self.progress and new:
            calls = -(-len(new) // step)
            print(f"{self.name}: {len(new)} shorter texts to ask about, in {calls} calls", file=sys.stderr)
        for start in range(0, len(new), step):
            at = [places[name] for name in new[start : start + step]]
            found = checked(self.evaluate(rows[at], sets[at]), rows[at], self.name, classes)
            self.known.update(zip(new[start : start + step], found, strict=True))
        result[asked] = np.array([self.known[name] for name in names]).reshape(-1, classes)
        return result

    def drop(self, removed: np.ndarray) -> np.ndarray:
        """By how much the probability of the predicted class falls without each set, [N, K]."""
        chosen = self.predicted[:, None, None]
        before = np.take_along_axis(self.intact, chosen[:, :, 0], axis=1)
        after = np.take_along_axis(self.without(removed), chosen, axis=2)
        return before - after[:, :, 0]

    def drop_of_each(self) -> np.ndarray:
        """Leave-one-out: by how much the probability falls without each token alone, [N, T].

        NaN beyond the text and for the token of a one-token text.
        """
        mask = self.mask
        n, width = mask.shape
        result, step = np.full((n, width), np.nan), max(1, _CELLS // (n * width))
        for start in range(0, width, step):
            # Of the tokens that there are: one long text costs its own length squared, not that of each text.
            rows, columns = np.nonzero(mask[:, start : start + step])
            columns += start
            after = self._answers(rows, np.arange(width) == columns[:, None])
            chosen = self.predicted[rows]
            result[rows, columns] = self.intact[rows, chosen] - after[np.arange(len(rows)), chosen]
        return result


def delete(tokens: Sequence[str], removed: np.ndarray) -> list[str]:
    """The text without the removed tokens."""
    return [token for token, gone in zip(tokens, removed, strict=True) if not gone]


def replace_by(symbol: str) -> Remove:
    """A way to remove that puts `symbol`, say "[MASK]", in the place of each token."""

    def replace(tokens: Sequence[str], removed: np.ndarray) -> list[str]:
        return [symbol if gone else token for token, gone in zip(tokens, removed, strict=True)]

    return replace


def removal_of_texts(
    predict: Predict,
    texts: Sequence[Sequence[str]],
    remove: Remove = delete,
    name: str | None = None,
    batch_size: int = 1024,
    progress: bool = False,
) -> Removal:
    """A Removal of any classifier: `predict` maps a list of token lists to class probabilities [n, C].

    texts: lists of tokens, words or whole numbers (ids). `predict` may return an array of any library: NumPy,
    torch, a DataFrame, a sparse matrix; or dicts by class, or logarithms. It is asked about the first texts
    twice. remove: `delete`, `replace_by(symbol)` or a function of one's own. progress: say what is asked.
    name: for tables; None takes the function's. Raises ValueError, naming the row, for no text, a text that
    is a string or without tokens, and probabilities that are not finite, not ≥ 0 or do not sum to 1.
    """
    lists = token_lists(texts, kinds=(str, int, np.integer))
    empty = [row for row, text in enumerate(lists) if not text]
    if not lists or empty:
        raise ValueError(f"texts: row {empty[0]} has no token" if empty else "texts: there are none")

    called = name or str(getattr(remove, "__name__", "removal"))
    whole: list[np.ndarray] = []
    for start in range(0, len(lists), batch_size):
        part = lists[start : start + batch_size]
        classes = whole[0].shape[1] if whole else None
        found = columns(predict(part)) if start else asked_twice(predict, part)
        whole.append(checked(found, np.arange(start, start + len(part)), called, classes))

    def evaluate(rows: np.ndarray, removed: np.ndarray) -> Any:
        shortened = []
        for row, gone in zip(rows, removed, strict=True):
            shortened.append(remove(lists[row], gone[: len(lists[row])]))
            refuse_string(shortened[-1], f"{called}: what `remove` makes of text {row}")
        return columns(predict(shortened))

    lengths = np.array([len(text) for text in lists])
    return Removal(called, np.concatenate(whole), lengths, evaluate, batch_size, progress)


def checked(probabilities: Any, rows: np.ndarray, name: str, classes: int | None = None) -> np.ndarray:
    """Class probabilities as float64 [n, C]; ValueError, naming a row of the texts, if they are none.

    classes: how many there must be; None: any number from two.
    """
    columns = "C] of at least two classes" if classes is None else f"{classes}]"
    expected = f"{name}: expected probabilities [{len(rows)}, {columns}, got"
    found = numbers(probabilities, expected)
    if found.ndim == 1 or found.shape[1:] == (1,):
        raise ValueError(
            f"{expected} shape {list(found.shape)}. Of one output p for the second of two classes make "
            "np.column_stack([1 - p, p]); a label is no probability"
        )
    if found.ndim != 2 or len(found) != len(rows) or classes not in (None, found.shape[1]):
        raise ValueError(f"{expected} shape {list(found.shape)}")
    total = found.sum(axis=1)
    # Written so that NaN is bad too.
    bad = ~((np.abs(total - 1) <= SUM_TOLERANCE) & (found >= 0).all(axis=1))
    if (at := first_row(bad)) is not None:
        raise ValueError(
            f"{name}: the probabilities of text {int(rows[at])} are {np.round(found[at], 6).tolist()}; they "
            "must be ≥ 0 and sum to 1. Does `predict` return logits or labels?"
        )
    return found
