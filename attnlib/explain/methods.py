"""The explanation methods of the violation test by name, and all of them for one model in one call."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import NamedTuple

from torch import Tensor

from attnlib.checks import one_of
from attnlib.data.corpus import Split, Vocabulary
from attnlib.explain import attention, inputs
from attnlib.explain.targets import TARGETS
from attnlib.kernels.baselines import random_scores
from attnlib.models.classifier import AttentionModel
from attnlib.readout import Readout


class Trained(NamedTuple):
    """What an explanation may look at: a model, the texts, and the model's Readout on them."""

    model: AttentionModel
    texts: Split
    vocabulary: Vocabulary
    readout: Readout
    device: str = "cpu"


class Method(NamedTuple):
    """An explanation method: what gives its scores [N, T], and what is known of it.

    published: its name in Liu et al. 2022; empty if they do not have it. signed: whether it can say that a
    token speaks against the prediction.
    """

    scores: Callable[[Trained, str, int], Tensor]  # of a model, a gradient target and a seed
    published: str
    signed: bool


def _of_inputs(method: inputs.Attribution) -> Callable[[Trained, str, int], Tensor]:
    return lambda to, target, seed: inputs.attributions(
        method, to.model, to.texts, to.vocabulary, target, to.device
    )


METHODS = {
    "random": Method(
        lambda to, target, seed: random_scores(to.readout, seed, ids=to.texts.ids), "Random", False
    ),
    "signed random": Method(
        lambda to, target, seed: random_scores(to.readout, seed, True, to.texts.ids), "", True
    ),
    "attention": Method(lambda to, target, seed: attention.attention_weights(to.readout), "RawAtt", False),
    "attention × norm": Method(
        lambda to, target, seed: attention.attention_times_norm(to.readout), "AttIN", False
    ),
    "attention × gradient": Method(
        lambda to, target, seed: attention.attention_times_gradient(to.readout, target), "AttGrad", True
    ),
    "attention × |gradient|": Method(
        lambda to, target, seed: attention.attention_times_gradient_size(to.readout, target),
        "AttGrad, |∇|",
        False,
    ),
    "attention × sign(gradient)": Method(
        lambda to, target, seed: attention.attention_times_gradient_sign(to.readout, target),
        "AttGrad, sign(∇)",
        True,
    ),
    "gradient by attention": Method(
        lambda to, target, seed: attention.attention_gradient(to.readout, target), "AttGrad, ∇", True
    ),
    "gradient by attention logit": Method(
        lambda to, target, seed: attention.attention_logit_gradient(to.readout, target), "", True
    ),
    "input × gradient": Method(_of_inputs(inputs.input_times_gradient), "InputGrad", True),
    "integrated gradients": Method(_of_inputs(inputs.integrated_gradients()), "", True),
    "integrated gradients, released": Method(
        _of_inputs(inputs.integrated_gradients(released=True)), "IG", True
    ),
    "gradient by embedding": Method(_of_inputs(inputs.embedding_gradient), "GradCAM", True),
}

# The six of every table of the paper, in its order.
PUBLISHED = (
    "random",
    "attention",
    "attention × norm",
    "attention × gradient",
    "input × gradient",
    "integrated gradients, released",
)


def explain(
    to: Trained, methods: Iterable[str] = tuple(METHODS), target: str = "probability", seed: int = 0
) -> dict[str, Tensor]:
    """Scores [N, T] float64 of each method by name, 0 beyond the text; of the predicted class.

    target: what gradients are taken of (`attnlib.explain.targets`). seed: of the random scores, which depend
    on it and on the ids of the texts. Raises ValueError for an unknown method or target.

    >>> from attnlib.prepare import prepare
    >>> run = prepare("planted", encoder="average", epochs=2, limit=10, progress=False)
    >>> to = Trained(run.model, run.texts, run.corpus.vocabulary, run.readout)
    >>> scores = explain(to, ["attention", "attention × gradient"])
    >>> scores["attention"].equal(run.readout.alpha)
    True
    """
    one_of("target", target, TARGETS)
    chosen = [methods] if isinstance(methods, str) else list(methods)
    for name in chosen:
        one_of("method", name, METHODS)
    return {name: METHODS[name].scores(to, target, seed) for name in chosen}
