"""The three ways to remove words or regions from a stock transformer: deletion, zeroing, attention mask.

Regions of an image stand in no order: a model that is given fewer of them computes what one computes that may
not attend to the others. There deletion and the attention mask are one operation, and only the latter is
made; Liu et al. 2022 count both, which weighs it twice in their mean.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor, nn

from attnlib.explain.transformers.asking import answers, chunks, logits_of, without_padding
from attnlib.explain.transformers.checks import check
from attnlib.faithfulness.removal import Removal
from attnlib.models.kinds import SCORED, Inputs, Kind

# Inputs of the rows asked for, and which of their scored positions go [R, U] → inputs without them
Change = Callable[[dict[str, Tensor], Tensor], dict[str, Tensor]]


def removals(model: nn.Module, kind: Kind, inputs: Inputs, batch_size: int = 256) -> dict[str, Removal]:
    """Removals of a stock model by name: for words all three, for regions zeroing and attention mask.

    inputs: as in `attnlib.explain.transformers.explain`, which refuses the same; here a model of one output
    is refused too, and an input with a row per word that the kind does not know, since deletion would have
    to move it. Attention mask: the position is a key in no layer. Zeroing: its features are zero, and its
    box if it has one; position and type remain.
    """
    check(model, kind, inputs)
    if kind.ordered:
        _check_moved(kind, inputs)
    model = without_padding(model, kind, inputs)
    present = kind.mask(inputs)
    lengths = present.sum(dim=1)
    ways: dict[str, Change] = {"zeroing": _zeroed(kind), "attention mask": _masked(kind)}
    if kind.ordered:
        ways = {"deletion": _deleted(kind), **ways}
    intact = _softmax(answers(model, kind, inputs, batch_size))
    if intact.shape[1] == 1:
        raise ValueError(
            "the model has one output, so no probability can fall: wrap it in a module that answers with two "
            "logits, such as 0 and its own"
        )
    return {
        name: Removal(name, intact, lengths.cpu().numpy(), _evaluate(model, kind, inputs, change, batch_size))
        for name, change in ways.items()
    }


@torch.no_grad()
def _probabilities(model: nn.Module, kind: Kind, inputs: dict[str, Tensor], batch_size: int) -> np.ndarray:
    return _softmax(torch.cat([logits_of(model, kind, part) for part in chunks(inputs, batch_size)]))


def _softmax(logits: Tensor) -> np.ndarray:
    return logits.double().softmax(dim=1).cpu().numpy()


def _check_moved(kind: Kind, inputs: Inputs) -> None:
    """ValueError for an input with a row per word that the kind does not know."""
    known, width = {kind.features, kind.present, SCORED, *kind.beside}, inputs[kind.present].shape[1]
    for name, value in inputs.items():
        if name not in known and value.dim() > 1 and value.shape[1] == width:
            raise ValueError(
                f"{name} has a row for each of {width} positions, and the kind does not say what becomes of "
                "it where a word is deleted: leave it out, or name it in the kind's `beside` to move it along"
            )


def _evaluate(
    model: nn.Module, kind: Kind, inputs: Inputs, change: Change, batch_size: int
) -> Callable[[np.ndarray, np.ndarray], np.ndarray]:
    device = inputs[kind.features].device

    def evaluate(rows: np.ndarray, removed: np.ndarray) -> np.ndarray:
        found = []
        for start in range(0, len(rows), batch_size):
            at = torch.from_numpy(rows[start : start + batch_size]).to(device)
            gone = torch.from_numpy(removed[start : start + batch_size]).to(device)
            width = kind.mask(inputs).shape[1]
            gone = nn.functional.pad(gone, (0, width - gone.shape[1]))
            chosen = {name: value[at] for name, value in inputs.items()}
            found.append(_probabilities(model, kind, change(chosen, gone), batch_size))
        return np.concatenate(found)

    return evaluate


def _with_ends(kind: Kind, gone: Tensor) -> Tensor:
    """Which positions of the features go, [R, L]; the ends stay."""
    return nn.functional.pad(gone, (kind.ends, kind.ends))


def _masked(kind: Kind) -> Change:
    def change(inputs: dict[str, Tensor], gone: Tensor) -> dict[str, Tensor]:
        return {**inputs, kind.present: inputs[kind.present].masked_fill(_with_ends(kind, gone), 0)}

    return change


def _zeroed(kind: Kind) -> Change:
    def change(inputs: dict[str, Tensor], gone: Tensor) -> dict[str, Tensor]:
        kept = (~_with_ends(kind, gone)).unsqueeze(2)
        zeroed = {name: inputs[name] * kept for name in (kind.features, *kind.zeroed)}
        return {**inputs, **zeroed}

    return change


def _deleted(kind: Kind) -> Change:
    def change(inputs: dict[str, Tensor], gone: Tensor) -> dict[str, Tensor]:
        kept = inputs[kind.present].bool() & ~_with_ends(kind, gone)
        order = (~kept).to(torch.int8).sort(dim=1, stable=True).indices
        width = int(kept.sum(dim=1).max())
        moved = {}
        for name in (kind.features, kind.present, *kind.beside):
            if name in inputs:
                value = inputs[name]
                index = order if value.dim() == 2 else order.unsqueeze(2).expand(-1, -1, value.shape[2])
                moved[name] = value.gather(1, index)[:, :width]
        position = torch.arange(width, device=kept.device)
        moved[kind.present] = (position < kept.sum(dim=1, keepdim=True)).to(inputs[kind.present].dtype)
        return {**inputs, **moved}

    return change
