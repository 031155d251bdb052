"""Triton kernels for CUDA tensors, one subject per file, and the choice between them and torch.

The torch functions in `attnlib.kernels` are the definition and share with these everything around the hot
loop. A submodule is imported only when a tensor is on a CUDA device, so Triton need not be installed.
"""

import functools
import warnings

from torch import Tensor


def use_triton(x: Tensor) -> bool:
    """Whether work on `x` goes to a Triton kernel: it is on a CUDA device and Triton works there.

    Where Triton does not work, torch takes over, with one warning per process that says why.
    """
    return x.is_cuda and _works()


@functools.cache
def _works() -> bool:
    try:
        import triton

        triton.runtime.driver.active.get_current_target()  # needs a driver and a C compiler
    except Exception as error:
        warnings.warn(
            f"Triton cannot be used here ({error}): the kernels run through torch on the CUDA device",
            RuntimeWarning,
            stacklevel=4,
        )
        return False
    return True


def power_of_two(n: int) -> int:
    """The smallest power of two ≥ n ≥ 1: the sizes that a Triton tile can have."""
    return 1 << (n - 1).bit_length()
