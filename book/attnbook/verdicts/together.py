"""What four papers claim beside all recorded results: each claim's numbers, verdict and row of the page.

Every claim is read as an inequality between numbers of one model (`claims.Reading`), over every paper alike:
the share of a data set's models and seeds that meet it, the mean of these shares over data sets, and a word
for that mean (`claims.decide`). The claims themselves are in book/reference/claims.toml.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from attnbook.verdicts import claims
from attnbook.verdicts import trained_adversaries as adversaries
from attnbook.verdicts.cells import MODEL, complete, mean_interval, over_seeds, overall, select, stack, tuples
from attnbook.verdicts.claims import Reading
from attnbook.verdicts.papers import CLAIMS, PAPERS, Tables, dataset_name, model_name, named

CELLS = ["label", "dataset", "model", "seed", "value", "low", "high", "n", "holds"]
DETAILS = ["label", "dataset", "model", "value", "low", "high", "interval", "seeds", "texts", "clear"]


@dataclass(frozen=True)
class Finding:
    """What the recorded results say of one claim.

    paper: a key of `papers.PAPERS`; claim and measure: in words; cells: a row per number, of the columns
    CELLS; verdict: one of `claims.VERDICTS`; readings: the inequalities, whose words are the cells' labels;
    digits: of its numbers on the page.
    """

    paper: str
    claim: str
    measure: str
    cells: pd.DataFrame
    verdict: str
    readings: tuple[Reading, ...]
    digits: int = 2


def finding(tables: Tables, name: str) -> Finding:
    """A claim's numbers and its verdict: "not run" without any, else that of `claims.decide`."""
    claim = CLAIMS[name]
    table = tables[claim["paper"]]
    if derived := claim.get("derived"):
        table = DERIVED[derived](table, claim.get("given"))
    # What the claim says of the inequality holds for every reading that does not say otherwise.
    shared = {key: claim[key] for key in ("relation", "bound", "fewest", "where", "minus") if key in claim}
    parts, readings = [pd.DataFrame(columns=CELLS)], []
    for given in claim["readings"]:
        own = shared | {key: value for key, value in given.items() if key != "model"}
        own |= {key: tuples({**shared.get(key, {}), **given.get(key, {})}) for key in ("where", "minus")}
        readings.append(Reading(**own | {"metrics": tuple(own["metrics"])}))
        parts.append(cells(table, readings[-1], given.get("model")))
    numbers = stack(parts)
    verdict = claims.decide(claims.shares(numbers)) if len(numbers) else "not run"
    measure, digits = claim["measure"].format(bound=readings[0].bound), claim.get("digits", 2)
    return Finding(claim["paper"], claim["claim"], measure, numbers, verdict, tuple(readings), digits)


def findings(tables: Tables) -> list[Finding]:
    """Every claim, in the order of the page."""
    return [finding(tables, name) for name in CLAIMS]


def cells(table: pd.DataFrame, reading: Reading, model: str | None = None) -> pd.DataFrame:
    """The numbers that a reading is about: columns CELLS.

    model: the name of the only one; None: each encoder and scorer is one. low, high and n are those of the
    table, the interval over texts and their number; of a difference of two rows there is no interval.
    """
    models = [(model, table)]
    if model is None:
        # Only models that have the metric: others would be read for nothing.
        rows = table[table["metric"].isin(reading.metrics)]
        models = [(model_name(*key), group) for key, group in rows.groupby(["encoder", "scorer"], sort=False)]
    found = [pd.DataFrame(columns=CELLS)]
    for name, group in models:
        own = claims.cells(group, reading)
        if len(own):
            rows = overall(select(group, metric=reading.metrics, **reading.where))
            own = own.merge(rows[[*claims.CELL, "low", "high", "n"]], on=claims.CELL, validate="1:1")
            if reading.minus:
                own = own.assign(low=float("nan"), high=float("nan"))
            found.append(own.assign(label=reading.words, model=name)[CELLS])
    return stack(found)


def shortfall(table: pd.DataFrame, budget: float | None) -> pd.DataFrame:
    """What one trained model lacks of the search's mean divergence, per data set and base seed.

    budget: as `trained_adversaries.search_and_furthest` takes it, whose difference is the value. Rows of the
    metric "shortfall", as `claims.cells` reads them; a column `on_sst` sets SST apart.
    """
    found = adversaries.search_and_furthest(table, budget)
    value = found["of_search"] - found["of_model"]
    return _as_rows(found.assign(value=value, metric="shortfall", on_sst=found["dataset"].eq("sst")))


def rises(table: pd.DataFrame, experiment: str) -> pd.DataFrame:
    """Violation ratio of the deepest model minus that of the shallowest, per method and seed.

    Rows of the metric "rise", as `claims.cells` reads them; a seed of one depth has none.
    """
    where = {"experiment": experiment, "metric": "violation", "operator": "mean", "class": "all"}
    rows = select(table, **where).dropna(subset=["value", "layers"]).sort_values("layers", kind="stable")
    seeds = rows.groupby([*MODEL, "seed", "method"], sort=False)
    rise = (seeds["value"].last() - seeds["value"].first())[seeds["layers"].last() > seeds["layers"].first()]
    return _as_rows(rise.reset_index().assign(metric="rise"))


def _as_rows(found: pd.DataFrame) -> pd.DataFrame:
    """Numbers of all texts with the columns of a result table, empty where they have none."""
    return complete(found.assign(**{"class": "all"}))


