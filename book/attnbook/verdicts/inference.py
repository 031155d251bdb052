"""From the runs of a claim to its verdict: a mean over data sets, an interval, a word, and how often it errs.

The effect on a data set is the mean over seeds. Its variance comes from the seeds, pooled over the data sets
of one model, so that two seeds of a set are not asked for more than they know and one seed has the variance
of the others. Over data sets it is a random-effects mean: weights with the variance between sets of
DerSimonian and Laird (1986, https://doi.org/10.1016/0197-2456(86)90046-2), the interval of Hartung and Knapp
(2001, https://doi.org/10.1002/sim.791), Student's t with one degree of freedom fewer than data sets, and
never narrower than the seeds alone would make it (Röver, Knapp and Friede 2015,
https://doi.org/10.1186/s12874-015-0091-1).
"""

import operator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from scipy.special import expit, logit, stdtrit

RELATIONS = {"<": operator.lt, "≤": operator.le, ">": operator.gt, "≥": operator.ge}
VERDICTS = ("holds", "points that way", "open", "points the other way", "differs", "not run")
# The interval that a verdict must be clear of the bound with, and the one that is enough for "points".
SURE, LIKELY = 0.95, 0.80
FEWEST_SETS = 3
# Of a claim about one data set, whose seeds are all that it can be judged by.
FEWEST_SEEDS = 5
# A share of exactly 0 or 1 has no logit: it counts as half a text of a thousand away from it.
HALF_A_TEXT = 0.0005
# What a variance must be for a weight to be finite; far below that of any number on a page.
LEAST_VARIANCE = 1e-12


@dataclass(frozen=True)
class Judgement:
    """A verdict (one of VERDICTS) and what it rests on.

    value: the mean; low and high: its interval at SURE, NaN where there is none; units: how many data sets,
    or seeds of the one data set (`named`).
    """

    verdict: str
    value: float = float("nan")
    low: float = float("nan")
    high: float = float("nan")
    units: int = 0
    named: bool = False

    @property
    def enough(self) -> bool:
        """Whether there are as many units as a verdict asks for."""
        return self.units >= (FEWEST_SEEDS if self.named else FEWEST_SETS)


def judge(
    cells: pd.DataFrame,
    relation: str,
    bound: float,
    limits: tuple[float, float] | None = None,
    named: bool = False,
) -> Judgement:
    """The verdict on whether the mean of a quantity stands in a relation (of RELATIONS) to a bound.

    cells: rows with dataset, encoder, scorer, seed and value; several rows of a run (bins, classes) are no
    independent numbers and count by their mean. limits: the range of a quantity that has one, such as a
    share; the mean over data sets and its interval are then found on the logit scale of the range and cannot
    leave it, which a bootstrap would do too, but not from three numbers. named: the claim is about one data
    set, and its seeds take the place of data sets.

    Without a row "not run"; with fewer than FEWEST_SETS sets (FEWEST_SEEDS seeds), or with numbers that do
    not differ at all, of whose spread nothing is known, "open".
    """
    if cells.empty:
        return Judgement("not run", named=named)
    found = cells.dropna(subset="value").astype({"value": float})
    if found.empty:
        return Judgement("open", named=named)
    keys = ["encoder", "scorer", "dataset", "seed"]
    runs = found.groupby(keys, dropna=False)["value"].mean().reset_index()
    if named:
        effects = stretched(runs.groupby("seed")["value"].mean().to_numpy(), limits)
        # Their spread is all there is, as in a t-test.
        variances = np.zeros(len(effects))
    else:
        values = by_set(runs)
        # A share of .01 and one of .5 vary alike on the logit scale, and there alone.
        effects, variances = stretched(of_sets(values)[0], limits), of_sets(stretched(values, limits))[1]
    if len(effects) < (FEWEST_SEEDS if named else FEWEST_SETS):
        value = float(shrunk(effects.mean(), limits))
        return Judgement("open", value, units=len(effects), named=named)
    mean, error = hartung_knapp(effects, variances)
    freedom = len(effects) - 1
    word = str(verdicts(mean, error, freedom, relation, float(stretched(bound, limits))))
    half = stdtrit(freedom, (1 + SURE) / 2) * error
    value, low, high = (float(shrunk(number, limits)) for number in (mean, mean - half, mean + half))
    return Judgement(word, value, low, high, len(effects), named)


def stretched(values: Any, limits: tuple[float, float] | None) -> Any:
    """Values of a range on its logit scale; as they are without one."""
    if limits is None:
        return values
    share = (values - limits[0]) / (limits[1] - limits[0])
    return logit(np.clip(share, HALF_A_TEXT, 1 - HALF_A_TEXT))


