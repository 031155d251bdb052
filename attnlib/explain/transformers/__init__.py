"""Explanations of stock transformers: which keys a model reads, by every method, from one call."""

from attnlib.explain.transformers.methods import (
    METHODS,
    PUBLISHED,
    PUBLISHED_AGGREGATION,
    Aggregation,
    each_layer_and_head,
    explain,
)
from attnlib.explain.transformers.texts import Encoded, Explained, encode, explain_texts

__all__ = [
    "METHODS",
    "PUBLISHED",
    "PUBLISHED_AGGREGATION",
    "Aggregation",
    "Encoded",
    "Explained",
    "each_layer_and_head",
    "encode",
    "explain",
    "explain_texts",
]
