"""Compile the Triton kernels for NVIDIA GPUs that need not be there: `python -m … 80 90` for sm_80, sm_90."""

import sys

import triton
from triton.backends.compiler import GPUTarget
from triton.compiler import ASTSource

from attnlib.kernels.triton import correlation, exact, permutation, search

SEARCH = {
    "*fp32": "x_in_out alpha_in columns bias before_in steps",
    "i32": "n width n_steps",
    "fp32": "delta own full threshold factor",
}
COUNT = {"*fp64": "x_in y_in", "*i8": "mask", "*i32": "last_in", "*i64": "counts", "i32": "t blocks"}
POOL = {"*fp64": "alpha columns out", "*i32": "order", "i32": "n length n_draws count"}
BEST = {"*fp64": "low up value", "i32": "k m most", "*i64": "i_in n_in j_in m_in i_out j_out"}
KERNELS = [  # the types of the arguments, and the constants: two classes; five classes, AMSGrad; …
    (search._ascend, SEARCH, dict(AMSGRAD=False, K=5, CLASSES=2, BLOCK_K=8, BLOCK_T=64, BLOCK_C=2)),
    (search._ascend, SEARCH, dict(AMSGRAD=True, K=3, CLASSES=5, BLOCK_K=4, BLOCK_T=128, BLOCK_C=8)),
    (correlation._count, COUNT, dict(BLOCK=32)),
    (permutation._pool, POOL, dict(P=16, T=128, C=4)),
    (exact._best, BEST, {}),
]


def main() -> None:
    for kernel, types, constants in KERNELS:
        if kernel is search._ascend:
            constants |= dict(BETA1=0.9, BETA2=0.999)
        signature = dict.fromkeys(constants, "constexpr")
        for kind, names in types.items():
            signature |= dict.fromkeys(names.split(), kind)
        assert set(signature) == set(kernel.arg_names), kernel
        places = {(kernel.arg_names.index(key),): value for key, value in constants.items()}
        ordered = {key: signature[key] for key in kernel.arg_names}
        for arch in sys.argv[1:]:
            source = ASTSource(kernel, signature=ordered, constexprs=places)
            target = GPUTarget("cuda", int(arch), 32)
            assert triton.compile(source, target=target, options={"num_warps": 4}).asm["cubin"]
            print(kernel.__name__, arch)


if __name__ == "__main__":
    main()
