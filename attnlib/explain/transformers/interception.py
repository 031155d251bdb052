"""Attention maps of an unmodified model: what its softmax gave, in the graph, and which module computed it.

Library models return attention maps for some of their layers only, and none where attention is fused. Here
the functions that a forward pass calls are watched instead (`torch.overrides.TorchFunctionMode`), so a stock
Hugging Face model gives every map, self- and cross-attention, with nothing copied from its source.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.overrides import TorchFunctionMode

SOFTMAXES = (functional.softmax, torch.softmax, Tensor.softmax)
FUSED = (functional.scaled_dot_product_attention,)


@dataclass
class Map:
    """One attention of one layer: the module's name, its weights, and the values they pool.

    weights: [N, heads, queries, keys], after the softmax, in the graph. values: [N, keys, heads · size], the
    output of the module's value projection. module: has the layers query, key and value. run: how often the
    module had run before in the same pass.
    """

    name: str
    weights: Tensor
    values: Tensor
    module: nn.Module = field(repr=False)
    run: int = 0


class AttentionMaps(TorchFunctionMode):
    """Within `with AttentionMaps(model) as maps:`, `maps.found` collects the attention maps, in their order.

    An attention module is one with layers called query, key and value, as in all models of the BERT family.
    A module that runs twice in a pass, such as LXMERT's cross attention, gives two maps. Raises ValueError
    where the model computes attention by a fused kernel, which has no weights.
    """

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model
        self.found: list[Map] = []
        self._inside: list[tuple[str, nn.Module]] = []
        self._values: Tensor | None = None
        self._handles: list[Any] = []

    def __enter__(self) -> AttentionMaps:
        # A hook that held the mode strongly would keep the graph alive after it.
        me = weakref.proxy(self)
        modules = attention_modules(self.model)
        if not modules:
            raise ValueError(
                f"{type(self.model).__name__} has no attention module with layers query, key and value: only "
                "models of the BERT family are known here"
            )
        for name, module in modules:
            self._handles += [
                module.register_forward_pre_hook(lambda m, args, name=name: me._inside.append((name, m))),
                module.register_forward_hook(lambda m, args, output: me._leave()),
                module.get_submodule("value").register_forward_hook(
                    lambda m, args, output: setattr(me, "_values", output)
                ),
            ]
        return super().__enter__()

    def __exit__(self, *error: Any) -> None:
        for handle in self._handles:
            handle.remove()
        self._handles, self._inside, self._values = [], [], None
        super().__exit__(*error)

    def _leave(self) -> None:
        self._inside.pop()

    def __torch_function__(
        self, function: Callable[..., Any], types: Any, args: tuple = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        """Watch one call."""
        if function in FUSED and self._inside:
            raise ValueError(
                f"{self._inside[-1][0]} computes attention by a fused kernel, which has no weights: load the "
                'model with attn_implementation="eager"'
            )
        output = function(*args, **(kwargs or {}))
        if function in SOFTMAXES and self._inside and output.dim() == 4:
            assert self._values is not None
            name, module = self._inside[-1]
            run = sum(found.name == name for found in self.found)
            self.found.append(Map(name, output, self._values, module, run))
        return output


def attention_modules(model: nn.Module) -> list[tuple[str, nn.Module]]:
    """The attention modules of a model with their names: those with layers query, key and value."""
    return [
        (name, module)
        for name, module in model.named_modules()
        if all(isinstance(getattr(module, part, None), nn.Linear) for part in ("query", "key", "value"))
    ]
