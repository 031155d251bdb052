"""How a stock transformer is asked: its logits, from one place, and as each text or image alone gets them.

A model whose answer padding changes is asked without padding. An answer that still depends on the batch is an
error.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from attnlib.checks import first_row
from attnlib.models.kinds import SCORED, Inputs, Kind

TOLERANCE = 1e-4  # of probabilities in a batch against those alone, in float32
TRIED = 4  # instances that are asked alone, from the shortest to the longest


def chunks(inputs: Inputs, size: int) -> Iterator[dict[str, Tensor]]:
    """The inputs of `size` instances at a time, in their order."""
    if size < 1:
        raise ValueError(f"batch_size is {size}: at least 1 is needed")
    n = len(inputs["attention_mask"])
    for start in range(0, n, size):
        yield {name: value[start : start + size] for name, value in inputs.items()}


def output_of(model: nn.Module, inputs: Inputs) -> Any:
    """What a model answers; one of the library's names its fields, whatever its configuration says."""
    given: dict[str, Any] = {name: value for name, value in inputs.items() if name != SCORED}
    if getattr(getattr(model, "config", None), "return_dict", None) is False:
        given["return_dict"] = True
    return model(**given)


def logits_of(model: nn.Module, kind: Kind, inputs: Inputs) -> Tensor:
    """A model's logits [N, C]."""
    return output_of(model, inputs)[kind.logits]


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
        sizes, which = sizes_of(self.kind, inputs).unique(dim=0, return_inverse=True)
        found = []
        for number, size in enumerate(sizes):
            part = {name: value[which == number] for name, value in inputs.items()}
            found.append(logits_of(self.model, self.kind, trimmed(self.kind, part, size)))
        return {self.kind.logits: torch.cat(found)[which.argsort(stable=True).argsort()]}


def plain(model: nn.Module) -> nn.Module:
    """The model itself, whose modules are to be watched."""
    return model.model if isinstance(model, Unpadded) else model


def sizes_of(kind: Kind, inputs: Inputs) -> Tensor:
    """How far the words of each row go, and the rows of its features, [N, 2]."""
    masks = [inputs[name].bool() for name in ("attention_mask", kind.present)]
    ends = [mask * torch.arange(1, mask.shape[1] + 1, device=mask.device) for mask in masks]
    return torch.stack([end.amax(dim=1) for end in ends], dim=1)


def trimmed(kind: Kind, inputs: Inputs, size: Tensor) -> dict[str, Tensor]:
    """The inputs up to a number of words and of rows of the features, [2]."""
    words, rows = size.tolist()
    length = inputs["attention_mask"].shape[1]
    kept = dict(inputs)
    for name, value in inputs.items():
        if name in (kind.features, kind.present, *kind.beside):
            kept[name] = value[:, :rows]
        elif value.dim() > 1 and value.shape[1] == length:
            kept[name] = value[:, :words]
    return kept


def tried(kind: Kind, inputs: Inputs) -> Iterator[tuple[int, dict[str, Tensor], Tensor]]:
    """Of TRIED instances, from the shortest to the longest: row, inputs without padding, and size.

    One without any features is left out: what a model says about nothing is not asked for.
    """
    sizes = sizes_of(kind, inputs)
    order = sizes.sum(dim=1).argsort(stable=True)
    rows = order[(sizes[order] > 0).all(dim=1)].tolist()
    for i in np.linspace(0, len(rows) - 1, min(len(rows), TRIED)).round().astype(int):
        row = rows[i]
        one = {name: value[row : row + 1] for name, value in inputs.items()}
        yield row, trimmed(kind, one, sizes[row]), sizes[row]


@torch.no_grad()
def without_padding(model: nn.Module, kind: Kind, inputs: Inputs) -> nn.Module:
    """The model itself, or `Unpadded` of it if padding changes its answer.

    Tried on instances without their last position, cut off or left in its place but absent: padding also
    comes with removals, which shorten one text of many.
    """
    # A text keeps its class token, a word and its separator.
    least = torch.tensor([3, 3 if kind.present == "attention_mask" else 1])
    for _, one, size in tried(kind, inputs):
        fewer = size - (size > least.to(size.device)).long()
        absent = dict(one)
        for name, last in (("attention_mask", fewer[0]), (kind.present, fewer[1])):
            absent[name] = one[name].clone()
            absent[name][:, last:] = 0
        cut = logits_of(model, kind, trimmed(kind, one, fewer))
        # Of logits: probabilities hide a change where one of them is near 1.
        if not apart(cut, logits_of(model, kind, absent)) <= 10 * tolerance(cut):
            return Unpadded(model, kind)
    return model


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
def answers(model: nn.Module, kind: Kind, inputs: Inputs, batch_size: int) -> Tensor:
    """The logits of all instances, [N, C], in batches.

    Raises ValueError for a logit that is nan, and where an instance of those `tried` gets probabilities that
    are not those it gets alone and without padding.
    """
    found = torch.cat([logits_of(model, kind, part) for part in chunks(inputs, batch_size)])
    if (row := first_row(found.isnan().any(dim=1))) is not None:
        raise ValueError(f"the model's {kind.logits} of row {row} are nan")
    for row, one, _ in tried(kind, inputs):
        alone, batched = logits_of(model, kind, one), found[row : row + 1]
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
