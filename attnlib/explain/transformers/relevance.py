"""Layer-wise relevance propagation through an unmodified model: a backward pass that carries relevance.

Within `with Relevance():` the functions that a forward pass calls are replaced by versions with the same
value, whose backward pass distributes the relevance of their output over their inputs. `torch.autograd.grad`
of the logits with a one-hot vector then gives the relevance of any tensor of the pass. The rules are those of
Chefer et al. 2021, which Liu et al. 2022 use (their PLRP and TransAtt), text by text::

    linear           α = 1, β = 0: shares of the positive contributions; the bias gets none
    matmul           shares of the products, half to either factor
    sum of two       shares of the summands, then each summand's total scaled to its share by absolute value
    softmax, normalisation, activation, product with a constant: passed on unchanged
    selection, reshaping, concatenation: as gradients do

Relevance is conserved but where a linear layer's output has no positive contribution at all, and where a
product or sum is exactly zero: there is nothing to distribute it over, and it is lost.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional
from torch.overrides import TorchFunctionMode


def divide(relevance: Tensor, total: Tensor) -> Tensor:
    """relevance / total, 0 where the total is 0: there is nothing to distribute it over."""
    return torch.where(total == 0, 0.0, relevance / torch.where(total == 0, 1.0, total))


class _Linear(torch.autograd.Function):
    """x Wᵀ + b, relevance by the positive contributions."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        ctx.save_for_backward(x, weight)
        return functional.linear(x, weight, bias)

    @staticmethod
    def backward(ctx: Any, relevance: Tensor) -> tuple[Tensor, None, None]:
        x, weight = ctx.saved_tensors
        raised, lowered = x.clamp(min=0), x.clamp(max=0)
        plus, minus = weight.clamp(min=0), weight.clamp(max=0)
        total = functional.linear(raised, plus) + functional.linear(lowered, minus)
        share = divide(relevance, total)
        return raised * (share @ plus) + lowered * (share @ minus), None, None


class _Matmul(torch.autograd.Function):
    """a b, relevance by the products, half to either factor."""

    @staticmethod
    def forward(ctx: Any, first: Tensor, second: Tensor) -> Tensor:
        product = first @ second
        ctx.save_for_backward(first, second, product)
        return product

    @staticmethod
    def backward(ctx: Any, relevance: Tensor) -> tuple[Tensor, Tensor]:
        first, second, product = ctx.saved_tensors
        share = divide(relevance, product)
        return first * (share @ second.mT) / 2, second * (first.mT @ share) / 2


class _Sum(torch.autograd.Function):
    """a + b of one shape, relevance by the summands, the totals of an instance by their absolute values."""

    @staticmethod
    def forward(ctx: Any, first: Tensor, second: Tensor) -> Tensor:
        ctx.save_for_backward(first, second)
        return first + second

    @staticmethod
    def backward(ctx: Any, relevance: Tensor) -> tuple[Tensor, Tensor]:
        first, second = ctx.saved_tensors
        share = divide(relevance, first + second)
        mine, theirs = first * share, second * share
        others = tuple(range(1, relevance.dim()))
        whole = relevance.sum(others, keepdim=True)
        one, two = mine.sum(others, keepdim=True), theirs.sum(others, keepdim=True)
        scale = divide(whole, one.abs() + two.abs())
        return mine * one.sign() * scale, theirs * two.sign() * scale


