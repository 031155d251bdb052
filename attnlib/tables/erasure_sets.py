"""How many tokens each ranking must erase until the decision changes, over the texts of a run.

The paper averages each ranking over its own texts, those that it flips at all. That favours a ranking that
gives up on a text over one that flips it late, so the same is computed on common texts and with "never"
counted as everything; and rankings are compared text by text, with each other and with the exact minimum.
(Serrano & Smith 2019, section 5.)
"""

from collections.abc import Iterable, Mapping, Sequence
from itertools import permutations

import numpy as np
import pandas as pd
from torch import Tensor

from attnlib.checks import first_row, one_of
from attnlib.kernels.erasure import Flip, MinimalFlip
from attnlib.readout import Readout
from attnlib.statistics import mean_with_interval
from attnlib.tables.replay import check_first_flip

# Which texts count, all with two tokens or more. "own": those that the ranking flips, as the paper has it;
# "common": those that every ranking flips; "all": all of them, 1.0 where the ranking never flips.
SUPPORTS = ("own", "common", "all")

# What a box plot shows, by name.
QUANTILES = {"p05": 0.05, "p25": 0.25, "median": 0.5, "p75": 0.75, "p95": 0.95}


def frame(
    flips: Mapping[str, Flip | MinimalFlip | Sequence[Flip]], minimum: MinimalFlip | None = None
) -> pd.DataFrame:
    """One row for each ranking, text and order of the ranking, from the results of `erase_until_flip`.

    `flips`: by the ranking's name; a list of results where a ranking has several orders (random ones).
    `minimum`: the result of `minimal_flip_set`. Columns: method, text (row of the Readout), order (0, 1, …),
    items (tokens of the text), count, fraction, mass, flipped, emptied, single (the text has one token).
    Where the flip needs the empty document, or there is none, all items count: count = items, fraction =
    mass = 1. With `minimum` also minimum (its count, NaN where no set flips) and excess (count over minimum).

    ValueError where the results have different numbers of texts or tokens, or `flips` is empty.
    """
    if not flips:
        raise ValueError("flips: no ranking; give the results of erase_until_flip by the rankings' names")
    parts = []
    for method, found in flips.items():
        several = [found] if isinstance(found, Flip | MinimalFlip) else list(found)
        if not several:
            raise ValueError(f"flips: the ranking {method!r} has no order")
        parts += [_rows(method, order, flip) for order, flip in enumerate(several)]
    items = parts[0]["items"].to_numpy()
    for part in parts[1:]:
        _check_items(f"the ranking {part['method'].iloc[0]!r}", items, part["items"].to_numpy())
    if minimum is not None:
        least = _rows("minimum", 0, minimum)
        _check_items("the minimum", items, least["items"].to_numpy())
        count = least["count"].where(least["flipped"]).to_numpy(dtype=float)
        parts = [part.assign(minimum=count, excess=part["count"] / count) for part in parts]
    return pd.concat(parts, ignore_index=True)


def _rows(method: str, order: int, flip: Flip | MinimalFlip) -> pd.DataFrame:
    count, fraction, mass, flipped, emptied = (x.cpu().numpy() for x in flip[:5])
    items = np.rint(count / fraction).astype(np.int64)
    real = flipped & ~emptied
    columns = {"method": method, "text": np.arange(len(count)), "order": order, "items": items}
    columns |= {"count": np.where(real, count, items), "fraction": np.where(real, fraction, 1.0)}
    columns |= {"mass": np.where(real, mass, 1.0)}
    return pd.DataFrame({**columns, "flipped": flipped, "emptied": emptied, "single": items == 1})


def _check_items(name: str, items: np.ndarray, others: np.ndarray) -> None:
    if len(items) != len(others):
        raise ValueError(f"flips: {name} has {len(others)} texts, the first ranking {len(items)}")
    if (row := first_row(items != others)) is not None:
        differs = f"{name} has {others[row]} tokens in text {row}, the first ranking {items[row]}"
        raise ValueError(f"flips: {differs}: they come from different Readouts")


def supported(rows: pd.DataFrame, support: str) -> pd.DataFrame:
    """The rows of `frame` that count under one of SUPPORTS. ValueError for another name."""
    one_of("support", support, SUPPORTS)
    kept = rows[~rows["single"]]
    if support == "common":
        return kept[kept.groupby("text")["flipped"].transform("all")]
    return kept[kept["flipped"]] if support == "own" else kept


