"""What four papers claim beside all recorded results: a function per claim, its verdict and its words.

Every claim is read as an inequality between numbers of one model (`claims.Reading`), over every paper alike:
the share of a data set's models and seeds that meet it, the mean of these shares over data sets, and a word
for that mean (`claims.decide`). A function takes the tables of `papers.recorded` and returns a `Finding`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from attnbook.verdicts import claims, ledger, summary, trained_adversaries
from attnbook.verdicts.claims import Reading
from attnbook.verdicts.papers import BILSTM, PAPERS, Tables, dataset_name, model_name
from attnlib.tables import summaries

# The bounds where a paper's word is a matter of degree.
WEAK = 0.5
BARELY = 0.1
FAR = math.log(2) / 2
MOST = 0.5
NEEDED = ledger.TOLERANCE
LIKE_CHANCE = 0.1
# The released search of Jain & Wallace lets an output move by so much; a trained adversary may as well.
EPSILON = 0.05
# How far a trained adversary may move the output, in words; None is as far as another seed of the base does.
NEAR, LIKE_A_SEED = "nearly the same output", "an output like another seed's"
BUDGETS = {NEAR: EPSILON, LIKE_A_SEED: None}
# Encoders of Serrano & Smith with context, and the same model without.
CONTEXT = {
    "HANrnn": "HANnoenc",
    "HANconv": "HANnoenc",
    "FLANrnn": "FLANnoenc",
    "FLANconv": "FLANnoenc",
}
SCORES = ("attention", "attention × gradient", "input × gradient", "integrated gradients")
SHORTFALL, RISE = "shortfall", "rise of "
CELLS = ["label", "dataset", "model", "seed", "value", "low", "high", "n", "holds"]
DETAILS = ["label", "dataset", "model", "value", "low", "high", "interval", "seeds", "texts", "clear"]


@dataclass(frozen=True)
class Finding:
    """What the recorded results say of one claim.

    paper: a key of `papers.PAPERS`; claim and measure: in words; cells: a row per number, of the columns
    CELLS; verdict: one of `ledger.VERDICTS`; readings: the inequalities, whose words are the cells' labels;
    digits: of its numbers on the page.
    """

    paper: str
    claim: str
    measure: str
    cells: pd.DataFrame
    verdict: str
    readings: tuple[Reading, ...]
    digits: int = 2


@dataclass(frozen=True)
class Part:
    """Rows of one table and how to read them; model: their name, or None for encoder and scorer of each."""

    table: pd.DataFrame
    reading: Reading
    model: str | None = None


def cells(part: Part) -> pd.DataFrame:
    """The numbers that a part is about: columns CELLS.

    low, high and n are those of the table, the interval over texts and their number; of a difference of two
    rows there is no interval.
    """
    reading = part.reading
    models = [(part.model, part.table)]
    if part.model is None:
        # Only models that have the metric: others would be read for nothing.
        rows = part.table[part.table["metric"].isin(reading.metrics)]
        models = [(model_name(*key), group) for key, group in rows.groupby(["encoder", "scorer"], sort=False)]
    found = []
    for model, table in models:
        own = claims.cells(table, reading)
        if len(own):
            rows = claims.overall(claims.select(table, metric=reading.metrics, **reading.where))
            own = own.merge(rows[[*claims.CELL, "low", "high", "n"]], on=claims.CELL, validate="1:1")
        if reading.minus:
            own = own.assign(low=float("nan"), high=float("nan"))
        found.append(own.assign(label=reading.words, model=model))
    frame = pd.concat(found, ignore_index=True) if found else pd.DataFrame()
    return frame.reindex(columns=CELLS)


def finding(paper: str, claim: str, measure: str, parts: Sequence[Part], digits: int = 2) -> Finding:
    """A claim's numbers and its verdict: "not run" without any, else that of `claims.decide`."""
    found = [part for part in map(cells, parts) if len(part)]
    table = pd.concat(found, ignore_index=True) if found else pd.DataFrame(columns=CELLS)
    verdict = claims.decide(claims.shares(table)) if len(table) else "not run"
    readings = tuple(dict.fromkeys(part.reading.words for part in parts))
    first = {part.reading.words: part.reading for part in reversed(parts)}
    return Finding(paper, claim, measure, table, verdict, tuple(first[name] for name in readings), digits)


