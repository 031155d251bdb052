"""What four papers claim beside all recorded results: a function per claim, and what their questions share.

Every claim is read as an inequality between numbers of one model (`claims.Reading`), over every paper alike:
the share of a data set's models and seeds that meet it, the mean of these shares over data sets, and a word
for that mean (`claims.decide`). A function takes the tables of `recorded` and returns a `Finding`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from attnlib import claims, ledger, ledgers, results, summary
from attnlib.claims import Reading

Tables = Mapping[str, pd.DataFrame]

# The bounds where a paper's word is a matter of degree.
WEAK = 0.5
BARELY = 0.1
FAR = math.log(2) / 2
MOST = 0.5
NEEDED = ledger.TOLERANCE
LIKE_CHANCE = 0.1
# The released search of Jain & Wallace lets an output move by so much; a trained adversary may as well.
EPSILON = 0.05

PAPERS = {
    "jain_wallace": "Jain & Wallace 2019",
    "serrano_smith": "Serrano & Smith 2019",
    "wiegreffe_pinter": "Wiegreffe & Pinter 2019",
    "violation": "Liu et al. 2022",
}
EXPERIMENTS = {
    "jain_wallace": ["correlation", "permutation", "adversary"],
    "serrano_smith": ["base", "single", "sets"],
    "wiegreffe_pinter": ["uniform", "seeds", "diagnostic", "adversary"],
    "violation": ["methods", "depth", "transformers", "transformer_depth"],
}
# Conditions that not every paper's tables have.
FURTHER = ("against", "lambda", "operator", "target", "layers", "layer")
NAMES = {
    "20news": "20 Newsgroups, topics",
    "20news20": "20 Newsgroups, all",
    "20news_sports": "20 Newsgroups",
    "ade": "ADE",
    "agnews": "AG News",
    "agnews_subset": "AG News (part)",
    "agnews4_subset": "AG News (part), four classes",
    "amazon_multidomain": "Amazon",
    "babi1": "bAbI 1",
    "imdb": "IMDB",
    "imdb_ratings": "IMDB, ratings",
    "mrpc": "MRPC",
    "scenes": "scenes (generated)",
    "snli_subset": "SNLI (part)",
    "sst": "SST",
    "sst5": "SST, five classes",
}
MODELS = {
    "bilstm": "BiLSTM",
    "average": "average",
    "bert": "BERT",
    "visual_bert": "VisualBERT",
    "lxmert": "LXMERT",
    "scaled_dot": "dot product",
}
# One of a kind wherever it stands, so a model's name needs none of them.
ONLY_SCORERS = ("learned_query", "self_attention", "cross_attention")
# Encoders of Serrano & Smith with context, and the same model without.
CONTEXT = {
    "HANrnn": "HANnoenc",
    "HANconv": "HANnoenc",
    "FLANrnn": "FLANnoenc",
    "FLANconv": "FLANnoenc",
}
BILSTM = {"encoder": "bilstm", "scorer": "additive"}
SCORES = ("attention", "attention × gradient", "input × gradient", "integrated gradients")
SHORTFALL, RISE = "shortfall", "rise of "
CELLS = ["label", "dataset", "model", "seed", "value", "low", "high", "n", "holds"]
DETAILS = ["label", "dataset", "model", "value", "low", "high", "interval", "seeds", "texts", "clear"]


@dataclass(frozen=True)
class Finding:
    """What the recorded results say of one claim.

    paper: a key of PAPERS; claim and measure: in words; cells: a row per number, of the columns CELLS;
    verdict: one of `ledger.VERDICTS`; readings: the inequalities, whose words are the cells' labels;
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


