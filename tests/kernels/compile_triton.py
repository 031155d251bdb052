"""Compile the Triton kernels for an NVIDIA GPU that need not be there: `python -m … 90` for sm_90."""

import sys

import triton
from triton.backends.compiler import GPUTarget
from triton.compiler import ASTSource

from attnlib.kernels.triton import correlation, exact, permutation, search

SEARCH = {
    "pointer to fp32": "x_in_out alpha_in columns bias before_in steps",
    "i32": "n width n_steps",
    "fp32": "delta own full threshold factor",
}
ADAM = {"BETA1": 0.9, "BETA2": 0.999}
KERNELS = [
    (
        "search",
        search._ascend,
        SEARCH,
        {**ADAM, "K": 5, "CLASSES": 2, "AMSGRAD": False, "BLOCK_K": 8, "BLOCK_T": 64, "BLOCK_C": 2},
    ),
    (
        "search",
        search._ascend,
        SEARCH,
        {**ADAM, "K": 3, "CLASSES": 5, "AMSGRAD": True, "BLOCK_K": 4, "BLOCK_T": 128, "BLOCK_C": 8},
    ),
    (
        "correlation",
        correlation._count,
        {
            "pointer to fp64": "x_in y_in",
            "pointer to i8": "mask",
            "pointer to i32": "last_in",
            "pointer to i64": "counts",
            "i32": "t blocks",
        },
        {"BLOCK": 32},
    ),
    (
        "permutation",
        permutation._pool,
        {
            "pointer to fp64": "alpha columns out",
            "pointer to i32": "order",
            "i32": "n length n_permutations count blocks",
        },
        {"BLOCK_P": 16, "BLOCK_T": 128, "BLOCK_C": 4},
    ),
    (
        "exact",
        exact._best,
        {
            "pointer to fp64": "near_in a_near_in near_term far_in a_far_in far_term value",
            "pointer to i64": "low_start low_size up_start up_size i_out j_out",
        },
        {"MOST": 1 << 18, "BLOCK_I": 16, "BLOCK_J": 32},
    ),
]


def main() -> None:
    target = GPUTarget("cuda", int(sys.argv[1]), 32)
    for name, kernel, types, constants in KERNELS:
        signature = dict.fromkeys(constants, "constexpr")
        for kind, names in types.items():
            signature |= dict.fromkeys(names.split(), kind.replace("pointer to ", "*"))
        assert set(signature) == set(kernel.arg_names), name
        places = {(kernel.arg_names.index(key),): value for key, value in constants.items()}
        ordered = {key: signature[key] for key in kernel.arg_names}
        source = ASTSource(kernel, signature=ordered, constexprs=places)
        compiled = triton.compile(source, target=target, options={"num_warps": 4})
        assert len(compiled.asm["cubin"]) > 0
        print(name)


if __name__ == "__main__":
    main()
