"""The explanation methods of the violation test by name, and all of them for one model in one call."""

from collections.abc import Callable, Iterable
from typing import NamedTuple

from torch import Tensor

from attnlib.checks import one_of, some_of
from attnlib.explain import attention as by
from attnlib.explain import inputs
from attnlib.explain.inputs import Trained
from attnlib.explain.targets import TARGETS
from attnlib.kernels.baselines import random_scores
from attnlib.readout import Readout

# Of a model, a gradient target and a seed
Scores = Callable[[Trained, str, int], Tensor]


class Method(NamedTuple):
    """An explanation method: what gives its scores [N, T], and what is known of it.

    published: its name in Liu et al. 2022; empty if they do not have it. signed: whether it can say that a
    token speaks against the prediction.
    """

    scores: Scores
    published: str
    signed: bool


def _readout(function: Callable[[Readout], Tensor]) -> Scores:
    return lambda to, target, seed: function(to.readout)


def _gradient(function: Callable[[Readout, str], Tensor]) -> Scores:
    return lambda to, target, seed: function(to.readout, target)


def _inputs(method: inputs.Attribution) -> Scores:
    return lambda to, target, seed: inputs.attributions(method, to, target)


def _random(signed: bool) -> Scores:
    return lambda to, target, seed: random_scores(to.readout, seed, signed, to.texts.ids)


METHODS = {
    "random": Method(_random(signed=False), "Random", False),
    "signed random": Method(_random(signed=True), "", True),
    "attention": Method(_readout(by.attention_weights), "RawAtt", False),
    "attention × norm": Method(_readout(by.attention_times_norm), "AttIN", False),
    "attention × gradient": Method(_gradient(by.attention_times_gradient), "AttGrad", True),
    "attention × |gradient|": Method(_gradient(by.attention_times_gradient_size), "AttGrad, |∇|", False),
    "attention × sign(gradient)": Method(
        _gradient(by.attention_times_gradient_sign), "AttGrad, sign(∇)", True
    ),
    "gradient by attention": Method(_gradient(by.attention_gradient), "AttGrad, ∇", True),
    "gradient by attention logit": Method(_gradient(by.attention_logit_gradient), "", True),
    "input × gradient": Method(_inputs(inputs.input_times_gradient), "InputGrad", True),
    "integrated gradients": Method(_inputs(inputs.integrated_gradients()), "", True),
    "integrated gradients, released": Method(_inputs(inputs.integrated_gradients(released=True)), "IG", True),
    "gradient by embedding": Method(_inputs(inputs.embedding_gradient), "GradCAM", True),
}

# The six of every table of the paper, in its order.
_OF_TABLES = ("Random", "RawAtt", "AttIN", "AttGrad", "InputGrad", "IG")
PUBLISHED = tuple(name for name, method in METHODS.items() if method.published in _OF_TABLES)


def explain(
    to: Trained, methods: Iterable[str] = tuple(METHODS), target: str = "probability", seed: int = 0
) -> dict[str, Tensor]:
    """Scores [N, T] float64 of each method by name, 0 beyond the text; of the predicted class.

    target: what gradients are taken of (`attnlib.explain.targets`). seed: of the random scores, which depend
    on it and on the ids of the texts. Raises ValueError for an unknown method or target.

    >>> from attnlib.prepare import prepare
    >>> run = prepare("planted", encoder="average", epochs=2, limit=10, progress=False)
    >>> to = run.trained
    >>> scores = explain(to, ["attention", "attention × gradient"])
    >>> scores["attention"].equal(run.readout.alpha)
    True
    """
    one_of("target", target, TARGETS)
    return {name: METHODS[name].scores(to, target, seed) for name in some_of("method", methods, METHODS)}