def recorded(fresh: str | Path | None = None, folder: str | Path | None = None) -> dict[str, pd.DataFrame]:
    """The recorded results of each paper (keys of PAPERS), main grid only; one without any has no row.

    folder and fresh: as in `results.recorded`. Planted corpora are left out: they are generated to test the
    methods and say nothing about language.
    """
    found = {}
    for paper, experiments in EXPERIMENTS.items():
        table = claims.complete(ledger.recorded(paper, experiments, fresh=fresh, folder=folder))
        table = table.reindex(columns=list(dict.fromkeys([*table.columns, *FURTHER])))
        table = table[~table["dataset"].astype(str).str.startswith("planted")]
        found[paper] = _GRIDS[paper](table)
    return found


def _released(table: pd.DataFrame) -> pd.DataFrame:
    return table[table["variant"].eq(results.MAIN_VARIANT)]


def _wiegreffe_pinter_grid(table: pd.DataFrame) -> pd.DataFrame:
    usual = table["vectors"] == ledger.label(table["dataset"], results.MAIN_VECTORS)
    kept = table[table["variant"].isin(ledgers.RELEASED) & usual]
    return claims.select(kept, **BILSTM)


def _violation_grid(table: pd.DataFrame) -> pd.DataFrame:
    """Text models as released; transformers by their logit, whole models, each number of a run once."""
    stock = table["experiment"].isin(["transformers", "transformer_depth"])
    whole = table["layer"].isna() & table["target"].fillna("logit").eq("logit")
    kept = table[(stock & whole) | (~stock & table["variant"].eq(results.MAIN_VARIANT))]
    return kept.drop_duplicates(["run", "metric", "class", "method", "operator", "layers"])


_GRIDS: dict[str, Callable[[pd.DataFrame], pd.DataFrame]] = {
    "jain_wallace": summary.main_grid,
    "serrano_smith": _released,
    "wiegreffe_pinter": _wiegreffe_pinter_grid,
    "violation": _violation_grid,
}


def model_name(encoder: object, scorer: object) -> str:
    """Encoder and scorer as the page calls them."""
    parts = [encoder] if scorer in ONLY_SCORERS else [encoder, scorer]
    return ", ".join(MODELS.get(str(part), str(part)) for part in parts)


def dataset_name(name: object) -> str:
    """A data set as the page calls it; a name that is not known stays."""
    return NAMES.get(str(name), str(name))


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
    return _permuted(tables, "a quarter", "median_tvd_q25", results.MAX_ATTENTION_LABELS[1:], ".25")


def permuted_half(tables: Tables) -> Finding:
    """Permuted attention often leaves the output, the stricter reading."""
    return _permuted(tables, "half", "median_tvd_q50", results.MAX_ATTENTION_LABELS[2:], ".5")


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


def guide(tables: Tables) -> Finding:
    """The base model's attention helps a model without context."""
    where = {"experiment": "diagnostic", "method": "base LSTM"}
    reading = Reading("gain", ("f1",), ">", 0, where, {"method": "uniform"})
    return finding(
        "wiegreffe_pinter",
        "The base model's attention is useful to a model without context",
        "F1 of the MLP guided by it minus F1 with uniform weights, above 0",
        [Part(tables["wiegreffe_pinter"], reading)],
        digits=3,
    )


def shortfall(table: pd.DataFrame, budget: float = EPSILON) -> pd.DataFrame:
    """What one trained model lacks of the search's mean divergence, per data set and base seed.

    value: the search's mean JSD minus the largest mean JSD of the trained adversaries whose mean change of
    output (TVD) is at most `budget`; the base model itself, 0 nats away, is always among them. Rows of the
    metric SHORTFALL, as `claims.cells` reads them; a seed without search or without adversary has none.
    """
    rows = claims.select(table, experiment="adversary", **{"class": "all"})
    keys = ["dataset", "encoder", "scorer", "seed"]
    search = claims.select(rows, method="published search", metric="jsd").set_index(keys)["value"]
    trained = claims.select(rows, method="trained adversary", metric=("jsd", "tvd"))
    wide = trained.pivot_table("value", [*keys, "lambda"], "metric").reindex(columns=["jsd", "tvd"])
    reached = wide["jsd"].where(wide["tvd"] <= budget, 0.0).clip(lower=0.0).groupby(keys).max()
    found = (search - reached).dropna().rename("value").reset_index()
    return found.reindex(columns=list(dict.fromkeys([*keys, "value", *table.columns]))).assign(
        metric=SHORTFALL, **{"class": "all"}
    )


