"""Explanations of stock transformers: which keys a model reads, by every method, from one call."""

from attnlib.explain.transformers.methods import (
    METHODS,
    PUBLISHED,
    PUBLISHED_AGGREGATION,
    Aggregation,
    each_layer_and_head,
    explain,
)

__all__ = ["METHODS", "PUBLISHED", "PUBLISHED_AGGREGATION", "Aggregation", "each_layer_and_head", "explain"]
