"""Leave-one-out: delete a token from the input, encode again, and see how far the output moves.

`leave_one_out` is the measure; how the logits without each token are had depends on the encoder. All of these
give what `logits_by_encoding_again`, the definition, gives (≤ 1e-5 in probability); a text of T tokens costs

    encoding again          T passes over T tokens
    recurrent encoders      T²/2 recurrent cells per direction, input projections once (`recurrent.py`)
    convolution             one pass, and sums of its parts where a window touches the gap
    average                 nothing: the states stay, so it is the erasure of one weight
"""

from collections.abc import Callable

import torch
from torch import Tensor

from attnlib.data.corpus import Split, Vocabulary
from attnlib.explain.projection import JointProjection, joint_projection
from attnlib.explain.recurrent import logits_by_shared_prefixes
from attnlib.kernels.divergence import tvd
from attnlib.models.batches import Batch, batches
from attnlib.models.classifier import AttentionModel, Output
from attnlib.models.encoders import Average, Convolution, Recurrent
from attnlib.models.scorers import weights_of

# (model, batch of texts of one length, output of the whole texts) → logits without each token [n, T, C], of
# all classes, candidates or not
Method = Callable[[AttentionModel, Batch, Output], Tensor]


@torch.no_grad()
def leave_one_out(
    model: AttentionModel,
    split: Split,
    vocabulary: Vocabulary,
    device: str = "cpu",
    budget: int = 2**15,
    encode_again: bool = False,
) -> Tensor:
    """TVD between the output without token t and the output, [N, T] float64, NaN beyond the text.

    The attention is computed anew on the shorter text; start and end symbols stay; a question keeps its
    encoding, and the candidates are those of the whole text (Jain & Wallace 2019, §4.1, and their code). A
    one-token text leaves nothing to attend to: its value is NaN. `budget` bounds the (text, token, position)
    triples of one step; `encode_again` asks for the definition whatever the encoder.
    """
    width = max(len(text) for text in split.texts)
    result = torch.full((len(split), width), torch.nan, dtype=torch.float64, device=device)
    model.eval()
    method = logits_by_encoding_again if encode_again else fastest(model)
    # The recurrent method holds one state per (text, token), the others one per triple.
    linear = method is logits_by_shared_prefixes
    lengths = torch.tensor([len(text) for text in split.texts])
    for length in lengths[lengths > 1].unique().tolist():
        rows = torch.nonzero(lengths == length).squeeze(1)
        size = max(1, budget // (length if linear else length * (length + 1)))
        for index, batch in batches(split.select(rows.numpy()), vocabulary, size):
            batch = batch.to(device)
            output = model(batch)
            logits = method(model, batch, output).double()
            allowed = batch.allowed(logits.shape[2])
            if allowed is not None:
                logits = logits.masked_fill(~allowed.unsqueeze(1), -torch.inf)
            without = logits.softmax(dim=2)
            original = output.logits.double().softmax(dim=1).unsqueeze(1)
            result[rows[torch.from_numpy(index)].to(device), :length] = tvd(without, original)
    return result


def fastest(model: AttentionModel) -> Method:
    """The quickest exact method for the model's encoder; encoding again for one that is not known."""
    if isinstance(model.encoder, Recurrent):
        # Its running sum knows softmax alone.
        own = hasattr(model.scorer, "to_weights")
        return logits_by_encoding_again if own else logits_by_shared_prefixes
    if isinstance(model.encoder, Average):
        return logits_by_erasure
    return logits_by_windows if isinstance(model.encoder, Convolution) else logits_by_encoding_again


def without_each(ids: Tensor) -> Tensor:
    """ids [n, T + 2] of one length, start and end included → [n, T, T + 1], each token left out once."""
    length = ids.shape[1]
    position = torch.arange(length - 1, device=ids.device)
    left_out = torch.arange(1, length - 1, device=ids.device).unsqueeze(1)
    return ids[:, position + (position >= left_out)]


def logits_by_encoding_again(model: AttentionModel, batch: Batch, output: Output) -> Tensor:
    """The definition: T shorter texts per text, each through the whole model."""
    shorter = without_each(batch.ids)  # [n, T, T + 1]
    n, tokens, length = shorter.shape
    lengths = batch.lengths.new_full((n * tokens,), length)
    changed = Batch(shorter.flatten(0, 1), lengths, batch.labels)
    query = output.query
    repeated = None if query is None else query.repeat_interleave(tokens, dim=0)
    return model(changed, query=repeated).logits.view(n, tokens, -1)


def attend_without_each(projection: JointProjection, scores: Tensor, values: Tensor) -> Tensor:
    """Logits [n, T, C] from scores [n, T, T] and projected states [n, T, T, K] (left out, position).

    The diagonal, the left-out token itself, gets no weight. Leading axes may be broadcast.
    """
    itself = torch.eye(scores.shape[2], dtype=torch.bool, device=scores.device)
    weights = weights_of(projection.scorer, scores.masked_fill(itself, -torch.inf))
    return projection.logits((weights.unsqueeze(2) @ values).squeeze(2))


def logits_by_erasure(model: AttentionModel, batch: Batch, output: Output) -> Tensor:
    """For an encoder that sees each word alone: the other states stay as they are."""
    projection = joint_projection(model, output.query)
    scores, values = projection.split(projection(output.states[:, 1:-1]))
    n, tokens = scores.shape
    return attend_without_each(projection, scores.unsqueeze(1).expand(n, tokens, tokens), values.unsqueeze(1))


def logits_by_windows(model: AttentionModel, batch: Batch, output: Output) -> Tensor:
    """For convolutions: a state is a sum of one product per window position, so a gap only shifts terms.

    With half-width r at most r states on each side of the gap change. The products of every tap with every
    word are computed once; changed states are sums of them.
    """
    encoder = model.encoder
    assert isinstance(encoder, Convolution)
    embedded = model.embedding(batch.ids)  # [n, L, d]
    projection = joint_projection(model, output.query)
    scores, values = projection.split(projection(output.states[:, 1:-1]))  # [n, T], [n, T, K]
    tokens = scores.shape[1]
    reach = max(encoder.widths) // 2
    if reach == 0:
        return logits_by_erasure(model, batch, output)

    left_out = torch.arange(1, tokens + 1, device=embedded.device).unsqueeze(1)  # [T, 1]
    offsets = [offset for offset in range(-reach, reach + 1) if offset != 0]
    position = left_out + torch.tensor(offsets, device=embedded.device)  # [T, 2·reach], in the full text
    shorter = position - (position > left_out).long()  # the same state's place in the shorter text
    blocks = []
    for width, layer in zip(encoder.widths, encoder.convolutions, strict=True):
        weight, changed = layer.get_parameter("weight"), layer.get_parameter("bias")
        for tap in range(width):
            place = shorter + tap - width // 2
            source = place + (place >= left_out).long()  # back to the full text, over the gap
            inside = (place >= 0) & (place < tokens + 1)
            product = embedded @ weight[:, :, tap].T  # [n, L, filters]
            terms = product[:, source.clamp(0, tokens + 1)]  # [n, T, 2·reach, filters]
            changed = changed + terms * inside.unsqueeze(2)
        blocks.append(changed.relu())
    near_scores, near_values = projection.split(projection(torch.cat(blocks, dim=3)))

    # Changed states take the place of the unchanged ones; those beyond the tokens go where the left-out token
    # is, which gets no weight.
    rows = torch.arange(tokens, device=embedded.device).unsqueeze(1)
    columns = torch.where((position > 0) & (position <= tokens), position, left_out) - 1
    scores, values = (x.unsqueeze(1).expand(-1, tokens, *x.shape[1:]).clone() for x in (scores, values))
    scores[:, rows, columns] = near_scores
    values[:, rows, columns] = near_values
    return attend_without_each(projection, scores, values)
