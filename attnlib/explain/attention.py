"""Explanations that are made of attention weights; a Readout is all they need.

The pooled vector u = Σ_t α_t z_t decides, so the gradient by the weight of token t, a free variable after the
softmax, is z_t · ∇_u; by the token's attention *logit* it is α_t (z_t − u) · ∇_u. Liu et al. 2022 use the
former. Under attention-mask removal the decision moves by α_t / (1 − α_t) (u − z_t) · ∇_u to first order, so
it is the latter that has its sign, and for two classes exactly (DESIGN §4.4).
"""

import torch
from torch import Tensor

from attnlib.explain.targets import target_value
from attnlib.kernels.rankings import output_gradient
from attnlib.readout import Readout


def attention_weights(readout: Readout) -> Tensor:
    """α, [N, T] float64 (RawAtt)."""
    return readout.alpha


def attention_gradient(readout: Readout, target: str = "probability") -> Tensor:
    """∂target/∂α_t of the predicted class, [N, T] float64, 0 off the mask (∇α)."""
    if readout.linear and target == "probability":
        # The closed form does not cancel where the model is certain.
        return output_gradient(readout).masked_fill(~readout.mask, 0.0)
    pooled = readout.pooled().requires_grad_()
    with torch.enable_grad():
        logits = readout.decode(pooled)
        value = target_value(logits, logits.detach().argmax(dim=1), target)
        (slope,) = torch.autograd.grad(value.sum(), pooled)  # [N, K] ∇_u
    return (readout.scores.double() @ slope.unsqueeze(2)).squeeze(2).masked_fill(~readout.mask, 0.0)


def attention_times_gradient(readout: Readout, target: str = "probability") -> Tensor:
    """α_t ∂target/∂α_t, [N, T] (AttGrad)."""
    return readout.alpha * attention_gradient(readout, target)


def attention_times_gradient_size(readout: Readout, target: str = "probability") -> Tensor:
    """α_t |∂target/∂α_t|, [N, T]: AttGrad without its sign."""
    return readout.alpha * attention_gradient(readout, target).abs()


def attention_times_gradient_sign(readout: Readout, target: str = "probability") -> Tensor:
    """α_t sign(∂target/∂α_t), [N, T]: AttGrad without its size."""
    return readout.alpha * attention_gradient(readout, target).sign()


def attention_times_norm(readout: Readout) -> Tensor:
    """α_t ‖z_t‖₂ with z_t = W h_t, the state after the first linear layer, [N, T] (AttIN)."""
    return readout.alpha * readout.scores.double().norm(dim=2)


def attention_logit_gradient(readout: Readout, target: str = "probability") -> Tensor:
    """α_t (z_t − u) · ∇_u target, the gradient by the token's attention logit, [N, T]: the centred product.

    The gradient by the logits before the softmax. For two classes and a linear head it has the sign of what
    attention-mask removal does, always (DESIGN §4.4).
    """
    gradient = attention_gradient(readout, target)
    # u · ∇_u is the mean of z_t · ∇_u under the weights.
    level = (readout.alpha * gradient).sum(dim=1, keepdim=True)
    return readout.alpha * (gradient - level).masked_fill(~readout.mask, 0.0)