class _Same(torch.autograd.Function):
    """Another tensor's value, relevance passed on unchanged."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, value: Tensor) -> Tensor:
        return value.clone()

    @staticmethod
    def backward(ctx: Any, relevance: Tensor) -> tuple[Tensor, None]:
        return relevance, None


def _passed_on(function: Callable[..., Tensor]) -> Callable[..., Tensor]:
    def rule(x: Tensor, *args: Any, **kwargs: Any) -> Tensor:
        with torch.no_grad():
            value = function(x, *args, **kwargs)
        return _Same.apply(x, value)

    return rule


def _linear(x: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    return _Linear.apply(x, weight, bias)


def _matmul(first: Tensor, second: Tensor) -> Tensor:
    return _Matmul.apply(first, second)


def _sum(first: Tensor, second: Tensor | float, *args: Any, **kwargs: Any) -> Tensor:
    """Only a sum of two tensors in the graph has relevance to share; a mask or a constant gets none."""
    if isinstance(second, Tensor) and second.requires_grad and first.requires_grad:
        # One row for all, as of position embeddings, is a summand of every row.
        return _Sum.apply(*torch.broadcast_tensors(first, second))
    constant: Tensor | float
    other: Tensor
    if first.requires_grad:
        constant, other = second, first
    else:
        assert isinstance(second, Tensor)
        constant, other = first, second
    with torch.no_grad():
        value = other + constant
    if value.shape != other.shape:
        raise NotImplementedError("relevance of a tensor that is broadcast to a constant's shape")
    return _Same.apply(other, value)


def _scaled(function: Callable[..., Tensor]) -> Callable[..., Tensor]:
    def rule(x: Tensor, factor: Tensor | float, *args: Any, **kwargs: Any) -> Tensor:
        if isinstance(factor, Tensor) and factor.requires_grad:
            raise NotImplementedError(f"relevance through {function.__name__} of two tensors of the graph")
        return _passed_on(function)(x, factor, *args, **kwargs)

    return rule


RULES: dict[Callable[..., Any], Callable[..., Tensor]] = {
    functional.linear: _linear,
    torch.matmul: _matmul,
    Tensor.matmul: _matmul,
    Tensor.__matmul__: _matmul,
    torch.add: _sum,
    Tensor.add: _sum,
    Tensor.__add__: _sum,
    # In place on a tensor of the pass: the sum takes its name.
    Tensor.add_: _sum,
    Tensor.__iadd__: _sum,
    **{
        function: _scaled(function)
        for function in (Tensor.mul, Tensor.__mul__, Tensor.div, Tensor.__truediv__, torch.mul, torch.div)
    },
    **{
        function: _passed_on(function)
        for function in (
            functional.softmax,
            torch.softmax,
            Tensor.softmax,
            functional.layer_norm,
            functional.gelu,
            functional.relu,
            functional.silu,
            torch.relu,
            torch.tanh,
            Tensor.tanh,
            torch.sigmoid,
            Tensor.relu,
        )
    },
}
# What gradients do is right: they move numbers about and sum where a tensor is used twice.
MOVES = {
    "view",
    "reshape",
    "transpose",
    "permute",
    "contiguous",
    "__getitem__",
    "gather",
    "cat",
    "expand",
    "unsqueeze",
    "squeeze",
    "flatten",
    "split",
    "chunk",
    "clone",
    "to",
    "type_as",
    "dropout",
    "embedding",
    "index_select",
    "broadcast_tensors",
    "size",
    "dim",
    "float",
    "stack",
    "unbind",
    "T",
    "mT",
}


class Relevance(TorchFunctionMode):
    """Within it, the backward pass of what is computed carries relevance. The model must be in eval mode.

    NotImplementedError names a function of the graph for which there is no rule: its gradient would pass for
    relevance.
    """

    def __torch_function__(
        self, function: Callable[..., Any], types: Any, args: tuple = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        """Replace one call."""
        kwargs = kwargs or {}
        inputs = [value for value in (*args, *kwargs.values()) if isinstance(value, Tensor)]
        in_graph = torch.is_grad_enabled() and any(x.requires_grad for x in inputs)
        rule = RULES.get(function) if in_graph else None
        output = rule(*args, **kwargs) if rule else function(*args, **kwargs)
        if in_graph and not rule and isinstance(output, Tensor) and output.requires_grad:
            name = getattr(function, "__name__", str(function))
            if name not in MOVES and name != "__get__":
                raise NotImplementedError(f"no rule of relevance for {name}")
        return output
