"""Serrano & Smith's six models: hierarchical (HAN) or flat (FLAN), with a GRU, convolutions or no encoder.

Each level encodes its items and pools them by attention with a learned query. A HAN pools the words of each
sentence, then the sentences; a FLAN pools the words of the document. One linear layer gives the logits, so
the last attention has a linear Readout.
"""

from dataclasses import dataclass, field
from functools import partial
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import pad_sequence
from torch.utils.checkpoint import checkpoint

from attnlib.checks import check_at_least, one_of
from attnlib.data.corpus import PAD
from attnlib.models.batches import joined
from attnlib.models.document_batches import DocumentBatch, Documents, evaluation_batches, runs
from attnlib.models.encoders import BiGRU, Convolution, embedding
from attnlib.models.scorers import Additive
from attnlib.readout import Readout

DOCUMENT_ENCODERS = ("HANrnn", "HANconv", "HANnoenc", "FLANrnn", "FLANconv", "FLANnoenc")
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
    scorer: str = field(default="learned_query", init=False)
    dimension: int = 200
    hidden: int = 50
    dropout_words: float = 0.0
    dropout_sentences: float = 0.0
    dropout_logits: float = 0.0

    def __post_init__(self) -> None:
        one_of("architecture", self.encoder, DOCUMENT_ENCODERS)
        one_of("variant", self.variant, ("released", "no_logit_dropout"))
        check_at_least("n_classes", self.n_classes, 2)
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


# What one level of attention makes of N rows of up to L items: context [N, m], attention [N, L], states
# [N, L, m] and mask [N, L].
Pooled = tuple[Tensor, Tensor, Tensor, Tensor]


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
            nn.init.ones_(recurrent_bias[quarter : 2 * quarter])


class Level(nn.Module):
    """Dropout, an encoder, and attention with a learned query that pools its states (Yang et al. 2016).

    kind: "rnn", "conv", or another for no encoder: the states are the items themselves.
    """

    def __init__(self, kind: str, dimension: int, hidden: int, dropout: float) -> None:
        super().__init__()
        self.dropout = nn.Dropout(dropout)
        encoders: dict[str, Any] = {"rnn": DocumentGRU, "conv": DroppedConvolution}
        self.encoder = encoders[kind](dimension, hidden) if kind in encoders else None
        self.size: int = self.encoder.size if self.encoder else dimension
        self.scorer = Additive(self.size, width=self.size)

    def forward(self, items: Tensor, lengths: Tensor) -> Pooled:
        """Pool items [N, L, d]; lengths [N], at least 1 each, on the CPU."""
        lengths = lengths.to(items.device)
        mask = torch.arange(items.shape[1], device=items.device) < lengths.unsqueeze(1)
        states = self.dropout(items)
        if self.encoder is not None:
            states, _ = self.encoder(states, lengths, mask)
        attention = self.scorer(states).masked_fill(~mask, -torch.inf).softmax(dim=1)
        return (attention.unsqueeze(1) @ states).squeeze(1), attention, states, mask


class DocumentModel(nn.Module):
    """Embedding, word level, sentence level (HAN only), one linear layer."""

    def __init__(self, architecture: DocumentArchitecture, vectors: Tensor | None = None) -> None:
        super().__init__()
        a, kind = architecture, architecture.encoder.removeprefix("HAN").removeprefix("FLAN")
        self.hierarchical = a.hierarchical
        self.embedding = embedding((a.n_words, a.dimension), vectors, unit=True)
        self.words = Level(kind, a.dimension, a.hidden, a.dropout_words)
        self.sentences = (
            Level(kind, self.words.size, a.hidden, a.dropout_sentences) if a.hierarchical else None
        )
        self.head = nn.Linear((self.sentences or self.words).size, a.n_classes)
        self.dropout = nn.Dropout(a.dropout_logits)
        nn.init.xavier_uniform_(self.head.weight)
        nn.init.zeros_(self.head.bias)

    def forward(self, batch: DocumentBatch) -> DocumentOutput:
        """One pass. ValueError when a hierarchical model is given documents without sentences."""
        # One look-up of each distinct word: the gradient of a look-up is as large as the whole table.
        every = torch.cat([batch.words.new_tensor([PAD]), batch.words])
        distinct, words = torch.unique(every, return_inverse=True)
        table = self.embedding(distinct.to(self.embedding.weight.device))
        if self.sentences is None:
            last = self.read_words(table, words, starts_of(batch.lengths), batch.lengths)
        elif batch.sentences is None or batch.counts is None:
            raise ValueError("a hierarchical model reads sentences, but the batch has none")
        else:
            vectors = self.sentence_vectors(table, words, batch.sentences)
            of_documents = pad_sequence(vectors.split(batch.counts.tolist()), batch_first=True)
            last = self.sentences(of_documents, batch.counts)
        context, attention, states, mask = last
        return DocumentOutput(self.dropout(self.head(context)), attention, states, mask)

    def read_words(self, table: Tensor, words: Tensor, starts: Tensor, lengths: Tensor) -> Pooled:
        """Pool K stretches of words, rows of `table`, the first one padding; starts, lengths: [K]."""
        positions = torch.arange(int(lengths.max()))
        inside = positions < lengths.unsqueeze(1)
        rows = words[torch.where(inside, starts.unsqueeze(1) + positions, 0)].to(table.device)
        return self.words(nn.functional.embedding(rows, table), lengths)

    def sentence_vectors(self, table: Tensor, words: Tensor, lengths: Tensor) -> Tensor:
        """Vectors [S, m] of sentences of lengths [S], one after another in `words`, behind the padding at 0.

        Sentences of like length are encoded together, whichever document they are from. A batch of very many
        words is not kept for the gradient but encoded again.
        """
        starts, order = starts_of(lengths), torch.argsort(lengths, stable=True)
        again = torch.is_grad_enabled() and int(lengths.sum()) > MANY_WORDS
        read = partial(checkpoint, self.read_words, use_reentrant=False) if again else self.read_words
        groups = [order[run] for run in runs(lengths[order].tolist(), GROUP_WORDS)]
        vectors = torch.cat([read(table, words, starts[group], lengths[group])[0] for group in groups])
        return vectors[torch.argsort(order).to(vectors.device)]


def starts_of(lengths: Tensor) -> Tensor:
    """Where each stretch of words begins, [K], behind the padding at 0."""
    return torch.cumsum(lengths, dim=0) - lengths + 1


def build_document_model(
    architecture: DocumentArchitecture, vectors: Tensor | None = None, seed: int = 0
) -> DocumentModel:
    """A fresh model on the CPU; the same seed gives the same parameters.

    vectors: [n_words, dimension] initial embedding, rows of length 1 at random when None; the padding row is
    zero and stays so. The global random state is left as it was.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return DocumentModel(architecture, vectors)


@torch.no_grad()
def read_documents(model: DocumentModel, documents: Documents) -> Readout:
    """Weights and scores z_t = V h_t of every document's sentences (HAN) or words (FLAN), in the order given.

    One column per item of the longest document, and C classes as the linear layer has them, two or more.
    """
    model.eval()
    parts = []
    for rows, batch in evaluation_batches(documents, model.hierarchical):
        output = model(batch)
        scores = output.states @ model.head.weight.T
        parts.append((rows, {"alpha": output.attention, "scores": scores, "mask": output.mask}))
    return Readout(bias=model.head.bias, **joined(parts))
