"""What knows nothing of the text: uniform, shuffled or random attention, or what was read in another text."""

from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor

from attnlib.checks import check_at_least
from attnlib.kernels._common import blocks, put, seed_for, similar
from attnlib.kernels._draws import Names, text_keys, token_keys
from attnlib.kernels.divergence import unchecked_tvd
from attnlib.kernels.permutation import orders
from attnlib.readout import Readout

_BUDGET = 1 << 22  # random weights held at a time


def uniform_weights(readout: Readout) -> Tensor:
    """The same weight on every token of the mask, [N, T] float64.

    >>> from attnlib import Readout, kernels
    >>> readout = Readout([[0.5, 0.25, 0.25]], [[[0, 2.0], [0, 1], [4, 0]]], [0.0, 0.0], [[True] * 3])
    >>> kernels.uniform_weights(readout).round(decimals=3).tolist()
    [[0.333, 0.333, 0.333]]
    """
    return readout.mask.double() / readout.lengths[:, None]


def random_weights(readout: Readout, seed: int = 0) -> Tensor:
    """Weights drawn uniformly from the simplex over the tokens of the mask, [N, T] float64.

    Rows of one length share a draw, which depends on the seed and the length alone. Raises ValueError when
    seed < 0.

    >>> from attnlib import Readout, kernels
    >>> readout = Readout([[0.5, 0.25, 0.25]], [[[0, 2.0], [0, 1], [4, 0]]], [0.0, 0.0], [[True] * 3])
    >>> kernels.random_weights(readout, seed=1).round(decimals=3).tolist()
    [[0.044, 0.047, 0.909]]
    """
    out = torch.zeros_like(readout.alpha)
    for rows, weights in _draws(readout, 1, seed):
        out[rows] = weights[:, 0]
    return out


def shuffled_weights(readout: Readout, seed: int = 0) -> Tensor:
    """The model's weights, permuted among the tokens of the mask, [N, T] float64.

    Rows of one length share a permutation, which depends on the seed and the length alone. Raises ValueError
    when seed < 0.

    >>> from attnlib import Readout, kernels
    >>> readout = Readout([[0.5, 0.25, 0.25]], [[[0, 2.0], [0, 1], [4, 0]]], [0.0, 0.0], [[True] * 3])
    >>> kernels.shuffled_weights(readout, seed=2).tolist()
    [[0.25, 0.25, 0.5]]
    """
    out = torch.zeros_like(readout.alpha)
    for rows, columns, texts in blocks(readout, _BUDGET, readout.lengths):
        order = orders(columns.shape[1], 1, seed).to(readout.device)
        put(out, rows, columns, texts.alpha[:, order])
    return out


def exchanged_logits(readout: Readout) -> Tensor:
    """Logits [N, classes], float64, of each text's question with what attention read in another text.

    The pooled vector of the text N // 2 further on, round the end, stands in: neighbours often have the text
    in common. Where these logits decide as well as the model's, the question alone decides. Raises
    ValueError for a model without a question (no offset), and for fewer than two texts.

    >>> import torch
    >>> from attnlib import Readout, kernels
    >>> alpha, scores = torch.full((2, 2), 0.5), torch.tensor([[[1.0], [3.0]], [[4.0], [6.0]]])
    >>> offset, mask = torch.tensor([[0.0], [1.0]]), torch.ones(2, 2, dtype=torch.bool)
    >>> pairs = Readout(alpha, scores, torch.zeros(1), mask, lambda u: torch.cat((u, -u), -1), offset)
    >>> kernels.exchanged_logits(pairs).tolist()
    [[5.0, -5.0], [3.0, -3.0]]
    """
    if readout.offset is None:
        raise ValueError("readout: has no offset, so nothing of its own is left when the text is another")
    if len(readout) < 2:
        raise ValueError("readout: one text, where another is needed to stand in for it")
    return readout.decode(readout.pooled().roll(-(len(readout) // 2), dims=0))


def random_scores(readout: Readout, seed: int = 0, signed: bool = False, ids: Names = None) -> Tensor:
    """A uniform draw from [0, 1) for each token, from [−1, 1) if signed, [N, T] float64, 0 off the mask.

    ids: names of the N texts, strings or whole numbers. A draw depends on the seed, the text's length and its
    id alone, not on its batch, its padding or the model; without ids texts of one length share a draw. Raises
    ValueError when seed < 0, and for ids of another number or kind.

    >>> from attnlib import Readout, kernels
    >>> readout = Readout([[0.5, 0.25, 0.25]], [[[0, 2.0], [0, 1], [4, 0]]], [0.0, 0.0], [[True] * 3])
    >>> kernels.random_scores(readout, ids=["first"]).round(decimals=3).tolist()
    [[0.266, 0.257, 0.497]]
    """
    keys = token_keys(text_keys(seed, readout.lengths, ids), readout.mask, 0)  # from −2^62 to 2^62 − 1
    unit = ((keys >> 10) + (1 << 52)).double() / float(1 << 53)
    return (2 * unit - 1 if signed else unit).masked_fill(~readout.mask, 0.0)


def random_attention_test(readout: Readout, n_draws: int = 100, seed: int = 0) -> Tensor:
    """Median over random attentions of the TVD between the output under them and the original output.

    The counterpart of `permutation_test` with weights drawn uniformly from the simplex instead of permuted:
    they keep neither the place nor the peakedness of the model's. Any head and any number of classes.

    Returns [N] float64 in [0, 1]. Raises ValueError when n_draws < 1 or seed < 0.

    >>> from attnlib import Readout, kernels
    >>> readout = Readout([[0.5, 0.25, 0.25]], [[[0, 2.0], [0, 1], [4, 0]]], [0.0, 0.0], [[True] * 3])
    >>> kernels.random_attention_test(readout).round(decimals=3).tolist()
    [0.181]
    """
    check_at_least("n_draws", n_draws, 1)
    out = readout.alpha.new_empty(len(readout))
    for rows, weights in _draws(readout, n_draws, seed):
        part = readout.select(rows)
        moved = unchecked_tvd(part.probabilities(weights), part.probabilities()[:, None])  # [n, K]
        out[rows] = moved.quantile(0.5, dim=1)
    return out


def _draws(readout: Readout, n_draws: int, seed: int) -> Iterator[tuple[Tensor, Tensor]]:
    """Some rows of one length [n], and their weights [n, K, T]."""
    width = readout.mask.shape[1]
    for same, length in similar(readout.lengths, readout.mask.numel(), equal=True):
        # Exponential variates over their sum are uniform on the simplex.
        drawn = np.random.default_rng(seed_for(seed, length)).exponential(size=(n_draws, length))
        shared = torch.from_numpy(drawn / drawn.sum(1, keepdims=True)).to(readout.device)  # [K, L]
        for rows in same.split(max(1, _BUDGET // (n_draws * width))):
            weights = readout.alpha.new_zeros(len(rows), n_draws, width)
            tokens = readout.mask[rows, None].expand_as(weights)
            weights[tokens] = shared.expand(len(rows), -1, -1).flatten()
            yield rows, weights
