"""Models: embeddings, encoders, attention scorers, and the classifier they make up."""

from attnlib.models.batches import Batch, batches, collate
from attnlib.models.build import ENCODERS, SCORERS, VARIANTS, Architecture, build
from attnlib.models.classifier import AttentionModel, Output
from attnlib.models.vectors import embedding_matrix, read_vectors, train_vectors

__all__ = [
    "ENCODERS",
    "SCORERS",
    "VARIANTS",
    "Architecture",
    "AttentionModel",
    "Batch",
    "Output",
    "batches",
    "build",
    "collate",
    "embedding_matrix",
    "read_vectors",
    "train_vectors",
]
