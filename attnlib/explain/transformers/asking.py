"""How a stock transformer is asked: its logits, from one place, and as each text or image alone gets them.

A model whose answer padding changes is asked without padding. An answer that still depends on the batch is an
error.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from attnlib.checks import first_row
from attnlib.models.kinds import SCORED, Inputs, Kind

TOLERANCE = 1e-4  # of probabilities in a batch against those alone, in float32
TRIED = 4  # instances that are asked alone, from the shortest to the longest


@dataclass(frozen=True)
class Asked:
    """A stock transformer, and the instances that it is asked about.

    inputs: the model's keyword arguments; those of `kind.features` must be among them, so for BERT the word
    embeddings and not the ids. Beside them "scored" can say which words are scored (`Kind.mask`).
    target: what gradients are of. chosen: [N] the class to explain of each instance; None before it is known.
    """

    model: nn.Module
    kind: Kind
    inputs: Inputs
    target: str = "logit"
    chosen: Any = None

    def __len__(self) -> int:
        return len(self.inputs["attention_mask"])

    @property
    def features(self) -> Tensor:
        """The input whose rows are scored, [N, U, d]."""
        return self.inputs[self.kind.features]

    @property
    def present(self) -> Tensor:
        """Which scored positions are there, [N, U] bool."""
        return self.kind.mask(self.inputs)

    def answer(self, **changed: Tensor) -> Any:
        """What the model answers; one of the library's names its fields, whatever its configuration says."""
        given: dict[str, Any] = {**self.inputs, **changed}
        given.pop(SCORED, None)
        if setting(self.model, "return_dict") is False:
            given["return_dict"] = True
        return self.model(**given)

    def logits(self, **changed: Tensor) -> Tensor:
        """The model's logits [N, C], some of the inputs changed."""
        return self.answer(**changed)[self.kind.logits]

    def rows(self, at: slice | Tensor | list[int]) -> "Asked":
        """The same of some instances."""
        inputs = {name: value[at] for name, value in self.inputs.items()}
        return replace(self, inputs=inputs, chosen=None if self.chosen is None else self.chosen[at])

    def batches(self, size: int) -> "Iterator[Asked]":
        """The same of `size` instances at a time, in their order."""
        if size < 1:
            raise ValueError(f"batch_size is {size}: at least 1 is needed")
        return (self.rows(slice(start, start + size)) for start in range(0, len(self), size))

    def parts(self, size: int) -> "Iterator[tuple[Tensor, Asked]]":
        """Which rows, and the same of these; of a model asked without padding, of one length and without."""
        rows = torch.arange(len(self), device=self.features.device)
        if not isinstance(self.model, Unpadded):
            yield from zip(rows.split(max(size, 1)), self.batches(size), strict=True)
            return
        sizes, which = self.sizes().unique(dim=0, return_inverse=True)
        for number, length in enumerate(sizes):
            for some in rows[which == number].split(size):
                yield some, self.rows(some).trimmed(length)

    def sizes(self) -> Tensor:
        """How far the words of each row go, and the rows of its features, [N, 2]."""
        masks = [self.inputs[name].bool() for name in ("attention_mask", self.kind.present)]
        ends = [mask * torch.arange(1, mask.shape[1] + 1, device=mask.device) for mask in masks]
        return torch.stack([end.amax(dim=1) for end in ends], dim=1)

    def trimmed(self, size: Tensor) -> "Asked":
        """The same up to a number of words and of rows of the features, [2]."""
        (words, rows), kind = size.tolist(), self.kind
        length, kept = self.inputs["attention_mask"].shape[1], dict(self.inputs)
        for name, value in self.inputs.items():
            if name in (kind.features, kind.present, *kind.beside):
                kept[name] = value[:, :rows]
            elif value.dim() > 1 and value.shape[1] == length:
                kept[name] = value[:, :words]
        return replace(self, inputs=kept)


def setting(model: nn.Module, name: str) -> Any:
    """What the model's configuration says, if it has one, and says anything."""
    return getattr(getattr(model, "config", None), name, None)