def removed(rows: pd.DataFrame, values: Sequence[str] = ("fraction", "mass")) -> pd.DataFrame:
    """How much each ranking erases: mean, interval and quantiles of `values` under each support.

    Metrics "<value>_<support>", a mean over texts of the mean over a ranking's orders with its bootstrap
    interval, and "<value>_<support>_p05", "_p25", "_median", "_p75", "_p95" over all texts and orders. Where
    some ranking has several orders, also the lowest and the highest of their means, "…_lowest_order" and
    "…_highest_order". Columns metric, class ("all"), method, value, low, high, n (texts).
    """
    found = []
    for support in SUPPORTS:
        for method, group in _methods(rows, supported(rows, support)):
            for value in values:
                found += _statistics(f"{value}_{support}", method, group, value)
    return _table(found)


def _methods(rows: pd.DataFrame, kept: pd.DataFrame) -> Iterable[tuple[str, pd.DataFrame]]:
    """Each ranking in its order in `rows`, and what is kept of it, perhaps nothing."""
    return [(method, kept[kept["method"] == method]) for method in rows["method"].unique()]


def _statistics(metric: str, method: str, group: pd.DataFrame, value: str) -> list[tuple]:
    texts = group.groupby("text")[value].mean()
    found = [_mean(metric, method, texts)]
    every = group[value].to_numpy(dtype=float)
    for name, share in QUANTILES.items():
        quantile = float(np.quantile(every, share)) if len(every) else np.nan
        found.append((f"{metric}_{name}", method, quantile, np.nan, np.nan, len(texts)))
    orders = group.groupby("order")[value].mean()
    if len(orders) > 1:
        for name, extreme in (("lowest_order", orders.min()), ("highest_order", orders.max())):
            found.append((f"{metric}_{name}", method, float(extreme), np.nan, np.nan, len(texts)))
    return found


def _mean(metric: str, method: str, values: pd.Series) -> tuple:
    return metric, method, *mean_with_interval(values.to_numpy(dtype=float))


def _table(found: list[tuple], *more: str) -> pd.DataFrame:
    table = pd.DataFrame(found, columns=["metric", "method", "value", "low", "high", "n", *more])
    table.insert(1, "class", "all")
    return table


def boxes(table: pd.DataFrame, metric: str, by: Sequence[str] = ("method",)) -> pd.DataFrame:
    """The quantiles of a metric side by side, as a box plot needs them: columns `by`, QUANTILES and mean.

    table: rows of `removed` or `excess`, or recorded ones; several seeds are averaged.
    """
    names = {f"{metric}_{name}": name for name in QUANTILES} | {metric: "mean"}
    kept = table[table["metric"].isin(list(names))]
    kept = kept.assign(quantile=kept["metric"].map(names))
    wide = kept.pivot_table("value", [*by], "quantile", aggfunc="mean", sort=False, observed=True)
    return wide.reindex(columns=[*QUANTILES, "mean"]).rename_axis(columns=None).reset_index()


def outcomes(rows: pd.DataFrame) -> pd.DataFrame:
    """How often a ranking never flips the decision, and how many of its flips need the empty document.

    Metrics never_flips, of the texts with two tokens or more, and needs_empty_document, of those that the
    ranking flips (a property of the bias more than of the ranking). Columns as those of `removed`.
    """
    found = []
    for method, group in _methods(rows, supported(rows, "all")):
        found.append(_mean("never_flips", method, (~group["flipped"]).groupby(group["text"]).mean()))
        emptied = group[group["flipped"]].groupby("text")["emptied"].mean()
        found.append(_mean("needs_empty_document", method, emptied))
    return _table(found)


def head_to_head(rows: pd.DataFrame) -> pd.DataFrame:
    """How often one ranking needs fewer items than another, text by text.

    Metrics wins and ties (the latter without interval): shares of the texts with two tokens or more that at
    least one of the two flips; never flipping is worse than any number. A ranking with several orders meets
    the other in each of them, and a text counts once. Columns as those of `removed`, and against: the other
    ranking; every pair stands in both directions.
    """
    kept = supported(rows, "all")
    rank = kept["count"].where(kept["flipped"], np.inf)
    tables = {method: group.assign(rank=rank)[["text", "rank"]] for method, group in _methods(rows, kept)}
    found = []
    for method, against in permutations(tables, 2):
        pairs = tables[method].merge(tables[against], on="text", suffixes=("", "_other"))
        pairs = pairs.loc[np.isfinite(pairs["rank"]) | np.isfinite(pairs["rank_other"])]
        won = (pairs["rank"] < pairs["rank_other"]).groupby(pairs["text"]).mean()
        tied = (pairs["rank"] == pairs["rank_other"]).groupby(pairs["text"]).mean()
        found.append((*_mean("wins", method, won), against))
        ties = float(tied.to_numpy(dtype=float).mean()) if len(tied) else np.nan
        found.append(("ties", method, ties, np.nan, np.nan, len(tied), against))
    return _table(found, "against")


