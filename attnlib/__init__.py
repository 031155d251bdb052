"""Attention weights under test: exact kernels, and the attention-as-explanation experiments re-run."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from attnlib.readout import Readout as Readout

__version__ = "0.1.0"
__all__ = ["Readout", "__version__"]


def __getattr__(name: str) -> Any:
    # torch is imported when Readout is first asked for, not by `import attnlib`
    if name == "Readout":
        from attnlib.readout import Readout

        return Readout
    raise AttributeError(f"module 'attnlib' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
