"""What a gradient is taken of: the predicted class's probability, logit or margin, by name."""

import torch
from torch import Tensor

from attnlib.checks import one_of

TARGETS = ("probability", "logit", "margin")


def target_value(logits: Tensor, predicted: Tensor, target: str = "probability") -> Tensor:
    """The number whose gradient explains the decision, [N], differentiable in the logits [N, C].

    predicted: [N] class numbers. target: "probability" of the predicted class, as in Liu et al.'s code for
    recurrent and convolutional models; its "logit", as in their code for transformers; or its "margin", the
    logit minus the largest of the others. A sigmoid output (first logit always 0) has one logit, that of
    class 1; the logit of class 0 is then its negative. Raises ValueError for an unknown target.
    """
    one_of("target", target, TARGETS)
    if logits.shape[1] == 1 and target != "logit":
        raise ValueError(f"target is {target!r}, and a model of one output has a 'logit' only")
    chosen = predicted.unsqueeze(1)
    if target == "probability":
        return logits.softmax(dim=1).gather(1, chosen).squeeze(1)
    own = logits.gather(1, chosen).squeeze(1)
    others = logits.scatter(1, chosen, -torch.inf).amax(dim=1)
    sigmoid = logits.shape[1] == 2 and bool((logits[:, 0] == 0).all())
    return own - others if target == "margin" or sigmoid else own
