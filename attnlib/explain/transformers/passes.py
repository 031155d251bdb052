"""A watched forward pass of a stock transformer: its attention maps, their gradients and their relevance.

Library models return attention maps for some of their layers only, and none where attention is fused. Here
the functions that a forward pass calls are watched instead (`torch.overrides.TorchFunctionMode`), so a stock
Hugging Face model gives every map, self- and cross-attention, with nothing copied from its source. A model
must be in eval mode and attend eagerly.
"""

import weakref
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.overrides import TorchFunctionMode

from attnlib.explain.targets import target_value
from attnlib.explain.transformers.asking import Asked, plain
from attnlib.explain.transformers.relevance import Relevance

SOFTMAXES = (functional.softmax, torch.softmax, Tensor.softmax)
FUSED = (functional.scaled_dot_product_attention,)
VALUES = ("value", "v_lin", "v_proj", "value_proj", "v")  # what value projections are called
NOT_ASKED = torch.empty(0)


@dataclass
class Map:
    """One attention of one layer: the module's name, its weights, and the values they pool.

    weights: [N, heads, queries, keys], after the softmax, in the graph. values: [N, keys, heads · size], the
    output of the module's value projection, whatever is wrapped around it; empty where none is known by its
    name. run: how often the module had run before in the same pass. gradient, relevance: the target's
    gradient by the weights and their relevance, of the weights' shape, which `watch` adds; empty where they
    were not asked for.
    """

    name: str
    weights: Tensor
    values: Tensor
    run: int = 0
    gradient: Tensor = NOT_ASKED
    relevance: Tensor = NOT_ASKED


