"""Serrano & Smith's flat models (FLAN) in the shape of Jain & Wallace's, which explanations read."""

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import pad

from attnlib.data.corpus import END, START
from attnlib.models.classifier import Architecture, AttentionModel
from attnlib.models.documents import DocumentModel
from attnlib.models.encoders import Convolution, embedding


class BetweenSymbols(nn.Module):
    """An encoder, or none, that reads the words between start and end symbol, which FLANs do not have."""

    def __init__(self, encoder: nn.Module | None) -> None:
        super().__init__()
        self.encoder = encoder

    def forward(self, embedded: Tensor, lengths: Tensor, mask: Tensor) -> tuple[Tensor, None]:
        """States [N, L, m], zero at the symbols; no summary."""
        words, mask = embedded[:, 1:-1], mask[:, 1:-1]
        states = self.encoder(words, lengths - 2, mask)[0] if self.encoder else words
        return pad(states, (0, 0, 1, 1)), None


class FlatModel(AttentionModel):
    """A trained FLAN as the model that explanations and removals read; it shares the FLAN's parameters.

    Start and end symbols are embedded as zeros, which convolutions cannot tell from the edge of the text.
    ValueError for a HAN.
    """

    def __init__(self, model: DocumentModel) -> None:
        if model.hierarchical:
            raise ValueError("a HAN's attention is over sentences: give a FLAN, which attends to words")
        # The smallest model, whose own random parameters are put aside at once.
        with torch.random.fork_rng(devices=[]):
            super().__init__(Architecture("average", "uniform", n_classes=2, n_words=1, dimension=1))
        table = model.embedding.weight.detach().clone()
        table[[START, END]] = 0
        self.embedding = embedding((table.shape[0], table.shape[1]), table)
        encoder = model.words.encoder
        self.encoder: Any = encoder if isinstance(encoder, Convolution) else BetweenSymbols(encoder)
        self.scorer = model.words.scorer
        self.head.projection = model.head
