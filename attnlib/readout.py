"""The Readout: everything an attention-level test needs to know about a trained model.

A model that pools encoder states h_t with weights α and ends in one linear layer V gives, for *any*
weights p on the simplex,

    logits(p) = Σ_t p_t z_t + b,        z_t = V h_t ∈ R^C

so (α, z, b, mask) answers every question about other attentions without the model.
"""

import copy
import os
from collections.abc import Callable
from dataclasses import dataclass, field
from numbers import Integral
from typing import Any

import torch
from torch import Tensor

from attnlib.cache.tensors import load_tensors, save_tensors

Head = Callable[[Tensor], Tensor]
Rows = slice | Tensor

_SUM_TOLERANCE = 1e-4  # how far Σα may be from 1 before it is an error and not rounding
_LARGEST = 1e30  # of scores, bias and offset: sums and differences of them stay finite in float32, too
_TENSORS = ("alpha", "scores", "bias", "mask", "offset", "allowed")
_TRUE = {"mask": "a token attention may use", "allowed": "a class that may be predicted"}  # what it means
_REMEDY = "A class that may not be predicted goes in `allowed`"
_BLOCK_ELEMENTS = 1 << 23  # float64 copies of `scores` are made in blocks of at most this many numbers


@dataclass(frozen=True, eq=False)
class Readout:
    """Attention weights and per-token class scores of N texts of up to T tokens.

    - `alpha`: [N, T] attention weights: ≥ 0, 0 off the mask, summing to 1 within 1e-4 (then renormalised
      in float64). Stored as float64.
    - `scores`: [N, T, C] z_t, what a token adds to the logits when it holds all the attention. Values off
      the mask, and without a head those of classes that are not allowed, are not read and are stored as 0.
      Keeps its floating dtype.
    - `bias`: [C] the bias of the last layer. It, the scores and the offset are finite, within ±1e30.
    - `mask`: [N, T] bool, True for a token that attention may use; at least one per row.
    - `head`: None for a model whose logits are Σ p_t z_t + b (two classes or more). Otherwise a callable
      that maps the pooled vectors Σ p_t z_t + b + offset, [..., C] in the dtype of `scores`, to logits;
      the head stays on its own device, and is kept as it is: one that goes on training needs a copy.
    - `offset`: [N, C] added to the pooled vector of each text (the question's part in a pair model);
      only with a head.
    - `allowed`: None, or [N, classes] bool, True for a class that may be predicted; at least one per row. The
      logits of the others are -inf whatever the weights are (an entity that is not in the passage: Jain &
      Wallace 2019, question answering).

    The tensors are copies: what becomes of the arguments, say the bias of a layer that goes on training,
    changes nothing here. Raises ValueError, naming the argument, the row and the value, when the above does
    not hold.

    >>> alpha, scores = torch.tensor([[0.75, 0.25]]), torch.tensor([[[0.0, 2.0], [0.0, -2.0]]])
    >>> readout = Readout(alpha, scores, torch.zeros(2), torch.ones(1, 2, dtype=torch.bool))
    >>> readout.logits()
    tensor([[0., 1.]], dtype=torch.float64)
    >>> readout.logits(torch.tensor([[0.0, 1.0]]))  # all attention on the second token
    tensor([[ 0., -2.]], dtype=torch.float64)
    """

    alpha: Tensor  # [N, T] float64
    scores: Tensor  # [N, T, C]
    bias: Tensor  # [C]
    mask: Tensor  # [N, T] bool
    head: Head | None = field(default=None, repr=False)
    offset: Tensor | None = None  # [N, C]
    allowed: Tensor | None = None  # [N, classes] bool

    def __post_init__(self) -> None:
        given = {name: torch.as_tensor(x).detach() for name, x in self._tensors().items()}
        _check_shapes(given, self.head)
        read = given["mask"][..., None]  # of the scores
        if "allowed" in given and self.head is None:
            read = read & given["allowed"][:, None]
        _check_values(given, read)
        alpha = given["alpha"].double()
        total = alpha.sum(1, keepdim=True)  # [N, 1]
        # a row that is already normalised keeps its bits, so that saving and loading changes nothing
        alpha = torch.where((total - 1).abs() > 1e-14, alpha / total, alpha)
        scores = given["scores"].masked_fill(~read, 0)
        # alpha and scores are new by now
        copies = {name: x.clone() for name, x in given.items() if name not in ("alpha", "scores")}
        self.__dict__.update(copies, alpha=alpha, scores=scores)

    def _tensors(self) -> dict[str, Tensor]:
        """The tensors by name, without those that are None."""
        return {name: x for name in _TENSORS if (x := getattr(self, name)) is not None}

    def __len__(self) -> int:
        return self.alpha.shape[0]

    def __repr__(self) -> str:
        n, t, c = self.scores.shape
        kind = "linear" if self.head is None else "with a head"
        return f"Readout({n} texts, up to {t} tokens, {c} scores per token, {kind}, {self.scores.dtype})"

    @property
    def linear(self) -> bool:
        """Whether the logits are Σ p_t z_t + b for every class: no head, and all classes allowed."""
        return self.head is None and self.allowed is None

    @property
    def lengths(self) -> Tensor:
        """Number of tokens attention may use, [N] int64."""
        return self.mask.sum(1)

    @property
    def device(self) -> torch.device:
        """Where the tensors are."""
        return self.alpha.device

    def pooled(self, weights: Tensor | None = None) -> Tensor:
        """Σ_t p_t z_t for weights [N, T] or [N, K, T] (default: alpha), float64 [N, C] or [N, K, C]."""
        weights = self.alpha if weights is None else torch.as_tensor(weights, device=self.device)
        n, t, c = self.scores.shape
        shape = list(weights.shape)
        if shape not in ([n, t], [n, *shape[1:2], t]):
            raise ValueError(f"weights: expected shape [{n}, {t}] or [{n}, K, {t}], got {shape}")
        several = weights if weights.dim() == 3 else weights[:, None]  # [N, K, T]
        step = max(1, _BLOCK_ELEMENTS // (t * c))
        blocks = zip(several.split(step), self.scores.split(step), strict=True)
        out = torch.cat([p.double() @ z.double() for p, z in blocks])
        return out if weights.dim() == 3 else out[:, 0]

    def decode(self, pooled: Tensor, rows: Rows = slice(None)) -> Tensor:
        """Logits from pooled vectors [n, ..., C] of the texts `rows` (default: all), float64.

        Raises ValueError when the head gives another number of classes than `allowed` has.
        """
        if self.head is None:
            logits = pooled.double() + self.bias.double()
        else:
            total = pooled + self.bias.to(pooled.dtype)
            if self.offset is not None:
                total = total + _aligned(self.offset[rows].to(pooled.dtype), pooled.dim())
            logits = self.head(total.to(self.scores.dtype)).double()
        if self.allowed is None:
            return logits
        classes, found = self.allowed.shape[1], logits.shape[-1]
        if found != classes:
            raise ValueError(f"allowed: {classes} classes, but the head gives {found} logits")
        return logits.masked_fill(~_aligned(self.allowed[rows], logits.dim()), -torch.inf)

    def logits(self, weights: Tensor | None = None) -> Tensor:
        """Logits under `weights` [N, T] or [N, K, T] (default: alpha), float64 [N, C] or [N, K, C].

        -inf for a class that is not allowed. Raises ValueError when the shape of `weights` does not fit.
        """
        return self.decode(self.pooled(weights))

    def probabilities(self, weights: Tensor | None = None) -> Tensor:
        """Softmax of `logits(weights)`, float64."""
        return self.logits(weights).softmax(-1)

    def predictions(self) -> Tensor:
        """Predicted class under alpha, the first on ties, [N] int64."""
        return self.logits().argmax(-1)

    def to(self, device: torch.device | str) -> "Readout":
        """The same Readout with its tensors on `device`; those that are there already are shared."""
        return unchecked(self, **{name: x.to(device) for name, x in self._tensors().items()})

    def select(self, index: Tensor | slice | list[int]) -> "Readout":
        """A copy of the texts picked by a slice, a bool mask or indices; ValueError unless there is one."""
        if isinstance(index, slice):
            index = torch.arange(len(self), device=self.device)[index]
        index = torch.as_tensor(index, device=self.device)
        if index.numel() == 0:
            index = index.long()
        alpha = self.alpha[index]
        if alpha.dim() != 2 or len(alpha) == 0:
            raise ValueError("index: must pick at least one text, by a slice, a bool mask or indices")
        picked = {name: x[index] for name, x in self._tensors().items() if name != "bias"}
        return unchecked(self, **picked, bias=self.bias.clone())

    @classmethod
    def of_head(cls, alpha: Tensor, scores: Tensor, bias: Tensor, mask: Tensor, head: int) -> "Readout":
        """One head of several, the others as the model has them: exactly its Readout, in float64.

        alpha: [N, H, T] the weights of H heads, each as a Readout has them. scores: [N, H, T, C] what a token
        adds to the logits when it holds all the attention of a head: logits are Σ_h Σ_t p_ht z_ht + b. The
        weights of a head sum to 1, so what the others add may be added to each of its scores. To move all
        heads at once is `kernels.reach_of_heads`. ValueError names the head and what is wrong with it.

        >>> alpha = torch.tensor([[[0.75, 0.25], [0.5, 0.5]]])
        >>> scores = torch.tensor([[[[0.0, 2.0], [0.0, -2.0]], [[0.0, 1.0], [0.0, 3.0]]]])
        >>> Readout.of_head(alpha, scores, torch.zeros(2), torch.ones(1, 2, dtype=torch.bool), 0).logits()
        tensor([[0., 3.]], dtype=torch.float64)
        """
        heads = of_heads(alpha, scores, bias, mask)
        if isinstance(head, bool) or not isinstance(head, Integral) or not 0 <= head < len(heads):
            raise ValueError(f"head is {head!r}: there are {len(heads)}, from 0 to {len(heads) - 1}")
        own = heads[int(head)]
        others = sum((other.pooled() for other in heads if other is not own), torch.zeros_like(own.pooled()))
        return cls(own.alpha, own.scores.double() + others[:, None], own.bias, own.mask)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write to a safetensors file; `path` is replaced only once the whole file is written.

        Raises ValueError for a Readout with a head: a function cannot be stored.
        """
        if self.head is not None:
            raise ValueError("head: a Readout with a head cannot be saved; save its model and rebuild it")
        save_tensors(path, self._tensors(), {"format": "attnlib.Readout", "version": "1"})

    @classmethod
    def load(cls, path: str | os.PathLike[str], device: torch.device | str = "cpu") -> "Readout":
        """Read what `save` wrote, bit for bit, and check it again.

        Raises FileNotFoundError, or ValueError when the file is not a complete Readout, or is damaged.
        """
        if not os.path.isfile(path):
            raise FileNotFoundError(f"no Readout at {path}")
        try:
            tensors = {name: tensor.to(device) for name, tensor in load_tensors(path)[0].items()}
            return cls(**tensors, head=None)
        except (ValueError, TypeError) as error:
            raise ValueError(f"{path} is not a Readout written by attnlib, or is damaged: {error}") from error


def of_heads(alpha: Tensor, scores: Tensor, bias: Tensor, mask: Tensor) -> list[Readout]:
    """Each head [N, H, T] with its own scores [N, H, T, C] and the bias of all; ValueError names the head."""
    alpha, scores = torch.as_tensor(alpha), torch.as_tensor(scores)
    if alpha.dim() != 3 or 0 in alpha.shape or scores.shape[:-1] != alpha.shape:
        found = f"alpha {list(alpha.shape)} and scores {list(scores.shape)}"
        raise ValueError(f"several heads: expected alpha [N, H, T] and scores [N, H, T, C], got {found}")
    heads = []
    for number in range(alpha.shape[1]):
        try:
            heads.append(Readout(alpha[:, number], scores[:, number], bias, mask))
        except ValueError as error:
            raise ValueError(f"head {number}: {error}") from error
    return heads


def unchecked(readout: Readout, **changed: Any) -> Readout:
    """The same with some fields changed to what is known to be right: nothing is checked or copied."""
    new = copy.copy(readout)
    new.__dict__.update(changed)
    return new


def _aligned(x: Tensor, dim: int) -> Tensor:
    """x [n, C] as [n, 1, ..., C] with `dim` axes."""
    return x.reshape(x.shape[0], *[1] * (dim - 2), x.shape[1])


def _check_shapes(given: dict[str, Tensor], head: Head | None) -> None:
    """ValueError unless the tensors fit together in shape, dtype and device."""
    for name in ("alpha", "scores", "bias", "mask"):
        if name not in given:
            raise ValueError(f"{name}: is None; give a tensor (of a layer without bias, zeros)")
    alpha, least = given["alpha"], 1 if head is not None else 2
    if alpha.dim() == 3:
        raise ValueError(
            f"alpha: expected [N, T], got shape {list(alpha.shape)}. Of several heads [N, H, T] make "
            "Readout.of_head(alpha, scores, bias, mask, head), which moves one and keeps the others, or ask "
            "kernels.reach_of_heads, which moves all"
        )
    if alpha.dim() != 2 or 0 in alpha.shape:
        raise ValueError(f"alpha: expected [N, T] with N, T ≥ 1, got shape {list(alpha.shape)}")
    n, t = alpha.shape
    c = given["scores"].shape[-1] if given["scores"].dim() == 3 else -1
    if 0 <= c < least:
        raise ValueError(
            f"scores: {c} classes; at least {least} are needed. A sigmoid output is the two-class softmax "
            "whose first column (scores and bias) is 0"
        )
    if "offset" in given and head is None:
        raise ValueError("offset: only meaningful with a head; add it to the scores otherwise")
    classes = c if head is None else "classes"
    shapes = {"bias": (c,), "offset": (n, c), "allowed": (n, classes), "scores": (n, t, "C")}
    for name, x in given.items():
        shape: tuple[int | str, ...] = shapes.get(name, (n, t))
        sizes = [size if isinstance(size, int) else got for size, got in zip(shape, x.shape, strict=False)]
        if sizes != list(x.shape) or len(sizes) != len(shape):
            raise ValueError(f"{name}: expected [{', '.join(map(str, shape))}], got shape {list(x.shape)}")
        if name in _TRUE and x.dtype != torch.bool:
            raise ValueError(f"{name}: expected bool (True = {_TRUE[name]}), got {x.dtype}")
        if name not in _TRUE and not x.is_floating_point():
            raise ValueError(f"{name}: expected a floating dtype, got {x.dtype}")
    if len({x.device for x in given.values()}) > 1:
        raise ValueError(f"{', '.join(given)}: must be on one device")


def _first(bad: Tensor) -> tuple[int, ...] | None:
    """Index of the first True, or None."""
    return tuple(bad.nonzero()[0].tolist()) if bad.any() else None


def _check_values(given: dict[str, Tensor], read: Tensor) -> None:
    """ValueError that names the first row with a wrong value; `read`: [N, T, 1 or C] scores that count."""
    alpha, mask = given["alpha"], given["mask"]
    total = alpha.double().sum(1)  # [N]
    if at := _first(~mask.any(1)):
        raise ValueError(f"mask: row {at[0]} has no token")
    if at := _first(~(alpha.isfinite() & (alpha >= 0))):
        wrong = "is negative" if alpha[at] < 0 else "is not finite"
        raise ValueError(f"alpha: row {at[0]}, token {at[1]} {wrong} ({alpha[at].item():g})")
    if at := _first((alpha != 0) & ~mask):
        raise ValueError(f"alpha: row {at[0]}, token {at[1]} has weight {alpha[at].item():g} off the mask")
    if at := _first((total - 1).abs() > _SUM_TOLERANCE):
        found = f"{total[at].item():.8g}"
        raise ValueError(f"alpha: row {at[0]} sums to {found}, not 1 within {_SUM_TOLERANCE:g}")
    for name, axes in {"scores": ("row", "token"), "bias": ("class",), "offset": ("row", "column")}.items():
        if name in given:
            _check_size(name, given[name], read if name == "scores" else True, axes)
    if "allowed" in given and (at := _first(~given["allowed"].any(1))):
        raise ValueError(f"allowed: row {at[0]} has no class that may be predicted")


def _check_size(name: str, x: Tensor, read: Tensor | bool, axes: tuple[str, ...]) -> None:
    """Finite numbers within ±1e30 where they are `read`; `axes`: what the first axes of x are called."""
    bad = ~(x.abs() <= min(_LARGEST, torch.finfo(x.dtype).max)) & read  # written so that NaN is bad too
    if at := _first(bad):
        at = at[: len(axes)]
        where = ", ".join(f"{axis} {i}" for axis, i in zip(axes, at, strict=True))
        wrong = f"beyond ±{_LARGEST:g}" if x[at].isfinite().all() else "not finite"
        raise ValueError(f"{name}: {where} is {wrong} ({x[at].tolist()}). {_REMEDY}")
