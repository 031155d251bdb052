"""The three ways to remove words or regions from a stock transformer: deletion, zeroing, attention mask.

Regions of an image stand in no order: a model that is given fewer of them computes what one computes that may
not attend to the others. There deletion and the attention mask are one operation, and only the latter is
made; Liu et al. 2022 count both, which weighs it twice in their mean.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np
import pandas as pd
import torch
from torch import Tensor, nn

from attnlib.checks import one_of
from attnlib.explain.transformers.asking import Asked, answers, without_padding
from attnlib.explain.transformers.checks import check
from attnlib.explain.transformers.methods import METHODS
from attnlib.explain.transformers.texts import Encoded, explain_texts
from attnlib.faithfulness.removal import Removal
from attnlib.faithfulness.tables import measure_texts
from attnlib.faithfulness.text import OPERATORS, in_blocks
from attnlib.faithfulness.violation import Violation, violations
from attnlib.models.kinds import ANY_TEXT, SCORED, Inputs, Kind

# The rows asked for, and which positions of their features go [R, L] → the inputs that change
Change = Callable[[Asked, Tensor], dict[str, Tensor]]


def removals(
    model: nn.Module, kind: Kind, inputs: Inputs, batch_size: int = 256, units: Tensor | None = None
) -> dict[str, Removal]:
    """Removals of a stock model by name: for words all three, for regions zeroing and attention mask.

    inputs: as in `attnlib.explain.transformers.explain`, which refuses the same; here a model of one output
    is refused too, and an input with a row per word that the kind does not know, since deletion would have
    to move it. Attention mask: the position is a key in no layer. Zeroing: its features are zero, and its
    box if it has one; position and type remain. units: [N, L] the number of the unit, such as a word, that
    each position of the features belongs to and goes with, -1 for what stays; None: each scored position is
    one. With units, texts of similar length are asked together.
    """
    asked = Asked(model, kind, inputs)
    check(asked)
    if kind.ordered:
        _check_moved(asked)
    asked = without_padding(asked)
    lengths, width = asked.present.sum(dim=1).cpu().numpy(), asked.present.shape[1]
    if units is not None:
        lengths, batch_size = units.amax(dim=1).add(1).cpu().numpy(), 8 * batch_size
    sizes = asked.sizes()
    intact, device = _softmax(answers(asked, batch_size)), asked.features.device
    if intact.shape[1] == 1:
        raise ValueError(
            "the model has one output, so no probability can fall: wrap it in a module that answers with two "
            "logits, such as 0 and its own"
        )

    def removal(name: str, change: Change) -> Removal:
        @torch.no_grad()
        def evaluate(rows: np.ndarray, removed: np.ndarray) -> np.ndarray:
            at, gone = torch.from_numpy(rows).to(device), torch.from_numpy(removed).to(device)
            if units is None:
                gone = nn.functional.pad(gone, (kind.ends, width - gone.shape[1] + kind.ends))
                part = asked.rows(at)
                return _softmax(part.logits(**change(part, gone)))
            of = units[at]
            gone = gone.gather(1, of.clamp(min=0)) & (of >= 0)

            def ask(some: Tensor) -> Tensor:
                part = asked.rows(at[some]).trimmed(sizes[at[some]].amax(dim=0))
                return part.logits(**change(part, gone[some, : part.features.shape[1]]))

            return in_blocks(ask, sizes[at, 1].cpu())

        return Removal(name, intact, lengths, evaluate, batch_size)

    ways = {"deletion": _deleted, "zeroing": _zeroed, "attention mask": _masked}
    return {name: removal(name, ways[name]) for name in ways if kind.ordered or name != "deletion"}


def violation_of(
    model: nn.Module,
    tokenizer: Any,
    texts: Sequence[Any] | Encoded,
    methods: Iterable[str] = METHODS,
    operator: str = "deletion",
    *,
    pairs: Sequence[Any] | None = None,
    **options: Any,
) -> dict[str, Violation]:
    """The violation test of each method's scores of words, by its name; `[name].ratio` is the published rate.

    operator: how a word goes, with all its pieces: "deletion", "zeroing" or "attention mask". options: of
    `explain_texts`, which has the other arguments.
    """
    found = explain_texts(model, tokenizer, texts, methods, pairs=pairs, **options)
    one_of("operator", operator, OPERATORS)
    removal = removals(model, ANY_TEXT, found.texts.inputs, units=found.texts.word)[operator]
    return {name: violations(scores, removal) for name, scores in found.scores.items()}


def erasure_of(
    model: nn.Module,
    tokenizer: Any,
    texts: Sequence[Any] | Encoded,
    methods: Iterable[str] = METHODS,
    labels: Any = None,
    *,
    pairs: Sequence[Any] | None = None,
    **options: Any,
) -> pd.DataFrame:
    """All measures of each method's scores of words under all three removals, as `measure_texts` has them.

    labels: the right class of each text; None: the predicted one, so that the area under the threshold is
    about the decision. The rest as for `violation_of`; `summarise_measures` gives means with intervals.
    """
    found = explain_texts(model, tokenizer, texts, methods, pairs=pairs, **options)
    ways = removals(model, ANY_TEXT, found.texts.inputs, units=found.texts.word)
    return measure_texts(found.scores, ways, ways["deletion"].predicted if labels is None else labels)


def _softmax(logits: Tensor) -> np.ndarray:
    return logits.double().softmax(dim=1).cpu().numpy()


def _check_moved(asked: Asked) -> None:
    """ValueError for an input with a row per word that the kind does not know."""
    kind, width = asked.kind, asked.features.shape[1]
    known = (kind.features, kind.present, SCORED, *kind.beside)
    for name, value in asked.inputs.items():
        if name not in known and value.dim() > 1 and value.shape[1] == width:
            raise ValueError(
                f"{name} has a row for each of {width} positions, and the kind does not say what becomes of "
                "it where a word is deleted: leave it out, or name it in the kind's `beside` to move it along"
            )


def _masked(asked: Asked, gone: Tensor) -> dict[str, Tensor]:
    present = asked.kind.present
    return {present: asked.inputs[present].masked_fill(gone, 0)}


def _zeroed(asked: Asked, gone: Tensor) -> dict[str, Tensor]:
    kept = (~gone).unsqueeze(2)
    return {name: asked.inputs[name] * kept for name in (asked.kind.features, *asked.kind.zeroed)}


def _deleted(asked: Asked, gone: Tensor) -> dict[str, Tensor]:
    kind, present = asked.kind, asked.inputs[asked.kind.present]
    kept = present.bool() & ~gone
    order = (~kept).to(torch.int8).sort(dim=1, stable=True).indices
    left = kept.sum(dim=1, keepdim=True)
    width = int(left.max())
    moved = {kind.present: (torch.arange(width, device=kept.device) < left).to(present.dtype)}
    for name in {kind.features, *kind.beside} & asked.inputs.keys():
        value = asked.inputs[name]
        index = order if value.dim() == 2 else order.unsqueeze(2).expand(-1, -1, value.shape[2])
        moved[name] = value.gather(1, index)[:, :width]
    return moved
