"""What four papers claim beside all recorded results: each claim's numbers, verdict and row of the page.

The claims themselves are in book/reference/claims.toml, and are all judged by one rule (`inference`).
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from attnbook.verdicts import claims, inference
from attnbook.verdicts import trained_adversaries as adversaries
from attnbook.verdicts.cells import MODEL, complete, over_seeds, select, stack
from attnbook.verdicts.claims import CLAIMS, Claim
from attnbook.verdicts.papers import PAPERS, Tables, dataset_name, model_name, named

# Serrano & Smith's architectures with an encoder, by the same without one.
WITHOUT = {"HANrnn": "HANnoenc", "HANconv": "HANnoenc", "FLANrnn": "FLANnoenc", "FLANconv": "FLANnoenc"}
DETAILS = ["dataset", "model", "value", "low", "high", "seeds", "texts"]


@dataclass(frozen=True)
class Finding:
    """What the recorded results say of one claim: its numbers (of `claims.cells`) and the verdict."""

    claim: Claim
    cells: pd.DataFrame
    judged: inference.Judgement


def finding(tables: Tables, claim: Claim) -> Finding:
    """A claim's numbers in the results of its paper, and its verdict."""
    table = tables[claim.paper]
    if claim.derived:
        table = DERIVED[claim.derived](table, claim.given)
    found = claims.cells(table, claim)
    return Finding(claim, found, claims.judge(found, claim))


def findings(tables: Tables, chosen: Mapping[str, Claim] = CLAIMS) -> list[Finding]:
    """Each of the claims whose papers tables are given of, in their order."""
    return [finding(tables, claim) for claim in chosen.values() if claim.paper in tables]


def shortfall(table: pd.DataFrame, budget: float | None) -> pd.DataFrame:
    """What one trained model lacks of the search's mean divergence, per data set and base seed.

    budget: as `trained_adversaries.search_and_furthest` takes it, whose difference is the value (NaN where it
    has no answer). Rows of the metric "shortfall", as `claims.cells` reads them; a column `on_sst` sets SST
    apart.
    """
    found = adversaries.search_and_furthest(table, budget)
    value = found["of_search"] - found["of_model"]
    return _as_rows(found.assign(value=value, metric="shortfall", on_sst=found["dataset"].eq("sst")))


def rises(table: pd.DataFrame, experiment: str) -> pd.DataFrame:
    """Violation ratio of the deepest model minus that of the shallowest, per method and seed.

    Rows whose metric is the method, as `claims.cells` reads them; a seed of one depth has none.
    """
    where = {"experiment": experiment, "metric": "violation", "operator": "mean", "class": "all"}
    rows = select(table, **where).dropna(subset=["value", "layers"]).sort_values("layers", kind="stable")
    seeds = rows.groupby([*MODEL, "seed", "method"], sort=False)
    rise = (seeds["value"].last() - seeds["value"].first())[seeds["layers"].last() > seeds["layers"].first()]
    return _as_rows(rise.reset_index().rename(columns={"method": "metric"}))


def with_context(table: pd.DataFrame, minus: str | None) -> pd.DataFrame:
    """What an encoder adds to what erasing by attention takes: the model with it minus the same without one.

    minus: a ranking whose numbers are subtracted from attention's first, so that what makes *every* ranking
    longer (a difference in differences) is left out; None: attention's alone. Per metric, architecture with
    an encoder and seed, as `claims.cells` reads them.
    """
    rows = select(table, experiment="sets", **{"class": "all"})
    # Rankings against each other have a row per pair.
    rows = rows[rows["against"].isna()].astype({"value": float})

    def by_encoder(method: str) -> pd.DataFrame:
        own = select(rows, method=method)
        wide = own.pivot_table("value", ["dataset", "scorer", "seed", "metric"], "encoder")
        return wide.reindex(columns=sorted({*WITHOUT, *WITHOUT.values()}))

    wide = by_encoder("attention") - (by_encoder(minus) if minus else 0.0)
    added = pd.concat({name: wide[name] - wide[plain] for name, plain in WITHOUT.items()}, names=["encoder"])
    return _as_rows(added.dropna().rename("value").reset_index())