class AttentionMaps(TorchFunctionMode):
    """Within `with AttentionMaps(model) as maps:`, `maps.found` collects the attention maps, in their order.

    A map is a softmax of four dimensions; it belongs to the module within which it is called. A module that
    runs twice in a pass, such as LXMERT's cross attention, gives two maps. Raises ValueError where the model
    computes attention by a fused kernel, which has no weights. Whether all maps were found is for
    `check_maps` to say.
    """

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model
        self.found: list[Map] = []
        self._handles: list[Any] = []
        self._running: list[str] = []  # the modules within which we are
        self._values: dict[str, Tensor] = {}
        self._weights: dict[str, list[Tensor]] = {}

    def __enter__(self) -> "AttentionMaps":
        # A hook that held the mode strongly would keep the graph alive after it.
        me = weakref.proxy(self)
        for name, module in self.model.named_modules():
            self._handles += [
                module.register_forward_pre_hook(lambda m, args, name=name: me._running.append(name)),
                module.register_forward_hook(lambda m, args, output: me._leave(output)),
            ]
        return super().__enter__()

    def __exit__(self, *error: Any) -> None:
        for handle in self._handles:
            handle.remove()
        self._handles, self._running, self._values, self._weights = [], [], {}, {}
        super().__exit__(*error)

    def _leave(self, output: Any) -> None:
        name = self._running.pop()
        beside, _, part = name.rpartition(".")
        if part in VALUES:
            self._values[beside] = output
        values = self._values.pop(name, NOT_ASKED)
        for weights in self._weights.pop(name, []):
            run = sum(found.name == name for found in self.found)
            self.found.append(Map(name, weights, values, run))

    def __torch_function__(
        self, function: Callable[..., Any], types: Any, args: tuple = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        """Watch one call."""
        if function in FUSED and self._running:
            raise ValueError(
                f"{self._running[-1]} computes attention by a fused kernel, which has no weights: load the "
                'model with attn_implementation="eager"'
            )
        output = function(*args, **(kwargs or {}))
        if function in SOFTMAXES and self._running and output.dim() == 4:
            self._weights.setdefault(self._running[-1], []).append(output)
        return output


def attention_modules(model: nn.Module) -> list[str]:
    """The names of modules with layers query, key and value: attention by its name, as in BERT."""
    return [
        name
        for name, module in model.named_modules()
        if all(isinstance(getattr(module, part, None), nn.Module) for part in ("query", "key", "value"))
    ]


def check_maps(model: nn.Module, found: list[Map], length: int | None = None) -> None:
    """ValueError that names what is missing, unless these are all maps of one pass of the model.

    Held against the layers in its configuration; without one every attention module must have given a map.
    length: of the one stream, if there is one, whose maps are all between its positions.
    """
    name, expected, seen = type(model).__name__, layers_configured(model), {m.name for m in found}
    silent = [module for module in attention_modules(model) if module not in seen]
    if not found or (expected is None and silent):
        where = f" of {', '.join(silent)}" if silent else ""
        raise ValueError(f"{name}: no attention map was seen{where}: one is a softmax [N, heads, L, L]")
    if expected is None and not attention_modules(model):
        raise ValueError(
            f"{name} gave {len(found)} attention maps; that these are all cannot be told without a "
            "configuration: give the model a `config` with num_hidden_layers"
        )
    if expected not in (None, len(found)):
        lists = {name: part for name, part in model.named_modules() if isinstance(part, nn.ModuleList)}
        layers = [
            f"{prefix}.{i}"
            for prefix, part in lists.items()
            if any(m.startswith(f"{prefix}.") for m in seen)
            for i in range(len(part))
            if not any(m.startswith(f"{prefix}.{i}.") for m in seen)
        ]
        missing = f": none of {', '.join(layers or silent)}" if layers or silent else ""
        raise ValueError(
            f"{name} gave {len(found)} attention maps, where its configuration has {expected}{missing}. A "
            "layer is read if its attention is one softmax [N, heads, L, L]; if layers were taken out, let "
            "the configuration say so"
        )
    for m in found:
        if length is not None and m.weights.shape[2:] != (length, length):
            attends = f"attends by maps of shape {list(m.weights.shape)}"
            raise ValueError(f"{m.name} of {name} {attends}, not between all {length} positions")


def layers_configured(model: nn.Module) -> int | None:
    """How many maps a pass gives by the model's configuration; None if there is none.

    LXMERT's layers across have four: both directions, and each stream to itself.
    """
    for module in model.modules():
        config = getattr(module, "config", None)
        if config is not None and hasattr(config, "x_layers"):
            return int(config.l_layers + config.r_layers + 4 * config.x_layers)
        if isinstance(layers := getattr(config, "num_hidden_layers", None), int):
            return layers * int(getattr(config, "inner_group_num", 1))
    return None


class Pass(NamedTuple):
    """A forward pass that was watched.

    asked: what the model was asked. maps: the attention maps, out of the graph, with the gradient and the
    relevance of each; none if they were not asked for. by_features: [N, U] features × gradient, summed over
    their dimensions.
    """

    asked: Asked
    maps: list[Map]
    by_features: Tensor


def watch(asked: Asked, maps: bool = True, relevance: bool = True) -> Pass:
    """Run a model twice, once for gradients and once for relevance, and keep what was seen.

    Gradients are of the target of the chosen class; relevance starts from its logit. maps, relevance: False
    leaves them out, for models that have none. ValueError says which attention maps are not found
    (`check_maps`). A model that is asked without padding needs rows of one size, as `Asked.parts` has them.
    """
    kind, own = asked.kind, plain(asked.model)
    features = asked.features.detach().requires_grad_()
    found: list[Map] = []
    with torch.backends.cudnn.flags(enabled=False), torch.enable_grad(), all_in_graph(own):
        with AttentionMaps(own) if maps else nullcontext() as watched:
            logits = asked.logits(**{kind.features: features})
        if watched:
            found = watched.found
            check_maps(own, found, kind.queries(asked.inputs).shape[1] if kind.streams == 1 else None)
        value = target_value(logits, asked.chosen, asked.target).sum()
        leaves = [*(m.weights for m in found), features]
        *gradients, slope = torch.autograd.grad(value, leaves, materialize_grads=True)
        relevances: Sequence[Tensor] = [NOT_ASKED] * len(found)
        if maps and relevance:
            # The later mode sees the earlier one's tensors: the maps are those that carry relevance.
            with Relevance(own), AttentionMaps(own) as carried:
                logits = asked.logits(**{kind.features: features})
            value, leaves = logits.gather(1, asked.chosen[:, None]).sum(), [m.weights for m in carried.found]
            relevances = torch.autograd.grad(value, leaves, materialize_grads=True)
    seen = [
        replace(m, weights=m.weights.detach(), values=m.values.detach(), gradient=change, relevance=share)
        for m, change, share in zip(found, gradients, relevances, strict=True)
    ]
    return Pass(asked, seen, (features.detach() * slope).sum(dim=2))


@contextmanager
def all_in_graph(model: nn.Module) -> Iterator[None]:
    """Frozen parameters, as under adapters, take part: sums share relevance with what is in the graph."""
    frozen = [p for p in model.parameters() if p.is_floating_point() and not p.requires_grad]
    try:
        for parameter in frozen:
            parameter.requires_grad_()
        yield
    finally:
        for parameter in frozen:
            parameter.requires_grad_(False)