def excess(rows: pd.DataFrame) -> pd.DataFrame:
    """How far each ranking is from the optimum: its count over the smallest count that flips.

    On the texts in which some set flips and leaves some attention (`frame` with `minimum`). Where the ranking
    itself flips only by the empty document or never, it has erased everything. Metrics excess, with the
    quantiles and columns of `removed`, and optimal: the share of texts in which it reaches the minimum.
    """
    if "excess" not in rows:
        raise ValueError("rows: no column 'excess'; make the frame with the result of minimal_flip_set")
    found = []
    for method, group in _methods(rows, rows[rows["minimum"].notna()]):
        found += _statistics("excess", method, group, "excess")
        reached = group.assign(reached=group["excess"] == 1).groupby("text")["reached"].mean()
        found.append(_mean("optimal", method, reached))
    return _table(found)


def effect_of_encoder(rows: pd.DataFrame, others: Sequence[str] = ("product", "minimum")) -> pd.DataFrame:
    """What an encoder adds to the fraction of items that attention must erase, and how much of it is its own.

    An encoder may make a decision hard to flip in any order. So beside the *raw* difference, attention with
    the encoder minus attention without, stands the difference in differences: the raw one minus the same
    difference of another ranking, text by text.

    rows: columns encoder (HANrnn, FLANnoenc, …), text (the same texts for all), method and fraction, one row
    for each. Returns metrics encoder_effect, of method attention, and encoder_effect_beyond, a row for each
    of `others` in its column against; a row per architecture with an encoder whose kind (HAN, FLAN) is there
    without, none for the others. Columns as those of `removed`, and encoder and against; the interval is
    over texts.
    """
    wide = rows.pivot_table("fraction", "text", ["encoder", "method"])
    found = []
    for encoder in rows["encoder"].unique():
        without = encoder.replace("rnn", "noenc").replace("conv", "noenc")
        if encoder == without or without not in wide:
            continue
        added = wide[encoder] - wide[without]  # a column per ranking
        raw = added["attention"]
        found.append((*_mean("encoder_effect", "attention", raw), encoder, None))
        for other in others:
            beyond = _mean("encoder_effect_beyond", "attention", raw - added[other])
            found.append((*beyond, encoder, other))
    return _table(found, "encoder", "against")


def summary(rows: pd.DataFrame) -> pd.DataFrame:
    """`removed`, `outcomes`, `head_to_head` and, with a minimum, `excess` in one table."""
    tables = [removed(rows), outcomes(rows), head_to_head(rows)]
    if "excess" in rows:
        tables.append(excess(rows))
    return pd.concat(tables, ignore_index=True)


def checks(
    readout: Readout, orders: Mapping[str, Tensor], flips: Mapping[str, Flip], minimum: MinimalFlip
) -> pd.DataFrame:
    """What must hold in every run, counted over its texts: both numbers should be 0 but for near-ties.

    For each ranking: the texts whose first flip is not where step-by-step erasure has it, in float64 and in
    float32 as in the authors' code, and how many of them are near-ties or have lost their attention to an ε
    (see `replay.check_first_flip`); and below_minimum, the texts that a ranking flips with fewer items than
    the exact minimum, or though none exists, the empty document aside. Columns as those of
    `removed`.

    `orders`, `flips`: one for each ranking, by its name. ValueError when the names differ.
    """
    if orders.keys() != flips.keys():
        raise ValueError(f"flips: expected the rankings {list(orders)} of the orders, got {list(flips)}")
    found = []
    for method, order in orders.items():
        flip = flips[method]
        counts = check_first_flip(readout, order, flip)
        values = {f"differs_{name}": getattr(counts, name) for name in counts._fields[1:]}
        least = minimum.count.where(minimum.flipped, minimum.count + 1)  # none exists: below it is anything
        values["below_minimum"] = int((flip.flipped & ~flip.emptied & (flip.count < least)).sum())
        found += [(metric, method, value, np.nan, np.nan, counts.texts) for metric, value in values.items()]
    return _table(found)