# Tables that a claim's numbers are worked out from first.
DERIVED: dict[str, Callable[[pd.DataFrame, Any], pd.DataFrame]] = {"shortfall": shortfall, "rises": rises}


def details(found: Finding) -> pd.DataFrame:
    """A row per number, data set and model: mean over seeds and an interval; columns DETAILS.

    interval: "seeds" where there are two or more (Student's t, of the mean), else "texts" where the table
    has one of a single number, else "none". clear: "holds" or "differs" where the whole interval is on one
    side of the bound, "across" where it is not, empty without interval.
    """
    keys = ["label", "dataset", "model"]
    table = mean_interval(over_seeds(found.cells, keys, mixed=True)).rename(columns={"n_seeds": "seeds"})
    alone = found.cells.drop_duplicates(keys, keep=False)[[*keys, "low", "high"]].dropna()
    table = table.merge(alone, on=keys, how="left", suffixes=("", "_of_texts"))
    texts = found.cells.groupby(keys, sort=False)["n"].mean().rename("texts").reset_index()
    table = texts.merge(table, on=keys)
    kinds = [table["seeds"] > 1, table["low_of_texts"].notna()]
    table = table.assign(interval=np.select(kinds, ["seeds", "texts"], "none"), clear="")
    for end in ("low", "high"):
        table[end] = table[end].fillna(table[f"{end}_of_texts"])
    for reading in found.readings:
        own = (table["label"] == reading.words) & (table["interval"] != "none")
        low, high = (reading.holds(table.loc[own, end]) for end in ("low", "high"))
        table.loc[own, "clear"] = np.select([low & high, low | high], ["holds", "across"], "differs")
    return table[DETAILS]


def in_words(found: Finding) -> str:
    """The numbers of a claim: the mean over data sets, and the least and the greatest of them by name.

    With one model in all its interval instead, if it has one; "not run" without a number.
    """
    digits, rows = found.digits, details(found)
    words = []
    for label, group in rows.groupby("label", sort=False):
        means = group.groupby("dataset", sort=False)["value"].mean().sort_values(kind="stable")
        if len(means) > 1:
            ends = [f"{claims.number(means.iloc[i], digits)} {dataset_name(means.index[i])}" for i in (0, -1)]
        elif len(group) > 1:
            ends = [claims.number(value, digits) for value in (group["value"].min(), group["value"].max())]
        elif group["interval"].iloc[0] != "none":
            ends = [claims.number(group[end].iloc[0], digits) for end in ("low", "high")]
        else:
            ends = []
        span = f" ({' to '.join(ends)})" if ends else ""
        words.append(f"{label} {claims.number(means.mean(), digits)}{span}")
    return "; ".join(words) or "not run"


def row(found: Finding) -> dict[str, Any]:
    """A claim as a row of the page's table.

    clear of the bound: of the models with an interval, on how many it lies on the claim's side as a whole.
    """
    rows = details(found)
    have = rows[rows["interval"] != "none"]
    names = [dataset_name(name) for name in dict.fromkeys(found.cells["dataset"])]
    verdict = found.verdict
    if verdict != "not run":
        verdict = f"{verdict}: {claims.count(found.cells)}"
    return {
        "claim": found.claim,
        "paper": PAPERS[found.paper],
        "what we measure": found.measure,
        "data sets": ", ".join(sorted(names)) or "none",
        "seeds": claims.least_to_most(rows["seeds"]),
        "ours": in_words(found),
        "does it hold?": verdict,
        "clear of the bound": f"{(have['clear'] == 'holds').sum()} of {len(have)}" if len(have) else "",
    }


def overview(found: Iterable[Finding]) -> pd.DataFrame:
    """The page's table: `row` of every claim."""
    return pd.DataFrame([row(one) for one in found])


def every_number(found: Sequence[Finding]) -> pd.DataFrame:
    """`details` of all claims in one table, with paper, claim and verdict."""
    about = [{"paper": PAPERS[one.paper], "claim": one.claim, "verdict": one.verdict} for one in found]
    table = named(stack([details(one).assign(**row) for one, row in zip(found, about, strict=True)]))
    table["texts"] = table["texts"].astype(float).round().astype("Int64")
    return table[["paper", "claim", "verdict", *DETAILS]]


def by_verdict(found: Iterable[Finding]) -> str:
    """Which claims have which verdict, as a Markdown list; a verdict that none has is left out."""
    found = list(found)
    lines = []
    for verdict in claims.VERDICTS:
        own = [f"{one.claim} ({PAPERS[one.paper]})" for one in found if one.verdict == verdict]
        if own:
            lines.append(f"- **{verdict}** ({len(own)} of {len(found)}): {'; '.join(own)}.")
    return "\n".join(lines)


def by_their_numbers(published: pd.DataFrame) -> str:
    """The same rule on Jain & Wallace's own numbers, as a sentence: verdicts and on how many data sets.

    published: as `cells.read_published` has them; those of the released files are read, one model each.
    """
    files = published[published["source"].str.startswith("repo")]
    own = {"jain_wallace": complete(files.assign(seed=0))}
    each = [finding(own, name) for name, claim in CLAIMS.items() if claim["paper"] == "jain_wallace"]
    words = [
        f"*{one.claim}* {one.verdict}" + (f" ({claims.count(one.cells)})" if len(one.cells) else "")
        for one in each
    ]
    return f"{'; '.join(words)}."