def shrunk(values: Any, limits: tuple[float, float] | None) -> Any:
    """`stretched` undone."""
    return values if limits is None else limits[0] + (limits[1] - limits[0]) * expit(values)


def by_set(runs: pd.DataFrame) -> np.ndarray:
    """Values of runs as an array [models, data sets, seeds], NaN where there is no run."""
    codes = [runs.groupby(keys, dropna=False).ngroup() for keys in (["encoder", "scorer"], "dataset", "seed")]
    array = np.full([code.max() + 1 for code in codes], np.nan)
    array[tuple(codes)] = runs["value"]
    return array


def of_sets(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Effect and variance of each data set, both [..., data sets], from runs [..., models, data sets, seeds].

    A model counts by its mean over seeds, a data set by the mean of its models. Each set needs a run; missing
    ones are NaN. The variance is 0 where no model of the set has two seeds on any.
    """
    there = np.isfinite(values)
    seeds = there.sum(-1)
    means = np.where(there, values, 0).sum(-1) / np.maximum(seeds, 1)
    squares = np.where(there, (values - means[..., None]) ** 2, 0).sum((-2, -1))
    pooled = squares / np.maximum(np.maximum(seeds - 1, 0).sum(-1), 1)
    models = (seeds > 0).sum(-2)
    of_means = np.where(seeds > 0, pooled[..., None] / np.maximum(seeds, 1), 0)
    return means.sum(-2) / models, of_means.sum(-2) / models**2


def hartung_knapp(effects: np.ndarray, variances: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Random-effects mean over data sets and its standard error; both arguments are [..., data sets].

    The error is NaN where the effects are all equal and have no variance.
    """
    freedom = effects.shape[-1] - 1

    def weighted(weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        mean = (weights * effects).sum(-1) / weights.sum(-1)
        return mean, (weights * (effects - mean[..., None]) ** 2).sum(-1)

    weights = 1 / np.maximum(variances, LEAST_VARIANCE)
    _, apart = weighted(weights)
    scale = weights.sum(-1) - (weights**2).sum(-1) / weights.sum(-1)
    between = np.maximum((apart - freedom) / scale, 0)
    weights = 1 / (np.maximum(variances, LEAST_VARIANCE) + between[..., None])
    mean, apart = weighted(weights)
    error = np.sqrt(np.maximum(apart / freedom, 1) / weights.sum(-1))
    nothing = (variances.max(-1) < LEAST_VARIANCE) & (np.ptp(effects, axis=-1) < np.sqrt(LEAST_VARIANCE))
    return mean, np.where(nothing, np.nan, error)


def verdicts(mean: Any, error: Any, freedom: int, relation: str, bound: float) -> np.ndarray:
    """The word for each mean and standard error, an array like them; "open" where there is no error."""
    meets = RELATIONS[relation]
    cases = []
    for level in (SURE, LIKELY):
        half = stdtrit(freedom, (1 + level) / 2) * error
        low, high = meets(mean - half, bound), meets(mean + half, bound)
        cases += [low & high, ~(low | high)]
    words = np.select(cases, ["holds", "differs", "points that way", "points the other way"], "open")
    return np.where(np.isfinite(error), words, "open")


def error_rates(
    sets: tuple[int, ...] = (3, 4, 8),
    seeds: tuple[int, ...] = (1, 2, 5),
    spreads: tuple[float, ...] = (0.0, 1.0),
    times: int = 4000,
) -> pd.DataFrame:
    """How often the rule errs, simulated `times` times with normal numbers: a row per case.

    spread: standard deviation of the effects between data sets, in standard deviations of a seed. wrong:
    share of simulations in which a claim whose effect is exactly on its bound *holds* or *differs*; wrong
    pointing: in which it *points* either way; found: in which it *holds* where the effect is two deviations
    of a seed away. Seeded: the same table every time.
    """
    rows = []
    for case, (k, n, spread) in enumerate((k, n, s) for k in sets for n in seeds for s in spreads):
        normal = np.random.default_rng(case).standard_normal
        runs = normal((times, 1, k, n)) + spread * normal((times, 1, k, 1))
        mean, error = hartung_knapp(*of_sets(runs))
        words = verdicts(mean, error, k - 1, ">", 0.0)
        far = verdicts(mean + 2, error, k - 1, ">", 0.0)
        row = {"data sets": k, "seeds": n, "spread": spread}
        row["wrong"] = np.isin(words, ["holds", "differs"]).mean()
        row["wrong pointing"] = np.char.startswith(words, "points").mean()
        rows.append(row | {"found": (far == "holds").mean()})
    return pd.DataFrame(rows)
