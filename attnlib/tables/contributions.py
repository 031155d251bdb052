"""Scores of tokens beside their Shapley values: the same order, direction, top token and signs?"""

from dataclasses import replace

from torch import Tensor

from attnlib.kernels import kendall_tau
from attnlib.kernels.erasure import logits_without_each
from attnlib.readout import Readout

METRICS = ("tau", "distance", "same_top", "same_sign")


def against_all(readout: Readout) -> Readout:
    """The same texts with centred scores and bias, of a linear head: the same probabilities.

    A logit is then one of a class against all. ValueError for a head and where a class is not allowed.
    """
    if not readout.linear:
        raise ValueError("readout: contributions to logits are of a linear head, with every class allowed")
    scores, bias = centred(readout.scores.double()), centred(readout.bias.double())
    return replace(readout, scores=scores, bias=bias)


def centred(x: Tensor) -> Tensor:
    """Scores or logits [..., C] less their mean over classes: of a class against all, whatever their number.

    Softmax does not see what is taken away. Of two classes each is half the log-odds, with either sign.
    """
    return x - x.mean(-1, keepdim=True)


def explanations(readout: Readout) -> dict[str, Tensor]:
    """What each token is said to contribute to each centred logit, [N, T, C] float64 by name; 0 off the mask.

    - attention: α_t, whatever the class.
    - gradient: z_tc, of the logit by α_t.
    - attention × gradient: α_t z_tc.
    - centred product: α_t (z_tc − Σ_u α_u z_uc).
    - leave-one-out: the logit less what it is without the token, the others renormalised.

    z is that of `against_all`, which says what is refused.

    >>> readout = Readout([[0.75, 0.25]], [[[0.0, 4.0], [0.0, -4.0]]], [0.0, 0.0], [[True, True]])
    >>> {name: score[0, :, 1].tolist() for name, score in explanations(readout).items()}["centred product"]
    [0.75, -0.75]
    """
    readout = against_all(readout)
    alpha = readout.alpha[..., None]
    product = alpha * readout.scores
    mean = product.sum(1, keepdim=True)
    found = {
        "attention": alpha.expand_as(product),
        "gradient": readout.scores,
        "attention × gradient": product,
        "centred product": product - alpha * mean,
        "leave-one-out": readout.logits()[:, None] - logits_without_each(readout),
    }
    return {name: score.masked_fill(~readout.mask[..., None], 0) for name, score in found.items()}


def of_classes(x: Tensor, classes: Tensor) -> Tensor:
    """Of x [N, T, C] each text's own class [N], [N, T]."""
    return x.gather(2, classes[:, None, None].expand(-1, x.shape[1], 1))[..., 0]


def likeness(scores: Tensor, values: Tensor, mask: Tensor) -> dict[str, Tensor]:
    """How like the values [N, T] the scores [N, T] are, [N] float64 by metric; NaN where it is not defined.

    - tau: Kendall's τ-b. NaN for texts of one token or constant scores.
    - distance: Euclidean, both scaled to length 1: 0 for one direction, √2 at right angles, 2 for opposite
      ones. NaN where all scores or all values are 0.
    - same_top: 1 where the token of the largest size is the same, the first on ties, else 0.
    - same_sign: the share of tokens with the sign of their value, among those whose value is not 0.

    >>> import torch
    >>> scores, values = torch.tensor([[3.0, 4.0]]), torch.tensor([[-4.0, 3.0]])
    >>> {name: round(x.item(), 3) for name, x in likeness(scores, values, scores > 0).items()}
    {'tau': 1.0, 'distance': 1.414, 'same_top': 0.0, 'same_sign': 0.5}
    """
    x, y = (given.double().masked_fill(~mask, 0) for given in (scores, values))
    units = [given / given.norm(dim=1, keepdim=True) for given in (x, y)]
    counted = y != 0
    agree = (x.sign() == y.sign()) & counted
    return {
        "tau": kendall_tau(x, y, mask)[0],
        "distance": (units[0] - units[1]).norm(dim=1),
        "same_top": (x.abs().argmax(1) == y.abs().argmax(1)).double(),
        "same_sign": agree.sum(1) / counted.sum(1).double(),
    }
