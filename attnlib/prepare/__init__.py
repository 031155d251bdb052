"""The calls that every notebook starts with: a corpus, a trained model, and what was read from it.

`prepare` for the models of texts and pairs, `prepare_documents` for hierarchical and flat document models,
`prepare_transformer` for small stock transformers, `prepare_adversary` for adversaries of a trained model.
"""

from attnlib.prepare.adversary import prepare_adversary
from attnlib.prepare.documents import prepare_documents
from attnlib.prepare.flat import every_epoch, prepare, prepare_like
from attnlib.prepare.run import Prepared
from attnlib.prepare.transformers import PreparedTransformer, prepare_transformer

__all__ = [
    "Prepared",
    "PreparedTransformer",
    "every_epoch",
    "prepare",
    "prepare_adversary",
    "prepare_documents",
    "prepare_like",
    "prepare_transformer",
]
