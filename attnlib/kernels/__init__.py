"""Attention-level tests as batched functions of a `Readout`.

The torch code is the definition of what each function computes; it runs on any device. On CUDA devices the
heavy loops run as Triton kernels (`attnlib.kernels.triton`) where Triton works.
"""

from attnlib.kernels._common import token_margins
from attnlib.kernels.adversary import search_adversary
from attnlib.kernels.baselines import (
    exchanged_logits,
    random_attention_test,
    random_scores,
    random_weights,
    shuffled_weights,
    uniform_weights,
)
from attnlib.kernels.bounds import adversary_bounds, class_range, flips_alone, reach, reach_of_heads
from attnlib.kernels.conicity import conicity
from attnlib.kernels.correlation import kendall_tau
from attnlib.kernels.divergence import jsd, kl, tvd
from attnlib.kernels.erasure import erase_each, erase_until_flip, flip_table, single_erasure
from attnlib.kernels.exact import exact_adversary
from attnlib.kernels.minimal import minimal_flip_mass, minimal_flip_set
from attnlib.kernels.permutation import permutation_moments, permutation_range, permutation_test
from attnlib.kernels.rankings import (
    attention_order,
    centred_product_order,
    gradient_order,
    greedy_order,
    output_gradient,
    product_order,
    random_orders,
)
from attnlib.kernels.shapley import shapley

__all__ = [
    "adversary_bounds",
    "attention_order",
    "centred_product_order",
    "class_range",
    "conicity",
    "erase_each",
    "erase_until_flip",
    "exact_adversary",
    "exchanged_logits",
    "flip_table",
    "flips_alone",
    "gradient_order",
    "greedy_order",
    "jsd",
    "kendall_tau",
    "kl",
    "minimal_flip_mass",
    "minimal_flip_set",
    "output_gradient",
    "permutation_moments",
    "permutation_range",
    "permutation_test",
    "product_order",
    "random_attention_test",
    "random_orders",
    "random_scores",
    "random_weights",
    "reach",
    "reach_of_heads",
    "search_adversary",
    "shapley",
    "shuffled_weights",
    "single_erasure",
    "token_margins",
    "tvd",
    "uniform_weights",
]
