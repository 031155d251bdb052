"""The model of the first papers: encode, attend, pool, one head; with or without a question."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn

from attnlib.models.batches import Batch
from attnlib.models.scorers import Imposed


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

    def __init__(
        self,
        embedding: nn.Embedding,
        encoder: nn.Module,
        scorer: nn.Module,
        head: LinearHead | DeepHead | PairHead,
        question_embedding: nn.Embedding | None = None,
        question_encoder: nn.Module | None = None,
    ) -> None:
        super().__init__()
        self.embedding = embedding
        self.encoder = encoder
        self.scorer = scorer
        self.head = head
        self.question_embedding = question_embedding
        self.question_encoder = question_encoder

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
        mask = batch.mask
        if states is None:
            embedded = self.embedding(batch.ids) if embedded is None else embedded
            states, _ = self.encoder(embedded, batch.lengths, mask)
        if isinstance(self.scorer, Imposed) and batch.attention is not None:
            attention = batch.attention.to(states.dtype)
        else:
            attention = self.scorer(states, query).masked_fill(~mask, -torch.inf).softmax(dim=1)
        if detach_attention:
            attention = attention.detach()
        context = (attention.unsqueeze(1) @ states).squeeze(1)
        logits = self.head(context, query)
        allowed = batch.allowed(logits.shape[1])
        if allowed is not None:
            logits = logits.masked_fill(~allowed, -torch.inf)
        return Output(logits, attention, states, query)
