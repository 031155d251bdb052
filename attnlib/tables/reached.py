"""What attention could do to each text: to its class, and to its probability.

The two are not the same. A text whose class no attention changes (*inert*) may have a probability that falls
from .99 to .51 under another attention. So a small change of the probability is judged beside the largest one
and not by whether the class can change.
"""

from collections.abc import Sequence
from dataclasses import replace

import pandas as pd
import torch
from torch import Tensor

from attnlib.kernels import class_range, permutation_range, reach
from attnlib.readout import Readout
from attnlib.statistics import means

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


def by_class(readout: Readout, names: Sequence[str]) -> pd.DataFrame:
    """How probable attention can make each class: means over all texts, one row per class and metric.

    names: of the C classes. Metrics: class_probability, the model's own; class_lowest, class_reached and
    class_ceiling as `kernels.class_range` has them: the highest probability is between the last two. Returns
    metric, class, value, low, high, n. ValueError for a head and where a class is not allowed.

    >>> from attnlib import Readout
    >>> readout = Readout([[0.5, 0.5]], [[[0, 2.0, 1], [1, 0, 2]]], [0.0, 0.0, 0.0], [[True] * 2])
    >>> by_class(readout, ["a", "b", "c"]).set_index("class")["value"].round(2)["b"].tolist()
    [0.31, 0.09, 0.67, 0.67]
    """
    found = {"class_probability": readout.probabilities()}
    found |= {f"class_{name}": values for name, values in class_range(readout)._asdict().items()}
    rows = (
        (metric, name, values[:, c].cpu().numpy())
        for c, name in enumerate(names)
        for metric, values in found.items()
    )
    return means(rows, "metric", "class")


def without_predicted(readout: Readout) -> Readout:
    """The same texts with each one's predicted class taken out, of C > 2: its second class is on top.

    The classes that are left keep their order, and the bias, which now differs between texts, is in the
    scores. Whatever is asked of it is about the second class: `kernels.minimal_flip_set` finds the fewest
    tokens whose erasure brings it below another one that is not the first. Some attention must remain.
    ValueError for a head, where a class is not allowed, and for two classes.

    >>> from attnlib import Readout, kernels
    >>> scores = [[[9.0, 2, 1], [9, 0, 1.5], [9, 3, 1]]]
    >>> second = without_predicted(Readout([[0.25, 0.25, 0.5]], scores, [0.0, 0.0, 0.0], [[True] * 3]))
    >>> second.logits().tolist(), kernels.minimal_flip_set(second).count.item()
    ([[2.0, 1.125]], 1)
    """
    classes = len(readout.bias)
    if not readout.linear or classes < 3:
        raise ValueError(f"readout: needs a linear head, all classes allowed, three or more; {readout}")
    left = (torch.arange(classes - 1, device=readout.device) >= readout.predictions()[:, None]).long()
    left += torch.arange(classes - 1, device=readout.device)  # [N, C − 1]
    scores = readout.scores.double() + readout.bias.double()
    kept = scores.gather(2, left[:, None].expand(-1, scores.shape[1], -1))
    return replace(readout, scores=kept, bias=kept.new_zeros(classes - 1))