def _as_rows(found: pd.DataFrame) -> pd.DataFrame:
    """Numbers of all texts with the columns of a result table, empty where they have none."""
    return complete(found.assign(**{"class": "all"}))


# Tables that a claim's numbers are worked out from first.
DERIVED: dict[str, Callable[[pd.DataFrame, Any], pd.DataFrame]] = {
    "shortfall": shortfall,
    "rises": rises,
    "with_context": with_context,
}


def margins(found: Sequence[Finding]) -> tuple[pd.DataFrame, pd.DataFrame]:
    """How far each claim that has numbers is met: its mean minus the bound, positive on the claim's side.

    The first frame has a row per claim: paper, claim, verdict (in the order of `inference.VERDICTS`), value,
    low and high, the 95 % interval. The second has a row per claim and data set: claim, dataset, value.
    """
    rows, sets = [], [pd.DataFrame(columns=["dataset", "value", "claim"])]
    for one in (one for one in found if one.judged.units):
        sign = 1 if one.claim.relation in (">", "≥") else -1
        ends = sorted(sign * (end - one.claim.bound) for end in (one.judged.low, one.judged.high))
        row = {"paper": PAPERS[one.claim.paper], "claim": one.claim.claim, "verdict": one.judged.verdict}
        rows.append(
            row | {"value": sign * (one.judged.value - one.claim.bound), "low": ends[0], "high": ends[1]}
        )
        means = details(one).dropna(subset="value").groupby("dataset")["value"].mean()
        own = (sign * (means - one.claim.bound)).rename(index=dataset_name).reset_index()
        sets.append(own.assign(claim=one.claim.claim))
    judged = pd.DataFrame(rows, columns=["paper", "claim", "verdict", "value", "low", "high"])
    words = [name for name in inference.VERDICTS if name in set(judged["verdict"])]
    return judged.assign(verdict=pd.Categorical(judged["verdict"], words)), stack(sets)


def overview(found: Iterable[Finding]) -> pd.DataFrame:
    """The table of a page of claims: a row per claim, `claims.row` of it behind its words."""
    return pd.DataFrame(
        [
            {
                "claim": one.claim.claim,
                "paper": f"{PAPERS[one.claim.paper]}, {one.claim.section}",
                "what we measure": one.claim.measure.format(bound=one.claim.bound),
                "written": f"{one.claim.written} ({one.claim.commit})",
                **claims.row(one.cells, one.claim),
            }
            for one in found
        ]
    )


def in_short(tables: Tables, chosen: Iterable[str | Claim]) -> pd.DataFrame:
    """Claims (keys of CLAIMS, or own ones) as a chapter shows them: in words, verdict, mean and interval."""
    own = {str(i): CLAIMS[one] if isinstance(one, str) else one for i, one in enumerate(chosen)}
    return overview(findings(tables, own))[["claim", "verdict", "mean", "95 % interval"]]


def details(found: Finding) -> pd.DataFrame:
    """A row per data set and model: mean over seeds, least and greatest seed, texts; columns DETAILS."""
    keys = ["dataset", "encoder", "scorer"]
    table = over_seeds(found.cells, keys, mixed=True).rename(columns={"n_seeds": "seeds", "n": "texts"})
    pairs = zip(table["encoder"], table["scorer"], strict=True)
    return table.assign(model=[model_name(*pair) for pair in pairs])[DETAILS]


def every_number(found: Sequence[Finding]) -> pd.DataFrame:
    """`details` of all claims in one table, with paper, claim and verdict."""
    parts = [
        details(one).assign(paper=PAPERS[one.claim.paper], claim=one.claim.claim, verdict=one.judged.verdict)
        for one in found
    ]
    table = named(stack(parts))
    table["texts"] = table["texts"].astype(float).round().astype("Int64")
    return table[["paper", "claim", "verdict", *DETAILS]]
