"""The three ways to remove tokens from an attention model: deletion, zeroing, attention mask.

Deletion takes the token out and encodes the rest again. Zeroing leaves the position with a zero embedding,
which the encoder reads and attention may still use. The attention mask leaves the encoder alone and
renormalises the weights of the tokens that remain: by the Readout alone, without the model. A question keeps
its encoding, and candidates are those of the whole text. (Liu et al. 2022; names in their code: slice_out,
zeros_mask, att_mask.)
"""

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import pad

from attnlib.checks import first_row
from attnlib.data.corpus import PAD, Split, Vocabulary
from attnlib.explain.inputs import Trained
from attnlib.explain.recurrent import input_gates, states_of_words
from attnlib.faithfulness.removal import Removal
from attnlib.models.batches import Batch, collate
from attnlib.models.classifier import AttentionModel
from attnlib.models.document_batches import runs
from attnlib.models.encoders import Recurrent
from attnlib.readout import Readout

OPERATORS = ("deletion", "zeroing", "attention mask")

_TOKENS = 1 << 13  # tokens held at a time


def attention_mask(readout: Readout) -> Removal:
    """Removal by the attention mask, from a Readout: Σ α_t z_t / Σ α_t over the tokens that remain.

    Float64, from the remaining weights themselves. Where the remaining weights are all 0 the pooled vector is
    0, as in the erasure kernels.
    """
    check_left_aligned(readout)

    @torch.no_grad()
    def evaluate(rows: np.ndarray, removed: np.ndarray) -> np.ndarray:
        at, gone = (torch.from_numpy(given).to(readout.device) for given in (rows, removed))
        weights = readout.alpha[at].masked_fill(gone, 0.0)
        total = weights.sum(dim=1, keepdim=True)
        pooled = (weights.unsqueeze(1) @ readout.scores[at].double()).squeeze(1)
        pooled = torch.where(total > 0, pooled / total, 0.0)
        return readout.decode(pooled, at).softmax(dim=1).cpu().numpy()

    intact, lengths = readout.probabilities().cpu().numpy(), readout.lengths.cpu().numpy()
    step = max(1, (1 << 23) // readout.scores[0].numel())
    return Removal("attention mask", intact, lengths, evaluate, step)


def removals(
    model: AttentionModel, split: Split, vocabulary: Vocabulary, readout: Readout, device: str = "cpu"
) -> dict[str, Removal]:
    """All three, by the names in OPERATORS; `readout` is that of the model on the split.

    The arguments are the parts of an `explain.Trained`, which a run has as `run.trained`.

    >>> from attnlib.prepare import prepare
    >>> run = prepare("planted", encoder="average", epochs=2, limit=10, progress=False)
    >>> list(removals(*run.trained))
    ['deletion', 'zeroing', 'attention mask']
    """
    changes = {"deletion": _shortened, "zeroing": _zeroed}
    to = Trained(model, split, vocabulary, readout, device)
    found = {name: _encoded_again(to, name, change) for name, change in changes.items()}
    return found | {"attention mask": attention_mask(readout)}


def check_left_aligned(readout: Readout) -> None:
    """ValueError unless the tokens of each row come first, as in the Readout of a text model."""
    position = torch.arange(readout.mask.shape[1], device=readout.device)
    gaps = (readout.mask != (position < readout.lengths[:, None])).any(dim=1)
    if (row := first_row(gaps)) is not None:
        raise ValueError(f"readout: row {row} has a token after a masked position; tokens must come first")


# Word ids with start and end [R, L], lengths [R], which go [R, L] → the same without them
Change = Callable[[Tensor, Tensor, Tensor], tuple[Tensor, Tensor]]


def _shortened(ids: Tensor, lengths: Tensor, gone: Tensor) -> tuple[Tensor, Tensor]:
    position = torch.arange(ids.shape[1])
    left = lengths - gone.sum(dim=1)
    order = (gone | (position >= lengths.unsqueeze(1))).to(torch.int8).sort(dim=1, stable=True).indices
    shorter = ids.gather(1, order).masked_fill(position >= left.unsqueeze(1), PAD)
    return shorter[:, : int(left.max())], left


def _zeroed(ids: Tensor, lengths: Tensor, gone: Tensor) -> tuple[Tensor, Tensor]:
    # The padding symbol's embedding is zero, and stays so in training.
    return ids.masked_fill(gone, PAD)[:, : int(lengths.max())], lengths


def _encoded_again(to: Trained, name: str, change: Change) -> Removal:
    model, n = to.model.eval(), len(to.texts)
    whole = collate(to.texts, to.vocabulary, np.arange(n))
    encode, query = encoder_of_words(model, whole.ids), questions(to)

    @torch.no_grad()
    def evaluate(rows: np.ndarray, removed: np.ndarray) -> np.ndarray:
        at, gone = torch.from_numpy(rows), pad(torch.from_numpy(removed), (1, 1))
        cost = whole.lengths[at] - 2  # start and end
        if change is _shortened:
            cost = cost - gone.sum(dim=1)

        def ask(part: Tensor) -> Tensor:
            texts = at[part]
            candidates = None if whole.candidates is None else whole.candidates[texts]
            changed = change(whole.ids[texts], whole.lengths[texts], gone[part])
            batch = Batch(*changed, texts, candidates=candidates).to(to.device)
            asked = None if query is None else query[texts.to(to.device)]
            return model(batch, query=asked, states=encode(batch)).logits

        return in_blocks(ask, cost)

    intact = evaluate(np.arange(n), np.zeros((n, whole.ids.shape[1] - 2), dtype=bool))
    return Removal(name, intact, to.texts.lengths, evaluate)


@torch.no_grad()
def questions(to: Trained) -> Tensor | None:
    """Summaries of all questions [N, m], a few at a time; None for texts without questions."""
    if to.texts.questions is None:
        return None
    parts = [collate(to.texts, to.vocabulary, rows) for rows in torch.arange(len(to.texts)).split(128)]
    return torch.cat([to.model.question_summary(part.to(to.device)) for part in parts])  # type: ignore[misc]


def encoder_of_words(model: AttentionModel, ids: Tensor) -> Callable[[Batch], Tensor | None]:
    """A function from a batch to its states, faster than the encoder; to None where there is none such.

    ids: all that will be asked for, beside padding.
    """
    encoder = model.encoder
    if not isinstance(encoder, Recurrent):
        return lambda batch: None
    known = torch.cat([torch.tensor([PAD]), ids.flatten()]).unique().to(model.embedding.weight.device)
    with torch.no_grad():
        embedded = model.embedding(known)
        table = input_gates(encoder.forwards, embedded), input_gates(encoder.backwards, embedded)

    def states(batch: Batch) -> Tensor:
        places = torch.searchsorted(known, batch.ids.contiguous())
        return states_of_words(encoder, table, places, batch.lengths)

    return states


def in_blocks(ask: Callable[[Tensor], Tensor], lengths: Tensor) -> np.ndarray:
    """Softmax of what `ask` gives for positions of `lengths` [R], those of like length together, [R, C]."""
    order = lengths.argsort(stable=True)
    parts = [order[run] for run in runs(lengths[order].tolist(), _TOKENS)]
    found = torch.cat([ask(part).double().softmax(dim=1).cpu() for part in parts])
    return found[order.argsort()].numpy()
