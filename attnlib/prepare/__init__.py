"""The calls that every notebook starts with: a corpus, a trained model, and what was read from it.

`prepare` for the models of texts and pairs, `prepare_documents` for hierarchical and flat document models,
`prepare_transformer` for small stock transformers, `prepare_adversary` for adversaries of a trained model.
Each family is a module of its own and loaded when it is asked for; a notebook imports from the module, so
that a change to one family does not run the pages of the others again.
"""

from importlib import import_module
from typing import Any

# The module of each name.
HOMES = {
    "Prepared": "run",
    "prepare": "flat",
    "prepare_like": "flat",
    "every_epoch": "flat",
    "prepare_documents": "documents",
    "prepare_transformer": "transformers",
    "PreparedTransformer": "transformers",
    "prepare_adversary": "adversary",
}
__all__ = list(HOMES)


def __getattr__(name: str) -> Any:
    if name not in HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{HOMES[name]}"), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *HOMES})
