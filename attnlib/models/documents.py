"""Serrano & Smith's six models: hierarchical (HAN) or flat (FLAN), with a GRU, convolutions or no encoder.

Each level encodes its items and pools them by attention with a learned query. A HAN pools the words of each
sentence, then the sentences; a FLAN pools the words of the document. One linear layer gives the logits, so
the last attention has a linear Readout.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from attnlib.checks import one_of
from attnlib.models.batches import PAD
from attnlib.models.document_batches import DocumentBatch, Documents, evaluation_batches
from attnlib.models.encoders import BiGRU, Convolution
from attnlib.readout import Readout

DOCUMENT_ENCODERS = ("HANrnn", "HANconv", "HANnoenc", "FLANrnn", "FLANconv", "FLANnoenc")
DOCUMENT_VARIANTS = ("released", "no_logit_dropout")
GROUP_WORDS = 2048  # sentences are encoded together up to so many words, padding counted
WIDTHS, CONVOLUTION_DROPOUT = (3, 5), 0.3  # of the convolutions, and before them
MANY_WORDS = 131_072  # a batch with more is encoded a second time for its gradient rather than kept in memory


@dataclass(frozen=True)
class DocumentArchitecture:
    """What a document model is made of.

    encoder: one of DOCUMENT_ENCODERS. variant: "released" (dropout on the logits, as the authors' code has
    it) or "no_logit_dropout". dimension: of the word vectors. hidden: units per direction of the GRU, and
    filters per width. dropout_…: before the word encoder, before the sentence encoder (HAN) and on the
    logits; shares in [0, 1).
    """

    encoder: str
    n_classes: int
    n_words: int
    variant: str = "released"
    scorer: str = "learned_query"
    dimension: int = 200
    hidden: int = 50
    dropout_words: float = 0.0
    dropout_sentences: float = 0.0
    dropout_logits: float = 0.0

    def __post_init__(self) -> None:
        one_of("architecture", self.encoder, DOCUMENT_ENCODERS)
        one_of("variant", self.variant, DOCUMENT_VARIANTS)
        one_of("scorer", self.scorer, ("learned_query",))
        if self.n_classes < 2:
            raise ValueError(f"n_classes is {self.n_classes}: at least 2 are needed")
        for name in ("dropout_words", "dropout_sentences", "dropout_logits"):
            if not 0 <= getattr(self, name) < 1:
                raise ValueError(f"{name} is {getattr(self, name)}: give a share from 0 to below 1")

    @property
    def hierarchical(self) -> bool:
        """Whether the last attention is over sentences, not words."""
        return self.encoder.startswith("HAN")


class DocumentOutput(NamedTuple):
    """What a forward pass computed. T = items of the longest document: sentences (HAN) or words (FLAN)."""

    logits: Tensor  # [N, C]
    attention: Tensor  # [N, T], exactly 0 off the mask
    states: Tensor  # [N, T, m]
    mask: Tensor  # [N, T]


class Pooled(NamedTuple):
    """What one level of attention made of N rows of up to L items."""

    context: Tensor  # [N, m]
    attention: Tensor  # [N, L]
    states: Tensor  # [N, L, m]
    mask: Tensor  # [N, L]


class Identity(nn.Module):
    """No encoder: the states are the items themselves."""

    def __init__(self, dimension: int) -> None:
        super().__init__()
        self.size = dimension

    def forward(self, items: Tensor, lengths: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        """States [N, L, d], and their sum [N, d]."""
        return items, (items * mask.unsqueeze(2)).sum(dim=1)


class DroppedConvolution(Convolution):
    """Convolutions of widths 3 and 5 behind a dropout of 0.3; padding is zero before and after them."""

    def __init__(self, dimension: int, filters: int) -> None:
        super().__init__(dimension, filters, WIDTHS)
        self.dropout = nn.Dropout(CONVOLUTION_DROPOUT)

    def forward(self, items: Tensor, lengths: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        """States [N, L, filters·widths], zero off the mask, and summary."""
        return super().forward(self.dropout(items * mask.unsqueeze(2)), lengths, mask)


class DocumentGRU(BiGRU):
    """Bidirectional GRU with the released initial parameters.

    Input weights Xavier-uniform, recurrent ones orthogonal, input bias 0. The hidden bias comes from an
    initialiser made for an LSTM's four gates: it is 1 in the second quarter of the GRU's 3·hidden numbers
    (37 to 73 of 150, end of the reset and start of the update gate), else 0.
    """

    def __init__(self, dimension: int, hidden: int) -> None:
        super().__init__(dimension, hidden)
        for layer in (self.forwards, self.backwards):
            of_input, recurrent, bias, recurrent_bias = layer.all_weights[0]
            nn.init.xavier_uniform_(of_input)
            nn.init.orthogonal_(recurrent)
            nn.init.zeros_(bias)
            nn.init.zeros_(recurrent_bias)
            quarter = 3 * hidden // 4
            with torch.no_grad():
                recurrent_bias[quarter : 2 * quarter] = 1


class LearnedQuery(nn.Module):
    """c · tanh(W h_t + b) with a square W and a learned query c (Yang et al. 2016)."""

    def __init__(self, size: int) -> None:
        super().__init__()
        self.states = nn.Linear(size, size)
        self.value = nn.Linear(size, 1, bias=False)

    def forward(self, states: Tensor) -> Tensor:
        """Scores [N, L] of states [N, L, m]."""
        return self.value(torch.tanh(self.states(states))).squeeze(2)


class Level(nn.Module):
    """Dropout, an encoder, and attention that pools its states."""

    def __init__(self, encoder: DocumentGRU | DroppedConvolution | Identity, dropout: float) -> None:
        super().__init__()
        self.dropout = nn.Dropout(dropout)
        self.encoder = encoder
        self.scorer = LearnedQuery(encoder.size)
        self.size = encoder.size

    def forward(self, items: Tensor, lengths: Tensor) -> Pooled:
        """Pool items [N, L, d]; lengths [N], at least 1 each, on the CPU."""
        positions = torch.arange(items.shape[1], device=items.device)
        mask = positions < lengths.to(items.device).unsqueeze(1)
        states, _ = self.encoder(self.dropout(items), lengths, mask)
        attention = self.scorer(states).masked_fill(~mask, -torch.inf).softmax(dim=1)
        return Pooled((attention.unsqueeze(1) @ states).squeeze(1), attention, states, mask)


class DocumentModel(nn.Module):
    """Embedding, word level, sentence level (HAN only), one linear layer."""

    def __init__(
        self, embedding: nn.Embedding, words: Level, sentences: Level | None, n_classes: int, dropout: float
    ) -> None:
        super().__init__()
        self.embedding = embedding
        self.words = words
        self.sentences = sentences
        self.head = nn.Linear((sentences or words).size, n_classes)
        self.dropout = nn.Dropout(dropout)

    @property
    def hierarchical(self) -> bool:
        """Whether the last attention is over sentences, not words."""
        return self.sentences is not None

    def forward(self, batch: DocumentBatch) -> DocumentOutput:
        """One pass. ValueError when a hierarchical model is given documents without sentences."""
        # One look-up of each distinct word: the gradient of a look-up is as large as the whole table.
        distinct, words = torch.unique(
            torch.cat([batch.words.new_tensor([PAD]), batch.words]), return_inverse=True
        )
        table, words = self.embedding(distinct), words[1:]
        if self.sentences is None:
            last = self.read_words(table, words, offsets_of(batch.lengths), batch.lengths)
        else:
            if batch.sentences is None or batch.counts is None:
                raise ValueError("a hierarchical model reads sentences, but the batch has none")
            last = self.sentences(
                self.sentence_vectors(table, words, batch.sentences, batch.counts), batch.counts
            )
        logits = self.dropout(self.head(last.context))
        return DocumentOutput(logits, last.attention, last.states, last.mask)

    def read_words(self, table: Tensor, words: Tensor, starts: Tensor, lengths: Tensor) -> Pooled:
        """Pool K stretches of words [W], the rows of `table`, whose row 0 is padding; starts, lengths [K]."""
        positions = torch.arange(int(lengths.max()))
        inside = positions < lengths.unsqueeze(1)
        picked = torch.where(inside, starts.unsqueeze(1) + positions, 0).to(words.device)
        rows = words[picked].masked_fill(~inside.to(words.device), 0)
        return self.words(nn.functional.embedding(rows, table), lengths)

    def read_sentences(self, table: Tensor, words: Tensor, starts: Tensor, lengths: Tensor) -> Tensor:
        """Sentence vectors [K, m], as `read_words` pools them."""
        return self.read_words(table, words, starts, lengths).context

    def sentence_vectors(self, table: Tensor, words: Tensor, sentences: Tensor, counts: Tensor) -> Tensor:
        """Vectors [N, most sentences, m], zero on padding, of S sentences of the lengths `sentences` [S].

        counts: [N] sentences of each document. Sentences of like length are encoded together, whichever
        document they are from. A batch of very many words is not kept for the gradient but encoded again.
        """
        starts = offsets_of(sentences)
        again = torch.is_grad_enabled() and len(words) > MANY_WORDS
        order = torch.argsort(sentences, stable=True)
        found = []
        for group in groups(sentences[order]):
            chosen = (table, words, starts[order[group]], sentences[order[group]])
            found.append(
                checkpoint(self.read_sentences, *chosen, use_reentrant=False)
                if again
                else self.read_sentences(*chosen)
            )
        vectors = torch.cat(found)
        n, most = len(counts), int(counts.max())
        row = torch.repeat_interleave(torch.arange(n), counts)
        place = row * most + torch.arange(len(sentences)) - offsets_of(counts)[row]
        spread = vectors.new_zeros(n * most, vectors.shape[1])
        spread = spread.index_copy(0, place[order].to(vectors.device), vectors)
        return spread.view(n, most, -1)


def offsets_of(lengths: Tensor) -> Tensor:
    """Where each stretch begins, [N]."""
    return torch.cumsum(lengths, dim=0) - lengths


def groups(lengths: Tensor) -> Iterator[slice]:
    """Cut ascending lengths [K] into runs of one or more, of at most GROUP_WORDS words with padding."""
    start, sizes = 0, lengths.tolist()
    for end, longest in enumerate(sizes):
        if end > start and (end + 1 - start) * longest > GROUP_WORDS:
            yield slice(start, end)
            start = end
    yield slice(start, len(sizes))


def build_document_model(
    architecture: DocumentArchitecture, vectors: Tensor | None = None, seed: int = 0
) -> DocumentModel:
    """A fresh model on the CPU; the same seed gives the same parameters.

    vectors: [n_words, dimension] initial embedding, rows of length 1 at random when None; the padding row is
    zero and stays so. The global random state is left as it was.
    """
    shape = (architecture.n_words, architecture.dimension)
    if vectors is not None and tuple(vectors.shape) != shape:
        raise ValueError(f"vectors have shape {list(vectors.shape)}, the model needs {list(shape)}")
    kind = architecture.encoder.removeprefix("HAN").removeprefix("FLAN")

    def encoder(dimension: int) -> DocumentGRU | DroppedConvolution | Identity:
        if kind == "rnn":
            return DocumentGRU(dimension, architecture.hidden)
        return DroppedConvolution(dimension, architecture.hidden) if kind == "conv" else Identity(dimension)

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        table = nn.functional.normalize(torch.randn(shape)) if vectors is None else vectors.float().clone()
        table[PAD] = 0
        words = Level(encoder(architecture.dimension), architecture.dropout_words)
        sentences = None
        if architecture.hierarchical:
            sentences = Level(encoder(words.size), architecture.dropout_sentences)
        model = DocumentModel(
            nn.Embedding.from_pretrained(table, freeze=False, padding_idx=PAD),
            words,
            sentences,
            architecture.n_classes,
            architecture.dropout_logits,
        )
        nn.init.xavier_uniform_(model.head.weight)
        nn.init.zeros_(model.head.bias)
    return model


@torch.no_grad()
def read_documents(model: DocumentModel, documents: Documents, device: str = "cpu") -> Readout:
    """Weights and scores z_t = V h_t of every document's sentences (HAN) or words (FLAN), in the order given.

    One column per item of the longest document, and C classes as the linear layer has them, two or more.
    """
    model.eval()
    weight = model.head.weight
    lengths = documents.counts if model.hierarchical else documents.lengths
    shape = (len(documents), int(lengths.max()))
    alpha = torch.zeros(shape, device=device)
    scores = torch.zeros((*shape, len(weight)), device=device)
    mask = torch.zeros(shape, dtype=torch.bool, device=device)
    for rows, batch in evaluation_batches(documents, model.hierarchical):
        output = model(batch.to(device))
        index, width = torch.from_numpy(rows).to(device), output.mask.shape[1]
        alpha[index, :width] = output.attention
        scores[index, :width] = output.states @ weight.T
        mask[index, :width] = output.mask
    return Readout(alpha, scores, model.head.bias, mask)
