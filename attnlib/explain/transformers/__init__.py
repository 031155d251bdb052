"""Explanations of stock transformers: which keys a model reads, by every method, from one call."""

# ruff: noqa: F401 - the names that this package offers
from attnlib.explain.transformers.methods import (
    METHODS,
    PUBLISHED,
    PUBLISHED_AGGREGATION,
    Aggregation,
    each_layer_and_head,
    explain,
)
from attnlib.explain.transformers.texts import Encoded, Explained, encode, explain_texts
