"""Which sizes and initialisations make which model: the published and the released variants, by name."""

from __future__ import annotations

import copy
from dataclasses import dataclass

import torch
from torch import Tensor

from attnlib.checks import check_at_least, one_of
from attnlib.models.classifier import AttentionModel, DeepHead, LinearHead, PairHead
from attnlib.models.encoders import Average, BiGRU, BiLSTM, Convolution, Recurrent, embedding
from attnlib.models.scorers import Additive, Imposed, ScaledDot, Uniform

ENCODERS = ("bilstm", "bigru", "convolution", "average")
SCORERS = {"additive": Additive, "scaled_dot": ScaledDot, "uniform": Uniform, "imposed": Imposed}
VARIANTS = ("released", "published")


@dataclass(frozen=True)
class Architecture:
    """What a model is made of.

    encoder: "bilstm", "bigru", "convolution" or "average". scorer: "additive" or "scaled_dot"; "uniform" for
    the same weight on every token; "imposed" for weights that come with the texts.
    variant: "released" (sizes of the authors' code, from which the printed numbers come) or "published"
    (sizes of the paper's text). pair: reads a question. dimension: of the word vectors. hidden: the size that
    the encoder's other sizes follow from. layers: hidden layers between context and output, 0 for a linear
    head; half as wide as the context, like the hidden layer of a pair's head, which has one of its own.
    """

    encoder: str
    scorer: str
    n_classes: int
    n_words: int
    variant: str = "released"
    pair: bool = False
    dimension: int = 300
    hidden: int = 128
    layers: int = 0

    def __post_init__(self) -> None:
        one_of("encoder", self.encoder, ENCODERS)
        one_of("scorer", self.scorer, SCORERS)
        one_of("variant", self.variant, VARIANTS)
        check_at_least("n_classes", self.n_classes, 2)
        check_at_least("dimension", self.dimension, 1)
        if self.layers < 0 or (self.pair and self.layers):
            raise ValueError(
                f"layers is {self.layers}: give 0 or more, and 0 for a model that reads questions"
            )


def build_encoder(architecture: Architecture) -> Recurrent | Convolution | Average:
    """The encoder, by Jain & Wallace's sizes.

    Released, with hidden size 128 (32 for bAbI): 128 per LSTM direction, 128/4 filters per width, tanh
    projection to 128. Published: 64 filters per width and a ReLU projection to 256 for classification; for
    question answering the paper gives no other sizes.
    """
    hidden = architecture.hidden
    paper = architecture.variant == "published" and not architecture.pair
    if architecture.encoder in ("bilstm", "bigru"):
        return {"bilstm": BiLSTM, "bigru": BiGRU}[architecture.encoder](architecture.dimension, hidden)
    if architecture.encoder == "convolution":
        return Convolution(architecture.dimension, hidden // 2 if paper else hidden // 4)
    return Average(architecture.dimension, 2 * hidden if paper else hidden, "relu" if paper else "tanh")


def build(architecture: Architecture, vectors: Tensor | None = None, seed: int = 0) -> AttentionModel:
    """A fresh model on the CPU; the same seed gives the same parameters.

    vectors: [n_words, dimension] initial embedding (see `vectors.embedding_matrix`), N(0, 1) when None;
    the padding row is zero and stays so. The global random state is left as it was.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        words = embedding((architecture.n_words, architecture.dimension), vectors)
        encoder, n_classes, layers = build_encoder(architecture), architecture.n_classes, architecture.layers
        size = encoder.size
        scorer = SCORERS[architecture.scorer](size, architecture.pair)
        if architecture.pair:
            both = PairHead(size, n_classes), copy.deepcopy(words), build_encoder(architecture)
            return AttentionModel(words, encoder, scorer, *both)
        head = DeepHead(size, n_classes, layers, size // 2) if layers else LinearHead(size, n_classes)
        return AttentionModel(words, encoder, scorer, head)
