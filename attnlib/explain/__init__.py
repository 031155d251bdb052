"""Explanations: attention and its gradients, gradients at the embeddings, leave-one-out."""

from attnlib.explain.inputs import Trained, gradient_times_embedding
from attnlib.explain.leave_one_out import leave_one_out
from attnlib.explain.methods import METHODS, PUBLISHED, explain
from attnlib.explain.targets import TARGETS

__all__ = [
    "METHODS",
    "PUBLISHED",
    "TARGETS",
    "Trained",
    "explain",
    "gradient_times_embedding",
    "leave_one_out",
]