# Jain & Wallace: the readings are those of their page of claims.


def weak_correlation(tables: Tables) -> Finding:
    """Attention correlates weakly with gradients and leave-one-out."""
    table = tables["jain_wallace"]
    readings = [
        Reading(words, (metric,), "<", WEAK, BILSTM)
        for words, metric in {"gradient": "tau_gradient", "leave-one-out": "tau_leave_one_out"}.items()
    ]
    return finding(
        "jain_wallace",
        "Attention correlates weakly with gradients and with leaving a token out",
        f"Kendall's τ with either, mean over texts, below {WEAK:g}; BiLSTM",
        [Part(table, reading) for reading in readings],
    )


def _permuted(tables: Tables, words: str, metric: str, bins: Sequence[str], least: str) -> Finding:
    where = BILSTM | {"bin": tuple(bins)}
    reading = Reading("change of output", (metric,), "≤", BARELY, where, fewest=10)
    return finding(
        "jain_wallace",
        f"Permuted attention often leaves the output: {words} of the texts",
        f"change of the output that {words} of the texts do not pass, where the largest weight is {least} or "
        f"more, at most {BARELY:g}; BiLSTM",
        [Part(tables["jain_wallace"], reading)],
    )


def permuted_quarter(tables: Tables) -> Finding:
    """Permuted attention often leaves the output, the milder reading."""
    return _permuted(tables, "a quarter", "median_tvd_q25", summaries.MAX_ATTENTION_LABELS[1:], ".25")


def permuted_half(tables: Tables) -> Finding:
    """Permuted attention often leaves the output, the stricter reading."""
    return _permuted(tables, "half", "median_tvd_q50", summaries.MAX_ATTENTION_LABELS[2:], ".5")


def adversarial(tables: Tables) -> Finding:
    """Most texts have an attention far from the model's at the same output."""
    where = BILSTM | {"method": "released search", "epsilon": EPSILON}
    reading = Reading("divergence", ("jsd_median",), "≥", FAR, where)
    return finding(
        "jain_wallace",
        "Adversarial attention exists: other weights, the same output",
        f"JSD that the search finds for the median text within ε = {EPSILON:g}, at least {FAR:.3f} nats, "
        "half of what is possible; BiLSTM",
        [Part(tables["jain_wallace"], reading)],
    )


# Serrano & Smith.


def top_item(tables: Tables) -> Finding:
    """Erasing the most attended item often does not change the decision."""
    where = {"experiment": "single", "method": "attention, average"}
    reading = Reading("texts that flip", ("flips_top",), "<", MOST, where)
    return finding(
        "serrano_smith",
        "Erasing the most attended item often does not change the decision",
        f"share of documents in which it does, below {MOST:g}; all architectures",
        [Part(tables["serrano_smith"], reading)],
    )


def ranking(tables: Tables) -> Finding:
    """Erasing by attention takes more items than by gradient or by their product."""
    readings = [
        Reading(
            f"more than {other}",
            ("fraction_all",),
            ">",
            0,
            {"experiment": "sets", "method": "attention"},
            {"method": other},
        )
        for other in ("gradient", "product")
    ]
    return finding(
        "serrano_smith",
        "By attention more items must be erased than by gradient or by attention × gradient",
        "fraction of items erased at the first flip (never = 1), attention minus the other, above 0; all "
        "architectures",
        [Part(tables["serrano_smith"], reading) for reading in readings],
    )


