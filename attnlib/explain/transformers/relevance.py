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

from collections.abc import Callable
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.overrides import TorchFunctionMode

Shares = tuple[Tensor | None, ...]
Rule = Callable[..., Shares]


def divide(relevance: Tensor, total: Tensor) -> Tensor:
    """relevance / total, 0 where the total is 0: there is nothing to distribute it over."""
    return torch.where(total == 0, 0.0, relevance / torch.where(total == 0, 1.0, total))


class _Rule(torch.autograd.Function):
    """A function's own value; backward its rule, or the relevance unchanged where there is none.

    rule: of the relevance, the output and the inputs; what each input gets.
    """

    @staticmethod
    def forward(ctx: Any, function: Callable[..., Tensor], rule: Rule | None, *inputs: Tensor) -> Tensor:
        ctx.rule, output = rule, function(*inputs)
        if rule:
            ctx.save_for_backward(output, *inputs)
        return output

    @staticmethod
    def backward(ctx: Any, relevance: Tensor) -> tuple[Tensor | None, ...]:
        return None, None, *(ctx.rule(relevance, *ctx.saved_tensors) if ctx.rule else (relevance,))


def _of_linear(relevance: Tensor, output: Tensor, x: Tensor, weight: Tensor, bias: Tensor | None) -> Shares:
    """x Wᵀ + b: by the positive contributions."""
    raised, lowered = x.clamp(min=0), x.clamp(max=0)
    plus, minus = weight.clamp(min=0), weight.clamp(max=0)
    share = divide(relevance, functional.linear(raised, plus) + functional.linear(lowered, minus))
    return raised * (share @ plus) + lowered * (share @ minus), None, None


def _of_product(relevance: Tensor, output: Tensor, first: Tensor, second: Tensor) -> Shares:
    """a b: by the products, half to either factor."""
    share = divide(relevance, output)
    return first * (share @ second.mT) / 2, second * (first.mT @ share) / 2


def _of_sum(relevance: Tensor, output: Tensor, first: Tensor, second: Tensor) -> Shares:
    """a + b of one shape: by the summands, the totals of an instance by their absolute values."""
    share = divide(relevance, output)
    mine, theirs = first * share, second * share
    others = tuple(range(1, relevance.dim()))
    one, two = mine.sum(others, keepdim=True), theirs.sum(others, keepdim=True)
    scale = divide(relevance.sum(others, keepdim=True), one.abs() + two.abs())
    return mine * one.sign() * scale, theirs * two.sign() * scale


def _linear(x: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    return _Rule.apply(functional.linear, _of_linear, x, weight, bias)


def _sum(first: Tensor, second: Tensor | float) -> Tensor:
    """Only a sum of two tensors in the graph has relevance to share; a mask or a constant gets none."""
    inside = [x for x in (first, second) if isinstance(x, Tensor) and x.requires_grad]
    if len(inside) == 2:
        # One row for all, as of position embeddings, is a summand of every row.
        return _Rule.apply(torch.add, _of_sum, *torch.broadcast_tensors(first, second))
    value = _Rule.apply(lambda _: first + second, None, inside[0])
    if value.shape != inside[0].shape:
        raise NotImplementedError("relevance of a tensor that is broadcast to a constant's shape")
    return value


def _passed_on(function: Callable[..., Tensor], x: Tensor, *args: Any, **kwargs: Any) -> Tensor:
    return _Rule.apply(lambda x: function(x, *args, **kwargs), None, x)


def _scaled(function: Callable[..., Tensor], x: Tensor, factor: Tensor | float) -> Tensor:
    if isinstance(factor, Tensor) and factor.requires_grad:
        raise NotImplementedError(f"relevance through {function.__name__} of two tensors of the graph")
    return _passed_on(function, x, factor)


# In place on a tensor of the pass: the sum takes its name.
SUMS = (torch.add, Tensor.add, Tensor.__add__, Tensor.add_, Tensor.__iadd__)
PRODUCTS = (torch.matmul, torch.bmm, Tensor.matmul, Tensor.__matmul__)
SCALED = (Tensor.mul, Tensor.__mul__, Tensor.div, Tensor.__truediv__, torch.mul, torch.div)
PASSED_ON = (
    *(functional.softmax, torch.softmax, Tensor.softmax, functional.layer_norm),
    *(functional.gelu, functional.relu, torch.relu, Tensor.relu, functional.silu),
    *(torch.tanh, Tensor.tanh, torch.sigmoid),
)
RULES: dict[Callable[..., Any], Callable[..., Tensor]] = {
    functional.linear: _linear,
    torch.addmm: lambda bias, x, weight: _linear(x, weight.mT, bias),
    **dict.fromkeys(PRODUCTS, partial(_Rule.apply, torch.matmul, _of_product)),
    **dict.fromkeys(SUMS, _sum),
    **{function: partial(_scaled, function) for function in SCALED},
    **{function: partial(_passed_on, function) for function in PASSED_ON},
}
# What gradients do is right: they move numbers about and sum where a tensor is used twice.
MOVES = {
    *("view", "reshape", "transpose", "permute", "T", "mT", "flatten", "unsqueeze", "squeeze", "expand"),
    *("__getitem__", "gather", "index_select", "embedding", "split", "chunk", "unbind", "cat", "stack"),
    *("contiguous", "clone", "to", "type_as", "float", "dropout", "broadcast_tensors", "masked_fill"),
    *("repeat", "neg", "__neg__", "type", "reshape_as", "view_as", "pad"),
    *("size", "dim", "__get__"),
}


class Relevance(TorchFunctionMode):
    """Within it, the backward pass of what is computed carries relevance. The model must be in eval mode.

    model: relevance passes through its modules that are activations of the library, or normalise, however
    they compute. NotImplementedError names a function of the graph for which there is no rule: its gradient
    would pass for relevance.
    """

    def __init__(self, model: nn.Module | None = None) -> None:
        super().__init__()
        self.model = model
        self._before: dict[nn.Module, Any] = {}

    def __enter__(self) -> "Relevance":
        for module in self.model.modules() if self.model else ():
            kind = type(module)
            if kind.__module__ == "transformers.activations" or kind.__name__.endswith("Norm"):
                self._before[module] = vars(module).get("forward")
                module.forward = partial(_passed_on, module.forward)
        return super().__enter__()

    def __exit__(self, *error: Any) -> None:
        for module, forward in self._before.items():
            del module.forward
            if forward:
                module.forward = forward
        super().__exit__(*error)

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
            if name not in MOVES:
                raise NotImplementedError(f"no rule of relevance for {name}")
        return output