class Unpadded(nn.Module):
    """A model that is asked without padding, rows of one size at a time.

    For models whose answer padding changes: decoders with a classification head read the last position, where
    shorter texts have padding.
    """

    def __init__(self, model: nn.Module, kind: Kind) -> None:
        super().__init__()
        self.model, self.kind = model, kind
        self.eval()

    def forward(self, **inputs: Tensor) -> dict[str, Tensor]:
        """The logits by their name, in the order of the rows."""
        asked = Asked(self.model, self.kind, inputs)
        sizes, which = asked.sizes().unique(dim=0, return_inverse=True)
        found = [asked.rows(which == number).trimmed(size).logits() for number, size in enumerate(sizes)]
        return {self.kind.logits: torch.cat(found)[which.argsort(stable=True).argsort()]}


def plain(model: nn.Module) -> nn.Module:
    """The model itself, whose modules are to be watched."""
    return model.model if isinstance(model, Unpadded) else model


def tried(asked: Asked) -> Iterator[tuple[int, Asked]]:
    """Of TRIED instances, from the shortest to the longest: row, and the same of it alone, without padding.

    One without any features is left out: what a model says about nothing is not asked for.
    """
    sizes = asked.sizes()
    order = sizes.sum(dim=1).argsort(stable=True)
    rows = order[(sizes[order] > 0).all(dim=1)].tolist()
    for i in np.linspace(0, len(rows) - 1, min(len(rows), TRIED)).round().astype(int):
        yield rows[i], asked.rows([rows[i]]).trimmed(sizes[rows[i]])


@torch.no_grad()
def without_padding(asked: Asked) -> Asked:
    """The same, or of an `Unpadded` model if padding changes the answer.

    Tried on instances without their last position, cut off or left in its place but absent: padding also
    comes with removals, which shorten one text of many.
    """
    # A text keeps its class token, a word and its separator.
    kind = asked.kind
    least = torch.tensor([3, 3 if kind.present == "attention_mask" else 1], device=asked.features.device)
    for _, one in tried(asked):
        fewer = one.sizes()[0]
        fewer = fewer - (fewer > least).long()
        absent = {name: one.inputs[name].clone() for name in ("attention_mask", kind.present)}
        for mask, last in zip(absent.values(), fewer, strict=False):  # of one name where both are one
            mask[:, last:] = 0
        cut = one.trimmed(fewer).logits()
        # Of logits: probabilities hide a change where one of them is near 1.
        if not apart(cut, one.logits(**absent)) <= 10 * tolerance(cut):
            return replace(asked, model=Unpadded(asked.model, kind))
    return asked


def apart(one: Tensor, other: Tensor) -> float:
    """The largest difference, as a share of the largest number if that is above 1; nan if there is a nan."""
    one, other = one.double(), other.double()
    difference = torch.where(one == other, 0.0, (one - other).abs())  # of two infinite ones too
    return float(difference.max() / one.nan_to_num(posinf=0, neginf=0).abs().max().clamp(min=1))


def tolerance(logits: Tensor) -> float:
    """How far an answer may be from the one alone: TOLERANCE, or some steps of a coarser number format."""
    exact = torch.get_float32_matmul_precision() == "highest"
    return max(TOLERANCE, 8 * torch.finfo(logits.dtype if exact else torch.float16).eps)


@torch.no_grad()
def answers(asked: Asked, batch_size: int) -> Tensor:
    """The logits of all instances, [N, C], in batches.

    Raises ValueError for a logit that is nan, and where an instance of those `tried` gets probabilities that
    are not those it gets alone and without padding.
    """
    found = torch.cat([part.logits() for part in asked.batches(batch_size)])
    if (row := first_row(found.isnan().any(dim=1))) is not None:
        raise ValueError(f"the model's {asked.kind.logits} of row {row} are nan")
    for row, one in tried(asked):
        alone, batched = one.logits(), found[row : row + 1]
        if alone.shape[1] > 1:
            alone, batched = alone.softmax(dim=1), batched.softmax(dim=1)
        difference = apart(alone, batched)
        if not difference <= tolerance(alone):
            raise ValueError(
                f"row {row}: in its batch the model's answer is {difference:.2g} away from the one that it "
                "gives to this row alone, without padding; what it says of a row must not depend on the rows "
                "beside it, nor on chance: give batch_size=1, or another model"
            )
    return found