def contextualised(tables: Tables) -> Finding:
    """With an encoder that mixes positions attention needs more items than without one."""
    names = {"fraction_all": "more of the items", "excess": "more times the minimum"}
    where = {"experiment": "sets", "method": "attention"}
    parts = [
        Part(
            tables["serrano_smith"],
            Reading(words, (metric,), ">", 0, where | {"encoder": encoder}, {"encoder": without}),
            f"{encoder} − {without}",
        )
        for metric, words in names.items()
        for encoder, without in CONTEXT.items()
    ]
    return finding(
        "serrano_smith",
        "Contextualised encoders make attention a worse ranking",
        "erasing by attention, with an encoder minus without one, above 0: the fraction of the items, and "
        "their number over the exact minimum",
        parts,
    )


# Wiegreffe & Pinter.


def needed(tables: Tables) -> Finding:
    """Attention is often not needed: uniform weights, trained anew, do nearly as well."""
    where = {"experiment": "uniform", "method": "difference"}
    reading = Reading("gain", ("f1",), "<", NEEDED, where)
    return finding(
        "wiegreffe_pinter",
        "Attention is often not needed",
        f"F1 with learned attention minus F1 of a model trained with uniform weights, below {NEEDED:g}; "
        "BiLSTM",
        [Part(tables["wiegreffe_pinter"], reading)],
        digits=3,
    )


def beyond_seeds(tables: Tables) -> Finding:
    """Adversarial attention lies further from the model's than that of any other seed."""
    where = {"experiment": "seeds", "method": "published search"}
    reading = Reading("texts beyond", ("beyond_seeds",), ">", MOST, where)
    return finding(
        "wiegreffe_pinter",
        "Adversarial attention lies outside what another seed brings",
        f"share of texts on which the search is further from the base than every other seed, above {MOST:g}; "
        "BiLSTM",
        [Part(tables["wiegreffe_pinter"], reading)],
    )


def _guide(tables: Tables, claim: str, measure: str, method: str, side: str, other: str) -> Finding:
    where = {"experiment": "diagnostic", "method": method}
    reading = Reading("gain", ("f1",), side, 0, where, {"method": other})
    part = Part(tables["wiegreffe_pinter"], reading)
    return finding("wiegreffe_pinter", claim, measure, [part], digits=3)


def guide(tables: Tables) -> Finding:
    """The base model's attention helps a model without context."""
    return _guide(
        tables,
        "The base model's attention is useful to a model without context",
        "F1 of the MLP guided by it minus F1 with uniform weights, above 0",
        "base LSTM",
        ">",
        "uniform",
    )


def best_guide(tables: Tables) -> Finding:
    """The base model's attention helps more than what the model without context learns itself."""
    return _guide(
        tables,
        "The base model's attention serves a model without context better than attention of its own",
        "F1 of the MLP guided by it minus F1 of the MLP that learns to attend, above 0",
        "base LSTM",
        ">",
        "trained MLP",
    )


def adversarial_guide(tables: Tables) -> Finding:
    """The attention of a trained adversary helps less than none."""
    return _guide(
        tables,
        "A trained adversary's attention is of no use to a model without context",
        "F1 of the MLP guided by it minus F1 with uniform weights, below 0",
        "trained adversary",
        "<",
        "uniform",
    )


def shortfall(table: pd.DataFrame, budget: float | None = EPSILON) -> pd.DataFrame:
    """What one trained model lacks of the search's mean divergence, per data set and base seed.

    budget: of its mean change of output, None for that of another seed of the base. value: the difference of
    `trained_adversaries.search_and_furthest`. Rows of the metric SHORTFALL, as `claims.cells` reads them.
    """
    found = trained_adversaries.search_and_furthest(table, budget)
    found = found.assign(value=found["of_search"] - found["of_model"], metric=SHORTFALL)
    return _as_rows(found.drop(columns=["of_search", "of_model"]), table)


def _as_rows(found: pd.DataFrame, table: pd.DataFrame) -> pd.DataFrame:
    """Numbers of all texts with the columns of a result table, empty where they have none."""
    columns = list(dict.fromkeys([*found.columns, *table.columns]))
    return found.reindex(columns=columns).assign(**{"class": "all"})


