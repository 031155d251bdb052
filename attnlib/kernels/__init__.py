"""Attention-level tests as batched functions of a `Readout`.

The torch code is the definition of what each function computes; it runs on any device. On CUDA devices the
heavy loops run as Triton kernels (`attnlib.kernels.triton`) where Triton works.
"""

from attnlib.kernels.adversary import search_adversary
from attnlib.kernels.baselines import random_attention_test, random_weights, shuffled_weights, uniform_weights
from attnlib.kernels.bounds import adversary_bounds
from attnlib.kernels.correlation import kendall_tau
from attnlib.kernels.divergence import jsd, kl, tvd
from attnlib.kernels.erasure import erase_each, erase_until_flip, minimal_flip_set
from attnlib.kernels.exact import exact_adversary
from attnlib.kernels.permutation import permutation_moments, permutation_range, permutation_test
from attnlib.kernels.reach import reach

__all__ = [
    "adversary_bounds",
    "erase_each",
    "erase_until_flip",
    "exact_adversary",
    "jsd",
    "kendall_tau",
    "kl",
    "minimal_flip_set",
    "permutation_moments",
    "permutation_range",
    "permutation_test",
    "random_attention_test",
    "random_weights",
    "reach",
    "search_adversary",
    "shuffled_weights",
    "tvd",
    "uniform_weights",
]
