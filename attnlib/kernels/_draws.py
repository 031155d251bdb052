"""Draws for each text of a Readout that depend on the seed and the text, not on its batch, padding or device.

A text's key mixes the seed, its length and its id; what is drawn for it mixes its key with a counter
(SplitMix64). Nothing that a model computed goes in, so that another processor draws the same. Texts of one
length draw independently of each other if they have ids, and alike if they have none.
"""

import hashlib
from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from attnlib.checks import check_at_least, plain, refuse_string

Names = Sequence[str] | Sequence[int] | None  # one for each text, strings or whole numbers

# Of draws that depend on the text, in the provenance of a run. 1, which records do not name: keys from
# rounded attention weights. 2: keys from ids.
DRAWS = 2

_STEP = -7046029254386353131  # 0x9E3779B97F4A7C15 as a signed number
_FIRST, _SECOND = -4658895280553007687, -7723592293110705685  # 0xBF58476D1CE4E5B9, 0x94D049BB133111EB


def _mixed(x: Tensor) -> Tensor:
    """SplitMix64's output function, element by element; int64, modulo 2^64."""
    x = (x ^ (x >> 30 & (1 << 34) - 1)) * _FIRST
    x = (x ^ (x >> 27 & (1 << 37) - 1)) * _SECOND
    return x ^ (x >> 31 & (1 << 33) - 1)


def text_keys(seed: int, lengths: Tensor, ids: Names = None) -> Tensor:
    """A key for each text, [N] int64, from its length and, where they are given, its id.

    ids: names of the N texts, strings or whole numbers; 1 and "1" are one name. Raises ValueError when
    seed < 0, and for ids of another number or kind.
    """
    check_at_least("seed", seed, 0)
    start = int(np.random.SeedSequence(int(seed)).generate_state(1, np.uint64).view(np.int64)[0])
    names = torch.zeros_like(lengths) if ids is None else _named(ids, len(lengths)).to(lengths.device)
    return _mixed(names + _mixed(lengths * _STEP + start))


def _named(ids: Sequence[str] | Sequence[int], n: int) -> Tensor:
    """A number for each name, [N] int64, the same everywhere and for ever."""
    refuse_string(ids, "ids", "list of names", "give one to each text")
    names = plain(ids).tolist() if isinstance(ids, Tensor) else list(ids)
    if len(names) != n:
        raise ValueError(f"ids: {len(names)} for {n} texts")
    for row, name in enumerate(names):
        if not isinstance(name, str | int | np.integer):
            raise ValueError(f"ids: row {row} is {name!r}; a name is a string or a whole number")
    hashes = (hashlib.blake2b(str(name).encode(errors="surrogatepass"), digest_size=8) for name in names)
    return torch.from_numpy(np.frombuffer(b"".join(h.digest() for h in hashes), "<i8").astype(np.int64))


def token_keys(keys: Tensor, mask: Tensor, draw: int) -> Tensor:
    """Independent numbers for the tokens of each text, [N, T] int64; the largest int64 off the mask.

    `keys`: [N] as `text_keys` returns them; another `draw` ≥ 0 gives other numbers.
    """
    places = mask.long().cumsum(1)  # 1, 2, … for the tokens of each text in their order
    numbers = _mixed(keys[:, None] + _mixed((places + draw * (1 << 40)) * _STEP))
    return (numbers >> 1).masked_fill(~mask, torch.iinfo(torch.int64).max)


def whole_numbers(keys: Tensor, below: Tensor) -> Tensor:
    """A uniform draw for each text from 0, …, below − 1, [N] int64; `below`: [N] int64 ≥ 1."""
    unit = (_mixed(keys + _STEP) >> 11 & (1 << 53) - 1).double() / float(1 << 53)  # [0, 1)
    return (unit * below).long().clamp(max=below - 1)