def one_model(tables: Tables) -> Finding:
    """One trained model cannot do what the search does at nearly the same output, except on SST."""
    return _one_model(tables, NEAR, f"at most {EPSILON:g}")


def one_model_like_a_seed(tables: Tables) -> Finding:
    """The same, where the output may move as far as training again with another seed moves it."""
    return _one_model(tables, LIKE_A_SEED, "at most that of another seed")


def _one_model(tables: Tables, output: str, bound: str) -> Finding:
    table = shortfall(tables["wiegreffe_pinter"], BUDGETS[output])
    on_sst = table["dataset"].eq("sst")
    return finding(
        "wiegreffe_pinter",
        f"One trained model cannot do what the search does, except on SST: {output}",
        "JSD of the search minus that of the furthest trained adversary with a mean change of output of "
        f"{bound}: above 0 nats, on SST at most 0",
        [
            Part(table[~on_sst], Reading("other data", (SHORTFALL,), ">", 0)),
            Part(table[on_sst], Reading("SST", (SHORTFALL,), "≤", 0)),
        ],
    )


# Liu et al.


def sign(tables: Tables) -> Finding:
    """The sign of attention is as often wrong as that of random scores."""
    where = {"experiment": ("methods", "transformers"), "operator": "mean", "method": "random"}
    reading = Reading("random − attention", ("violation",), "<", LIKE_CHANCE, where, {"method": "attention"})
    return finding(
        "violation",
        "The sign of attention is little better than chance",
        f"violation ratio of random scores minus that of attention, mean of the ways to remove, below "
        f"{LIKE_CHANCE:g}; all models",
        [Part(tables["violation"], reading)],
        digits=3,
    )


def polarity(tables: Tables) -> Finding:
    """Attention × gradient has the wrong sign less often than attention."""
    where = {
        "experiment": ("methods", "transformers"),
        "operator": "mean",
        "method": "attention × gradient",
    }
    reading = Reading("× gradient − attention", ("violation",), "<", 0, where, {"method": "attention"})
    return finding(
        "violation",
        "The gradient gives attention its sign",
        "violation ratio of attention × gradient minus that of attention, mean of the ways to remove, below "
        "0; all models",
        [Part(tables["violation"], reading)],
        digits=3,
    )


def rises(table: pd.DataFrame, experiment: str) -> pd.DataFrame:
    """Violation ratio of the deepest model minus that of the shallowest, per method of SCORES and seed.

    Rows of the metric RISE + method, as `claims.cells` reads them; a seed of one depth has none.
    """
    where = {"experiment": experiment, "metric": "violation", "operator": "mean", "class": "all"}
    rows = claims.select(table, method=SCORES, **where).dropna(subset=["value", "layers"])
    keys = [*summary.MODEL, "seed", "method"]
    rows = rows.sort_values("layers", kind="stable")
    ends = rows.groupby(keys, sort=False).agg(
        first=("value", "first"), last=("value", "last"), depths=("layers", "nunique")
    )
    ends = ends[ends["depths"] > 1].reset_index()
    found = ends.assign(value=ends["last"] - ends["first"], metric=RISE + ends["method"].astype(str))
    return _as_rows(found, table).drop(columns="method")


def _depth(tables: Tables, experiment: str, claim: str, measure: str) -> Finding:
    table = rises(tables["violation"], experiment)
    readings = [Reading(method, (RISE + method,), ">", 0) for method in SCORES]
    return finding("violation", claim, measure, [Part(table, reading) for reading in readings], digits=3)


def depth(tables: Tables) -> Finding:
    """Violations rise with the number of hidden layers of a text model's head."""
    return _depth(
        tables,
        "depth",
        "Depth raises violations (layers after attention)",
        "violation ratio with the most hidden layers minus that with the fewest, above 0; four methods",
    )


def transformer_depth(tables: Tables) -> Finding:
    """The same of the layers of a transformer, which the paper did not vary."""
    return _depth(
        tables,
        "transformer_depth",
        "The same, layers of a transformer (our extension)",
        "violation ratio of the deepest model minus that of the shallowest, above 0; four methods",
    )


