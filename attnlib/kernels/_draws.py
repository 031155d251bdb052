"""Draws for each text of a Readout that depend on the seed and the text, not on its batch, padding or device.

A text's key mixes the seed, its length and its attention weights; what is drawn for it mixes its key with a
counter (SplitMix64). Texts of one length thus draw independently of each other, unless they are equal.
"""

import numpy as np
import torch
from torch import Tensor

from attnlib.kernels._common import check_at_least
from attnlib.readout import Readout

_STEP = -7046029254386353131  # 0x9E3779B97F4A7C15 as a signed number
_FIRST, _SECOND = -4658895280553007687, -7723592293110705685  # 0xBF58476D1CE4E5B9, 0x94D049BB133111EB
_GRID = float(1 << 20)  # weights are read to this precision, so that rounding in the last bits does not count
_NUMBERS = 1 << 20  # weights read at a time


def _mixed(x: Tensor) -> Tensor:
    """SplitMix64's output function, element by element; int64, modulo 2^64."""
    x = (x ^ (x >> 30 & (1 << 34) - 1)) * _FIRST
    x = (x ^ (x >> 27 & (1 << 37) - 1)) * _SECOND
    return x ^ (x >> 31 & (1 << 33) - 1)


def text_keys(readout: Readout, seed: int) -> Tensor:
    """A key for each text, [N] int64. Raises ValueError when seed < 0."""
    check_at_least("seed", seed, 0)
    start = int(np.random.SeedSequence(int(seed)).generate_state(1, np.uint64).view(np.int64)[0])
    keys = []
    step = max(1, _NUMBERS // readout.mask.shape[1])
    for alpha, mask in zip(readout.alpha.split(step), readout.mask.split(step), strict=True):
        weights = (alpha * _GRID).round().long()
        mixed = _mixed(weights + _mixed(_places(mask) * _STEP + start))
        keys.append(_mixed(mixed.masked_fill(~mask, 0).sum(1) + mask.sum(1) * _STEP))
    return torch.cat(keys)


def token_keys(keys: Tensor, mask: Tensor, draw: int) -> Tensor:
    """Independent numbers for the tokens of each text, [N, T] int64; the largest int64 off the mask.

    `keys`: [N] as `text_keys` returns them; another `draw` ≥ 0 gives other numbers.
    """
    numbers = _mixed(keys[:, None] + _mixed((_places(mask) + draw * (1 << 40)) * _STEP))
    return (numbers >> 1).masked_fill(~mask, torch.iinfo(torch.int64).max)


def whole_numbers(keys: Tensor, below: Tensor) -> Tensor:
    """A uniform draw for each text from 0, …, below − 1, [N] int64; `below`: [N] int64 ≥ 1."""
    unit = (_mixed(keys + _STEP) >> 11 & (1 << 53) - 1).double() / float(1 << 53)  # [0, 1)
    return (unit * below).long().clamp(max=below - 1)


def _places(mask: Tensor) -> Tensor:
    """1, 2, … for the tokens of each text in their order."""
    return mask.long().cumsum(1)
