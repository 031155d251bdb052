"""Models: embeddings, encoders, attention scorers, and the classifier they make up."""

from attnlib.models.batches import batches, collate
from attnlib.models.classifier import ENCODERS, SCORERS, VARIANTS, Architecture, AttentionModel, build

__all__ = ["ENCODERS", "SCORERS", "VARIANTS", "Architecture", "AttentionModel", "batches", "build", "collate"]