# In the order of the page.
CLAIMS: tuple[Callable[[Tables], Finding], ...] = (
    weak_correlation,
    permuted_quarter,
    permuted_half,
    adversarial,
    top_item,
    ranking,
    contextualised,
    needed,
    beyond_seeds,
    guide,
    best_guide,
    adversarial_guide,
    one_model,
    one_model_like_a_seed,
    sign,
    polarity,
    depth,
    transformer_depth,
)


def findings(tables: Tables) -> list[Finding]:
    """Every claim of CLAIMS."""
    return [claim(tables) for claim in CLAIMS]


def details(found: Finding) -> pd.DataFrame:
    """A row per number, data set and model: mean over seeds and an interval; columns DETAILS.

    interval: "seeds" where there are two or more (Student's t, of the mean), else "texts" where the table
    has one of a single number, else "none". clear: "holds" or "differs" where the whole interval is on one
    side of the bound, "across" where it is not, empty without interval.
    """
    bounds = {reading.words: reading for reading in found.readings}
    rows = []
    for (label, dataset, model), group in found.cells.groupby(["label", "dataset", "model"], sort=False):
        each = tuple(group.groupby("seed", sort=True)["value"].mean())
        row: dict[str, Any] = dict(label=label, dataset=dataset, model=model, value=float(np.mean(each)))
        row |= dict(
            low=float("nan"),
            high=float("nan"),
            interval="none",
            clear="",
            seeds=len(each),
            texts=group["n"].mean(),
        )
        if len(each) > 1:
            own = summary.mean_interval(pd.DataFrame({"value": [row["value"]], "each": [each]}))
            row |= dict(low=float(own["low"].iloc[0]), high=float(own["high"].iloc[0]), interval="seeds")
        elif len(group) == 1 and group[["low", "high"]].notna().all(axis=None):
            row |= dict(low=float(group["low"].iloc[0]), high=float(group["high"].iloc[0]), interval="texts")
        if row["interval"] != "none":
            ends = bounds[str(label)].holds(pd.Series([row["low"], row["high"]]))
            row["clear"] = "holds" if ends.all() else "across" if ends.any() else "differs"
        rows.append(row)
    return pd.DataFrame(rows, columns=DETAILS)


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


def every_number(found: Iterable[Finding]) -> pd.DataFrame:
    """`details` of all claims in one table, with paper, claim and verdict."""
    parts = [
        details(one).assign(paper=PAPERS[one.paper], claim=one.claim, verdict=one.verdict) for one in found
    ]
    table = pd.concat([part for part in parts if len(part)] or parts[:1], ignore_index=True)
    named = table.assign(
        dataset=table["dataset"].map(dataset_name),
        texts=table["texts"].astype(float).round().astype("Int64"),
    )
    return named[["paper", "claim", "verdict", *DETAILS]]


def by_verdict(found: Iterable[Finding]) -> str:
    """Which claims have which verdict, as a Markdown list; a verdict that none has is left out."""
    found = list(found)
    lines = []
    for verdict in ledger.VERDICTS:
        own = [f"{one.claim} ({PAPERS[one.paper]})" for one in found if one.verdict == verdict]
        if own:
            lines.append(f"- **{verdict}** ({len(own)} of {len(found)}): {'; '.join(own)}.")
    return "\n".join(lines)


def by_their_numbers(published: pd.DataFrame) -> str:
    """The same rule on Jain & Wallace's own numbers, as a sentence: verdicts and on how many data sets.

    published: as `ledger.read_published` has them; those of the released files are read, one model each.
    """
    files = published[published["source"].str.startswith("repo")]
    own = {"jain_wallace": claims.complete(files.assign(seed=0))}
    each = [claim(own) for claim in (weak_correlation, permuted_quarter, permuted_half, adversarial)]
    words = [
        f"*{one.claim}* {one.verdict}" + (f" ({claims.count(one.cells)})" if len(one.cells) else "")
        for one in each
    ]
    return f"{'; '.join(words)}."
