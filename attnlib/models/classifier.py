"""The model of the first papers: encode, attend, pool, one head; with or without a question.

The published and the released sizes go by name, as encoders and scorers do.
"""

import copy
from dataclasses import dataclass
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from attnlib.checks import check_at_least, one_of
from attnlib.models.batches import Batch
from attnlib.models.encoders import Average, BiGRU, BiLSTM, Convolution, Frozen, Recurrent, embedding
from attnlib.models.scorers import SCORERS, Imposed, weights_of

ENCODERS = ("bilstm", "bigru", "convolution", "average")
FROZEN = "frozen"
VARIANTS = ("released", "published")


@dataclass(frozen=True)
class Architecture:
    """What a model is made of.

    encoder: "bilstm", "bigru", "convolution" or "average"; "frozen" where texts bring their states with
    them, `dimension` wide (`attnlib.models.frozen`), and only scorer and head are trained. scorer: "additive"
    or "scaled_dot"; "uniform" for the same weight on every token; "imposed" for weights that come with the
    texts; "additive_entmax" and "additive_sparsemax" for sparse ones.
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
        one_of("encoder", self.encoder, (*ENCODERS, FROZEN))
        one_of("scorer", self.scorer, SCORERS)
        one_of("variant", self.variant, VARIANTS)
        check_at_least("n_classes", self.n_classes, 2)
        check_at_least("dimension", self.dimension, 1)
        if self.layers < 0 or (self.pair and self.layers):
            raise ValueError(
                f"layers is {self.layers}: give 0 or more, and 0 for a model that reads questions"
            )


def encoder_of(architecture: Architecture) -> Recurrent | Convolution | Average | Frozen:
    """The encoder, by Jain & Wallace's sizes.

    Released, with hidden size 128 (32 for bAbI): 128 per LSTM direction, 128/4 filters per width, tanh
    projection to 128. Published: 64 filters per width and a ReLU projection to 256 for classification; for
    question answering the paper gives no other sizes.
    """
    if architecture.encoder == FROZEN:
        return Frozen(architecture.dimension)
    hidden = architecture.hidden
    paper = architecture.variant == "published" and not architecture.pair
    if architecture.encoder in ("bilstm", "bigru"):
        return {"bilstm": BiLSTM, "bigru": BiGRU}[architecture.encoder](architecture.dimension, hidden)
    if architecture.encoder == "convolution":
        return Convolution(architecture.dimension, hidden // 2 if paper else hidden // 4)
    return Average(architecture.dimension, 2 * hidden if paper else hidden, "relu" if paper else "tanh")


class Output(NamedTuple):
    """What a forward pass computed. L counts start, end and padding positions."""

    logits: Tensor  # [N, C], -inf for a class that is no candidate
    attention: Tensor  # [N, L], exactly 0 off the mask
    states: Tensor  # [N, L, m]
    query: Tensor | None  # [N, m], summary of the question


class ProjectedHead(nn.Module):
    """context, query → logits: `finish(projection(context), query)`.

    The projection is linear: that is what lets a Readout keep the projected states and forget the encoder.
    """

    projection: nn.Linear

    def finish(self, pooled: Tensor, query: Tensor | None = None) -> Tensor:
        """Projected context [..., K], and query [..., m] of a question, → logits [..., C]."""
        raise NotImplementedError

    def forward(self, context: Tensor, query: Tensor | None = None) -> Tensor:
        """Logits [N, C] of contexts [N, m]."""
        return self.finish(self.projection(context), query)


class LinearHead(ProjectedHead):
    """context → logits. Two classes have one output, the logit of class 1; class 0 has logit 0."""

    def __init__(self, size: int, n_classes: int) -> None:
        super().__init__()
        self.projection = nn.Linear(size, 1 if n_classes == 2 else n_classes)

    def finish(self, pooled: Tensor, query: Tensor | None = None) -> Tensor:
        """Projected context [..., K] → logits [..., C]."""
        return torch.cat([torch.zeros_like(pooled), pooled], dim=-1) if pooled.shape[-1] == 1 else pooled


class DeepHead(ProjectedHead):
    """context → `layers` hidden layers of `width` units with ReLU → logits (Liu et al. 2022, on depth)."""

    def __init__(self, size: int, n_classes: int, layers: int, width: int) -> None:
        super().__init__()
        self.projection = nn.Linear(size, width)
        self.hidden = nn.ModuleList(nn.Linear(width, width) for _ in range(layers - 1))
        self.answer = LinearHead(width, n_classes)

    def finish(self, pooled: Tensor, query: Tensor | None = None) -> Tensor:
        """Projected context [..., K] → logits [..., C]."""
        for layer in self.hidden:
            pooled = layer(pooled.relu())
        return self.answer(pooled.relu())


class PairHead(ProjectedHead):
    """(context, query) → W₃ tanh(W_p c + W_q q), the question-answering head of Jain & Wallace 2019."""

    def __init__(self, size: int, n_classes: int) -> None:
        super().__init__()
        self.projection = nn.Linear(size, size // 2)
        self.query = nn.Linear(size, size // 2)
        self.answer = nn.Linear(size // 2, n_classes)

    def finish(self, pooled: Tensor, query: Tensor | None = None) -> Tensor:
        """Projected context [..., K] and query [..., m] → logits [..., C]."""
        assert query is not None
        return self.answer(torch.tanh(pooled + self.query(query)))


class AttentionModel(nn.Module):
    """Embedding, encoder, attention scorer, head; a question has an embedding and encoder of its own."""

    def __init__(self, architecture: Architecture, vectors: Tensor | None = None) -> None:
        super().__init__()
        a, n_classes = architecture, architecture.n_classes
        frozen, table = a.encoder == FROZEN, (a.n_words, a.dimension)
        self.embedding: Any = Frozen(a.dimension) if frozen else embedding(table, vectors)
        self.encoder = encoder_of(a)
        size = self.encoder.size
        self.scorer = SCORERS[a.scorer](size, a.pair)
        self.head: LinearHead | DeepHead | PairHead
        self.question_embedding, self.question_encoder = None, None
        if a.pair:
            self.head = PairHead(size, n_classes)
            self.question_embedding, self.question_encoder = copy.deepcopy(self.embedding), encoder_of(a)
        elif a.layers:
            self.head = DeepHead(size, n_classes, a.layers, size // 2)
        else:
            self.head = LinearHead(size, n_classes)

    def question_summary(self, batch: Batch) -> Tensor | None:
        """The question encoder's summary [N, m]; None for a model without questions."""
        if self.question_encoder is None or self.question_embedding is None:
            return None
        if batch.question_ids is None or batch.question_lengths is None:
            raise ValueError("the model reads questions, but the batch has none")
        question = Batch(batch.question_ids, batch.question_lengths, batch.labels)
        embedded = self.question_embedding(question.ids)
        return self.question_encoder(embedded, question.lengths, question.mask)[1]

    def forward(
        self,
        batch: Batch,
        *,
        embedded: Tensor | None = None,
        query: Tensor | None = None,
        states: Tensor | None = None,
        detach_attention: bool = False,
    ) -> Output:
        """One pass.

        `embedded` [N, L, d] replaces the embedding of `batch.ids` (for gradients); `query` [N, m] the encoded
        question (for re-encoding the text alone); `states` [N, L, m] all of the encoder (where they are had
        faster); `detach_attention` makes the weights constants of the graph, as the papers' gradients want
        them.
        """
        if query is None:
            query = self.question_summary(batch)
        mask, states = batch.mask, batch.states if states is None else states
        if states is None:
            embedded = self.embedding(batch.ids) if embedded is None else embedded
            states, _ = self.encoder(embedded, batch.lengths, mask)
        if isinstance(self.scorer, Imposed) and batch.attention is not None:
            attention = batch.attention.to(states.dtype)
        else:
            scores = self.scorer(states, query).masked_fill(~mask, -torch.inf)
            attention = weights_of(self.scorer, scores)
        if detach_attention:
            attention = attention.detach()
        context = (attention.unsqueeze(1) @ states).squeeze(1)
        logits = self.head(context, query)
        allowed = batch.allowed(logits.shape[1])
        if allowed is not None:
            logits = logits.masked_fill(~allowed, -torch.inf)
        return Output(logits, attention, states, query)


def build(architecture: Architecture, vectors: Tensor | None = None, seed: int = 0) -> AttentionModel:
    """A fresh model on the CPU; the same seed gives the same parameters.

    vectors: [n_words, dimension] initial embedding (see `vectors.embedding_matrix`), N(0, 1) when None;
    the padding row is zero and stays so. The global random state is left as it was.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return AttentionModel(architecture, vectors)