def one_model(tables: Tables) -> Finding:
    """One trained model cannot do what the search does text by text, except on SST."""
    table = shortfall(tables["wiegreffe_pinter"])
    on_sst = table["dataset"].eq("sst")
    return finding(
        "wiegreffe_pinter",
        "One trained model cannot do what the search does, except on SST",
        f"JSD of the search minus that of the furthest trained adversary with a mean change of output of at "
        f"most {EPSILON:g}: above 0 nats, on SST at most 0",
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
    keys = ["dataset", "encoder", "scorer", "seed", "method"]
    rows = rows.sort_values("layers", kind="stable")
    ends = rows.groupby(keys, sort=False).agg(
        first=("value", "first"), last=("value", "last"), depths=("layers", "nunique")
    )
    ends = ends[ends["depths"] > 1].reset_index()
    found = ends.assign(value=ends["last"] - ends["first"], metric=RISE + ends["method"].astype(str))
    found = found.reindex(columns=list(dict.fromkeys([*keys, "metric", "value", *table.columns])))
    return found.drop(columns="method").assign(**{"class": "all"})


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
    one_model,
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


def by_dataset(found: Finding) -> pd.Series:
    """Mean per number and data set, over models and seeds, each model once; indexed by both."""
    return details(found).groupby(["label", "dataset"], sort=False)["value"].mean()


def in_words(found: Finding) -> str:
    """The numbers of a claim: the mean over data sets, and the least and the greatest of them by name.

    With one model in all its interval instead, if it has one; "not run" without a number.
    """
    digits, rows = found.digits, details(found)
    words = []
    for label, group in rows.groupby("label", sort=False):
        means = group.groupby("dataset", sort=False)["value"].mean().sort_values(kind="stable")
        word = f"{label} {number(means.mean(), digits)}"
        if len(means) > 1:
            ends = [f"{number(means.iloc[i], digits)} {dataset_name(means.index[i])}" for i in (0, -1)]
            word += f" ({ends[0]} to {ends[1]})"
        elif len(group) == 1 and group["interval"].iloc[0] != "none":
            low, high = (number(group[end].iloc[0], digits) for end in ("low", "high"))
            word += f" ({low} to {high})"
        elif len(group) > 1:
            word += f" ({number(group['value'].min(), digits)} to {number(group['value'].max(), digits)})"
        words.append(word)
    return "; ".join(words) or "not run"


def number(value: float, digits: int = 2) -> str:
    """A number for a sentence, with a minus sign and never "−0.00"; words where there is none."""
    if np.isnan(value):
        return "(not run)"
    text = f"{value:.{digits}f}"
    return text.replace("-", "−") if float(text) else text.lstrip("-")


def row(found: Finding) -> dict[str, Any]:
    """A claim as a row of the page's table.

    clear of the bound: of the models with an interval, on how many it lies on the claim's side as a whole.
    """
    rows = details(found)
    seeds = sorted(set(rows["seeds"]))
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
        "seeds": "" if not seeds else f"{seeds[0]}" if len(seeds) == 1 else f"{seeds[0]} to {seeds[-1]}",
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


# What the papers' questions share.


def means(rows: pd.DataFrame, keys: Sequence[str]) -> pd.DataFrame:
    """Mean, least and greatest over seeds (value, low, high) per key and metric, and `seeds`.

    Rows of all texts; low and high are NaN where there is one seed. As charts take them.
    """
    kept = rows[rows["class"].eq("all") & rows["bin"].isna()].dropna(subset="value")
    over = summary.over_seeds(kept, [*keys, "metric"])
    several = over["n_seeds"] > 1
    over = over.assign(low=over["low"].where(several), high=over["high"].where(several))
    return over.rename(columns={"n_seeds": "seeds"}).assign(published=float("nan"))


def reached(tables: Tables, metrics: Mapping[str, str]) -> pd.DataFrame:
    """What attention could do and what permuting does, per data set and encoder (Jain & Wallace's models).

    metrics: recorded name and the page's, in their order. Additive attention; models with a linear head
    only, of which reach is known.
    """
    rows = claims.select(tables["jain_wallace"], experiment="permutation", scorer="additive")
    over = means(claims.select(rows, metric=tuple(metrics)), ["dataset", "encoder"])
    known = over[over["metric"].eq("largest_tvd")][["dataset", "encoder"]]
    over = over.merge(known, on=["dataset", "encoder"])
    return over.assign(
        dataset=over["dataset"].map(dataset_name),
        encoder=over["encoder"].map(lambda name: MODELS.get(name, name)),
        metric=pd.Categorical(over["metric"].map(dict(metrics)), list(metrics.values()), ordered=True),
    ).reset_index(drop=True)


def divergences(tables: Tables) -> dict[str, pd.DataFrame]:
    """What is decided for a BiLSTM of Jain & Wallace, and how far its attention can go: columns of a page.

    Values as those of `claims.spread`, by what the page calls them: the share of texts on which no attention
    changes the class, the divergence of the median text by search, optimum and uniform weights at EPSILON,
    and the share of texts on which uniform weights keep the output within it.
    """
    table = tables["jain_wallace"]
    far: dict[str, Any] = BILSTM | {"search": "released", "epsilon": EPSILON}
    wanted = {
        "search (nats)": ("jsd_median", "released search"),
        "exact optimum (nats)": ("jsd_median", "exact optimum"),
        "uniform weights (nats)": ("jsd_median", "uniform attention"),
        "uniform weights within ε (share)": ("feasible", "uniform attention"),
    }
    can = claims.spread(table, "can_flip", **BILSTM)
    found = {
        "no attention changes the class (share)": pd.DataFrame(
            {
                "mean": 1 - can["mean"],
                "lowest": 1 - can["highest"],
                "highest": 1 - can["lowest"],
                "seeds": can["seeds"],
            }
        )
    }
    found |= {
        words: claims.spread(table, metric, method=method, **far)
        for words, (metric, method) in wanted.items()
    }
    return {words: column.rename(index=dataset_name) for words, column in found.items()}


def told_reach(tables: Tables) -> str:
    """What `divergences` and `rank_agreement` say, as a Markdown list."""
    inert, search, optimum, _, within = (column["mean"] for column in divergences(tables).values())
    tau, models = rank_agreement(tables, "largest_tvd", "median_tvd")
    return "\n".join(
        [
            f"- On a share of {claims.ends(inert)} of the texts no attention changes the BiLSTM's class.",
            f"- Over {models} models (data set, encoder, scorer) Kendall's τ between the largest possible "
            f"change and the change under permutation is {claims.number(tau)}: 0 would mean that the outcome "
            "of the permutation test has nothing to do with reach, 1 that it orders models as reach does.",
            f"- The optimum is above the search by {claims.ends((optimum - search).dropna())} nats.",
            "- Uniform weights, which know nothing of the text, keep the output within ε on a share of "
            f"{claims.ends(within)} of the texts.",
        ]
    )


def rank_agreement(tables: Tables, first: str, second: str) -> tuple[float, int]:
    """Kendall's τ between two metrics of the permutation experiment over models, and how many models.

    A model is a data set, encoder and scorer, mean over seeds; NaN below `claims.FEWEST` models.
    """
    rows = claims.select(tables["jain_wallace"], experiment="permutation", metric=(first, second))
    rows = rows[rows["class"].eq("all") & rows["bin"].isna()]
    wide = rows.pivot_table("value", ["dataset", "encoder", "scorer"], "metric")
    wide = wide.reindex(columns=[first, second]).dropna()
    if len(wide) < claims.FEWEST:
        return float("nan"), len(wide)
    return float(wide[first].corr(wide[second], method="kendall")), len(wide)


def rankings(tables: Tables, methods: Sequence[str], metrics: Mapping[str, str]) -> pd.DataFrame:
    """Rankings of Serrano & Smith: a row per method, data set and encoder, and a metric's page name each.

    Means over seeds; the order of `methods` and of the metrics is kept.
    """
    rows = claims.select(
        tables["serrano_smith"], experiment="sets", method=tuple(methods), metric=tuple(metrics)
    )
    over = means(rows, ["dataset", "encoder", "method"])
    return over.assign(
        dataset=over["dataset"].map(dataset_name),
        method=pd.Categorical(over["method"], list(methods), ordered=True),
        metric=pd.Categorical(over["metric"].map(dict(metrics)), list(metrics.values()), ordered=True),
    )


def ranking_means(rows: pd.DataFrame) -> pd.DataFrame:
    """Rows of `rankings` as a table: a row per ranking, a column per metric; each data set counts once."""
    wide = rows.pivot_table("value", ["method", "dataset", "encoder"], "metric", observed=True)
    of_set = wide.groupby(["method", "dataset"], observed=True).mean()
    table = of_set.groupby("method", observed=True).mean()
    return table.reset_index().rename(columns={"method": "ranking"})


def told_rankings(rows: pd.DataFrame) -> str:
    """Of which models the rows of `rankings` are, as a sentence; "Not run." without any."""
    if rows.empty:
        return "Not run."
    models = rows.drop_duplicates(["dataset", "encoder"]).groupby("dataset", sort=True)["encoder"]
    words = [f"{dataset} ({', '.join(encoders)})" for dataset, encoders in models]
    seeds = sorted(set(rows["seeds"]))
    count = f"{seeds[0]}" if len(seeds) == 1 else f"{seeds[0]} to {seeds[-1]}"
    return f"Documents of {'; '.join(words)}; seeds of each model: {count}."


def polarities(tables: Tables, methods: Sequence[str], metrics: Mapping[str, str]) -> pd.DataFrame:
    """Importance and polarity of the same scores: a row per model, method and metric, means over seeds."""
    where = {"experiment": ("methods", "transformers"), "operator": "mean"}
    rows = claims.select(tables["violation"], method=tuple(methods), metric=tuple(metrics), **where)
    over = means(rows, ["dataset", "encoder", "scorer", "method"])
    pairs = zip(over["dataset"], over["encoder"], over["scorer"], strict=True)
    named = [f"{dataset_name(dataset)}, {model_name(encoder, scorer)}" for dataset, encoder, scorer in pairs]
    return over.assign(
        model=pd.Series(named, over.index, dtype=object),
        method=pd.Categorical(over["method"], list(methods), ordered=True),
        metric=pd.Categorical(over["metric"].map(dict(metrics)), list(metrics.values()), ordered=True),
    )


def told_signs(rows: pd.DataFrame) -> str:
    """Of how many models attention is like random scores, and its product with the gradient better.

    rows: violation ratios by model and method, as `polarities` has them. Models that have all three only.
    """
    wide = rows.pivot_table("value", "model", "method", observed=True)
    wide = wide.reindex(columns=["random", "attention", "attention × gradient"]).dropna()
    if wide.empty:
        return "Not run."
    alike = int((wide["random"] - wide["attention"] < LIKE_CHANCE).sum())
    better = int((wide["attention × gradient"] < wide["attention"]).sum())
    return (
        f"Attention is less than {LIKE_CHANCE:g} better than random scores for {alike} of {len(wide)} "
        f"models; its product with the gradient is violated less often than attention itself for {better} "
        f"of {len(wide)}."
    )


def average(rows: pd.DataFrame, **where: Any) -> tuple[float, int]:
    """Mean over data sets of the rows that meet the conditions, and how many sets; NaN without any.

    A data set counts once whatever its models, and a model whatever its seeds.
    """
    kept = claims.select(rows, **where).dropna(subset=["value"])
    models = kept.groupby(["dataset", "encoder", "scorer"], observed=True)["value"].mean()
    own = models.groupby("dataset", observed=True).mean()
    return float(own.mean()), len(own)


@dataclass(frozen=True)
class Contrast:
    """Two numbers of the same models, about which two papers speak by the same word."""

    question: str
    one: str
    other: str
    rows: pd.DataFrame
    of_one: Mapping[str, Any]
    of_other: Mapping[str, Any]

    def row(self) -> dict[str, Any]:
        """Both numbers over the models and seeds that have both; "not run" without any."""
        keys = ["dataset", "encoder", "scorer", "seed"]
        rows = self.rows.dropna(subset=["value"])
        sides = [
            claims.select(rows, **where)[keys].drop_duplicates() for where in (self.of_one, self.of_other)
        ]
        shared = rows.merge(sides[0].merge(sides[1], on=keys), on=keys)
        first, count = average(shared, **self.of_one)
        second, _ = average(shared, **self.of_other)
        names = sorted({dataset_name(name) for name in shared["dataset"]})
        return {
            "question": self.question,
            "one side": self.one,
            "mean": number(first) if count else "not run",
            "other side": self.other,
            "its mean": number(second) if count else "not run",
            "data sets": ", ".join(names),
        }


def furthest(table: pd.DataFrame, budget: float = EPSILON) -> pd.DataFrame:
    """The search's mean JSD, and that of the furthest trained adversary within `budget`: rows by method.

    Per data set and base seed, those of `shortfall`.
    """
    short = shortfall(table, budget)
    rows = claims.select(table, experiment="adversary", method="published search", metric="jsd")
    rows = claims.select(rows, **{"class": "all"})
    keys = ["dataset", "encoder", "scorer", "seed"]
    search = rows[[*keys, "value"]].merge(short[[*keys, "value"]], on=keys, suffixes=("", "_short"))
    model = search.assign(value=search["value"] - search["value_short"])
    parts = [search.assign(method="published search"), model.assign(method="one model")]
    return pd.concat(parts, ignore_index=True)[[*keys, "method", "value"]]


def contrasts(tables: Tables) -> pd.DataFrame:
    """Where the papers mean different things by one word: two numbers of the same models side by side."""
    adversary = furthest(tables["wiegreffe_pinter"])
    sets = claims.select(tables["serrano_smith"], experiment="sets", metric="fraction_all")
    seeds = claims.select(tables["wiegreffe_pinter"], experiment="seeds", metric="jsd", **{"class": "all"})
    scores = claims.select(
        tables["violation"], experiment=("methods", "transformers"), operator="mean", **{"class": "all"}
    )
    attention, product = {"method": "attention"}, {"method": "product"}
    signed = {"method": "attention × gradient"}
    violation, ranks = {"metric": "violation"}, {"metric": "rank_correlation"}
    weights, weighted = "weights alone", "weights × scores"
    return pd.DataFrame(
        contrast.row()
        for contrast in (
            Contrast(
                "JSD at nearly the same output (nats)",
                "for each text its own weights",
                "one model for all texts",
                adversary,
                {"method": "published search"},
                {"method": "one model"},
            ),
            Contrast(
                "JSD to the model's attention (nats)",
                "the search at the same output",
                "another seed, its own output",
                seeds,
                {"method": "published search"},
                {"method": "other seeds"},
            ),
            Contrast("fraction of items erased before a flip", weights, weighted, sets, attention, product),
            Contrast(
                "rank correlation with the effect (importance)",
                weights,
                weighted,
                scores,
                attention | ranks,
                signed | ranks,
            ),
            Contrast(
                "violation ratio (polarity)",
                weights,
                weighted,
                scores,
                attention | violation,
                signed | violation,
            ),
        )
    )
