"""The workloads: generated Readouts with the lengths, attention and scores of the papers' data sets.

Nothing here is a data set: texts have lengths from a gamma distribution with the mean and spread of the real
one, attention is a softmax of normal scores at several temperatures, and class scores have a part common to
the text and a part of their own, so that some decisions can be flipped and others cannot.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from attnlib import Readout
from attnlib.data.corpus import Split, Vocabulary

HIDDEN = 256  # size of the states that the papers' code decodes from
BATCH = 32  # texts per batch of the plain way, as in the papers' code
_SHARPNESS = (0.5, 1.0, 2.0, 4.0)  # inverse temperatures of the attention; text i has number i mod 4
_WORDS = 2000  # size of the vocabulary of generated texts


@dataclass(frozen=True)
class Size:
    """How many texts of how many tokens: mean, standard deviation, shortest and longest."""

    name: str
    title: str
    texts: int
    mean: float
    deviation: float
    shortest: int
    longest: int
    classes: int = 2

    def scaled(self, texts: float, tokens: float) -> Size:
        """A smaller size for quick runs and tests: both factors ≤ 1, at least two batches of texts."""
        return Size(
            self.name,
            self.title,
            max(2 * BATCH, round(self.texts * texts)),
            max(4.0, self.mean * tokens),
            max(1.0, self.deviation * tokens),
            max(2, round(self.shortest * tokens)),
            max(8, round(self.longest * tokens)),
            self.classes,
        )


SIZES = {
    size.name: size
    for size in (
        Size("sst", "SST-like", 1725, 18, 8, 6, 48),
        Size("imdb", "IMDB-like", 4356, 180, 82, 10, 400),
        Size("mimic", "MIMIC-like", 200, 1860, 800, 100, 4000),
        Size("qa", "QA-like", 1000, 36, 10, 10, 70, classes=36),
        Size("han", "sentences of HANs", 50_000, 6.5, 4, 2, 16, classes=5),
    )
}


@dataclass(frozen=True)
class States:
    """A batch as the papers' code holds it: hidden states and the decoder's one linear layer."""

    hidden: Tensor  # [n, T, d] float32, zero off the mask
    alpha: Tensor  # [n, T] float32
    mask: Tensor  # [n, T] bool, tokens first
    weight: Tensor  # [K, d]; K = 1 (a sigmoid) for two classes
    bias: Tensor  # [K]


@dataclass(frozen=True)
class Workload:
    """A Readout of one size, shortest text first, and the hidden states its scores come from."""

    size: Size
    seed: int
    readout: Readout
    weight: Tensor  # [K, d]

    def __len__(self) -> int:
        return len(self.readout)

    def batches(self, count: int | None = None) -> list[slice]:
        """`count` of the batches of 32 texts of like length, evenly spread from short to long; None: all."""
        every = [slice(start, min(start + BATCH, len(self))) for start in range(0, len(self), BATCH)]
        if count is None or count >= len(every):
            return every
        return [every[int((i + 0.5) * len(every) / count)] for i in range(count)]  # the middles of strata

    def states(self, rows: slice) -> States:
        """Hidden states h with V h_t = z_t to rounding: random, then moved along V to the wanted scores."""
        some = self.readout.select(rows)
        width = int(some.lengths.max())
        generator = torch.Generator().manual_seed(self.seed * 1_000_003 + rows.start)
        hidden = 0.1 * torch.randn(len(some), width, HIDDEN, generator=generator)
        hidden = hidden.to(some.device)
        weight = self.weight.to(some.device)
        wanted = some.scores[:, :width]
        bias = some.bias
        if self.size.classes == 2:
            wanted, bias = wanted[..., 1:], bias[1:]
        missing = wanted - hidden @ weight.T
        hidden = hidden + missing @ torch.linalg.pinv(weight).T
        mask = some.mask[:, :width]
        return States(hidden * mask[..., None], some.alpha[:, :width].float(), mask, weight, bias)

    def to(self, device: str) -> Workload:
        """The same workload with its Readout on `device`."""
        return Workload(self.size, self.seed, self.readout.to(device), self.weight)


def lengths(size: Size, rng: np.random.Generator) -> np.ndarray:
    """Ascending text lengths, [N]: gamma with the size's mean and deviation, cut to its range."""
    shape = (size.mean / size.deviation) ** 2
    drawn = rng.gamma(shape, size.mean / shape, size=size.texts)
    result = np.sort(drawn.round().clip(size.shortest, size.longest).astype(int))
    result[-1] = size.longest
    return result


