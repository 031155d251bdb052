"""What attention could do to each text: to its class, and to its probability.

The two are not the same. A text whose class no attention changes (*inert*) may have a probability that falls
from .99 to .51 under another attention. So a small change of the probability is judged beside the largest one
and not by whether the class can change.
"""

import torch
from torch import Tensor

from attnlib.kernels import permutation_range, reach
from attnlib.readout import Readout

METRICS = ("can_flip", "largest_permuted_tvd", "largest_tvd", "inert_moved_0_1", "tvd_share")
MOVED = 0.1


def columns(readout: Readout, permuted: Tensor | None = None) -> dict[str, Tensor]:
    """Metrics per text [N], float64, by name; those of METRICS that the model does not define are left out.

    - `can_flip`: 1 where some attention changes the predicted class, else 0; needs a linear head.
    - `largest_tvd`, `largest_permuted_tvd`: the largest change of the output (TVD) that any attention makes,
      and that any permutation of the model's weights makes. These and the next need two classes as well.
    - `inert_moved_0_1`: of a text whose class no attention changes, 1 where some attention moves the
      probability by more than .1, else 0. NaN for the other texts, so that its mean is a share of inert ones.
    - `tvd_share`: a change of the output under permutation, `permuted` [N], as a share of `largest_tvd`. NaN
      where no attention moves the output; left out without `permuted`.

    >>> from attnlib import Readout
    >>> from attnlib.tables import reached
    >>> readout = Readout([[0.5, 0.25, 0.25]], [[[0, 9.0], [0, 0.1], [0, 1]]], [0.0, 0.0], [[True] * 3])
    >>> {name: round(float(value), 3) for name, value in reached.columns(readout).items()}
    {'can_flip': 0.0, 'largest_permuted_tvd': 0.064, 'largest_tvd': 0.467, 'inert_moved_0_1': 1.0}
    """
    if not readout.linear:
        return {}
    found = reach(readout)
    columns = {"can_flip": found.can_flip.double()}
    if len(readout.bias) == 2:
        predicted = readout.probabilities().amax(dim=1, keepdim=True)
        columns["largest_permuted_tvd"] = (permutation_range(readout) - predicted).abs().amax(dim=1)
        columns["largest_tvd"] = found.largest_tvd
        moved = (found.largest_tvd > MOVED).double()
        columns["inert_moved_0_1"] = moved.where(~found.can_flip, torch.nan)
        if permuted is not None:
            columns["tvd_share"] = found.share(permuted)
    return columns
