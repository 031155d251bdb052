"""What the libraries that users have offer for the same task: timed beside ours."""

from __future__ import annotations

import time
from collections.abc import Sequence

import numpy as np
from scipy.stats import kendalltau
from torch import Tensor

from attnlib.models import AttentionModel
from attnlib.models.batches import Batch


def kendall_tau_by_length(x: np.ndarray, y: np.ndarray, lengths: np.ndarray) -> None:
    """SciPy's τ and p with its own loop: one call for all rows of a length."""
    for length in np.unique(lengths):
        rows = lengths == length
        kendalltau(x[rows, :length], y[rows, :length], axis=1)


def ablation_seconds(model: AttentionModel, parts: Sequence[Batch]) -> float | None:
    """Seconds of captum's FeatureAblation over these batches, None where captum is not installed.

    A token is replaced by the padding word and not taken out, so it is another measure at the same number of
    passes of the same model: its time is compared, not its result.
    """
    try:
        from captum.attr import FeatureAblation
    except ImportError:
        return None
    total = 0.0
    for batch in parts:

        def predicted(ids: Tensor, batch: Batch = batch) -> Tensor:
            return model(Batch(ids, batch.lengths, batch.labels)).logits.softmax(1).amax(1)

        start = time.perf_counter()
        FeatureAblation(predicted).attribute(batch.ids, baselines=0)
        total += time.perf_counter() - start
    return total