def workload(size: Size, seed: int = 0) -> Workload:
    """The workload of a size; the same seed gives the same numbers."""
    rng = np.random.default_rng([seed, size.texts, size.longest])
    return _workload(size, lengths(size, rng), seed, rng)


def equal_lengths(texts: int, tokens: int, classes: int = 2, seed: int = 0) -> Workload:
    """`texts` texts of `tokens` tokens each, for the scaling measurements."""
    size = Size("equal", "equal lengths", texts, tokens, 0, tokens, tokens, classes)
    rng = np.random.default_rng([seed, texts, tokens])
    return _workload(size, np.full(texts, tokens), seed, rng)


def rising_attention(size: Size, seed: int = 0) -> Workload:
    """The worst case of `exact_adversary`: every text is as long as the longest, and α rises with |s|.

    The nearer a token is to the bound, the less attention it has: no token is superfluous, and the search
    has T²/4 pairs per bound to exclude.
    """
    rng = np.random.default_rng([seed, 1])
    n, t = size.texts, size.longest
    s = rng.uniform(-3, 3, size=(n, t))
    steepness = np.resize([0.5, 1.0, 2.0, 0.02], n)[:, None]
    alpha = np.exp(steepness * np.abs(s))
    scores = np.stack([np.zeros_like(s), s], axis=2).astype(np.float32)
    readout = Readout(
        torch.from_numpy(alpha / alpha.sum(1, keepdims=True)),
        torch.from_numpy(scores),
        torch.zeros(2),
        torch.ones(n, t, dtype=torch.bool),
    )
    return Workload(size, seed, readout, _weight(1, rng))


def _weight(rows: int, rng: np.random.Generator) -> Tensor:
    return torch.from_numpy(rng.normal(size=(rows, HIDDEN)) / np.sqrt(HIDDEN)).float()


def _workload(size: Size, length: np.ndarray, seed: int, rng: np.random.Generator) -> Workload:
    n, t = len(length), int(length.max())
    columns = 1 if size.classes == 2 else size.classes
    mask = np.arange(t) < length[:, None]
    sharpness = np.resize(_SHARPNESS, n)[:, None]
    logits = np.where(mask, sharpness * rng.standard_normal((n, t)), -np.inf)
    alpha = np.exp(logits - logits.max(axis=1, keepdims=True))
    alpha /= alpha.sum(axis=1, keepdims=True)
    scores = 1.5 * rng.standard_normal((n, 1, columns)) + rng.standard_normal((n, t, columns))
    bias = 0.1 * rng.standard_normal(columns)
    if size.classes == 2:  # the sigmoid's logit is that of class 1 beside a zero
        scores = np.concatenate([np.zeros_like(scores), scores], axis=2)
        bias = np.concatenate([[0.0], bias])
    readout = Readout(
        torch.from_numpy(alpha),
        torch.from_numpy(scores.astype(np.float32)),
        torch.from_numpy(bias.astype(np.float32)),
        torch.from_numpy(mask),
    )
    return Workload(size, seed, readout, _weight(columns, rng))


def texts(size: Size, seed: int = 0) -> tuple[Split, Vocabulary]:
    """Texts of random words with the lengths of a size, shortest first, for what needs the encoder."""
    rng = np.random.default_rng([seed, size.texts, size.longest])
    length = lengths(size, rng)
    vocabulary = Vocabulary.build([[f"w{i}" for i in range(_WORDS)]])
    rows = [tuple(f"w{i}" for i in rng.integers(0, _WORDS, size=n)) for n in length.tolist()]
    names = tuple(f"{size.name}/{i}" for i in range(len(rows)))
    return Split(names, tuple(rows), np.zeros(len(rows), dtype=np.int64)), vocabulary


def rankings(readout: Readout, seed: int = 0) -> Iterator[tuple[str, Tensor]]:
    """Serrano & Smith's four erasure orders [N, T]: random, attention, gradient, attention × gradient."""
    generator = torch.Generator().manual_seed(seed)
    p = readout.probabilities()[:, None, :]  # [N, 1, C]
    y = readout.predictions()[:, None, None]
    z = readout.scores.double()
    chosen = z.gather(2, y.expand(-1, z.shape[1], 1))[..., 0]
    gradient = p.gather(2, y)[..., 0] * (chosen - (p * z).sum(2))  # of the predicted class's probability
    random = torch.rand(readout.mask.shape, generator=generator).to(readout.device)
    scores = (random, readout.alpha, gradient, readout.alpha * gradient)
    for name, score in zip(("random", "attention", "gradient", "product"), scores, strict=True):
        masked = score.double().masked_fill(~readout.mask, -torch.inf)
        yield name, masked.argsort(dim=1, descending=True, stable=True)
