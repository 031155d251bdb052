"""What the four papers' questions share, from all recorded results: frames and sentences of one page.

Whether attention could change the output at all, whether it orders tokens by what matters, whether its sign
means anything, and where the papers mean different things by one word.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from attnbook.verdicts import claims, papers, summary, trained_adversaries
from attnbook.verdicts.papers import BILSTM, Tables, dataset_name, model_name
from attnbook.verdicts.together import BUDGETS, EPSILON, LIKE_CHANCE


def means(rows: pd.DataFrame, keys: Sequence[str]) -> pd.DataFrame:
    """Mean, least and greatest over seeds (value, low, high) per key and metric, and `seeds`.

    Rows of all texts; low and high are NaN where there is one seed. As charts take them.
    """
    over = summary.range_over_seeds(_all_texts(rows), [*keys, "metric"])
    return over.rename(columns={"n_seeds": "seeds"}).assign(published=float("nan"))


def _all_texts(rows: pd.DataFrame) -> pd.DataFrame:
    return rows[rows["class"].eq("all") & rows["bin"].isna()]


def reached(tables: Tables, metrics: Mapping[str, str]) -> pd.DataFrame:
    """What attention could do and what permuting does, per data set and encoder (Jain & Wallace's models).

    metrics: recorded name and the page's, in their order. Additive attention; models with a linear head
    only, of which reach is known.
    """
    rows = claims.select(tables["jain_wallace"], experiment="permutation", scorer="additive")
    over = means(claims.select(rows, metric=tuple(metrics)), ["dataset", "encoder"])
    known = over[over["metric"].eq("largest_tvd")][["dataset", "encoder"]]
    over = over.merge(known, on=["dataset", "encoder"])
    over = over.assign(
        dataset=over["dataset"].map(dataset_name),
        encoder=over["encoder"].map(lambda name: papers.MODELS.get(name, name)),
    )
    return summary.choose(over, metric=metrics)


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
    wide = _all_texts(rows).pivot_table("value", list(summary.MODEL), "metric")
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
    over = over.assign(dataset=over["dataset"].map(dataset_name))
    return summary.choose(over, method=list(methods), metric=metrics)


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
    return f"Documents of {'; '.join(words)}; seeds of each model: {claims.least_to_most(rows['seeds'])}."


def polarities(tables: Tables, methods: Sequence[str], metrics: Mapping[str, str]) -> pd.DataFrame:
    """Importance and polarity of the same scores: a row per model, method and metric, means over seeds."""
    where = {"experiment": ("methods", "transformers"), "operator": "mean"}
    rows = claims.select(tables["violation"], method=tuple(methods), metric=tuple(metrics), **where)
    over = means(rows, [*summary.MODEL, "method"])
    pairs = zip(over["dataset"], over["encoder"], over["scorer"], strict=True)
    named = [f"{dataset_name(dataset)}, {model_name(encoder, scorer)}" for dataset, encoder, scorer in pairs]
    over = over.assign(model=pd.Series(named, over.index, dtype=object))
    return summary.choose(over, method=list(methods), metric=metrics)


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
    models = kept.groupby(list(summary.MODEL), observed=True)["value"].mean()
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
        keys = [*summary.MODEL, "seed"]
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
            "mean": claims.number(first) if count else "not run",
            "other side": self.other,
            "its mean": claims.number(second) if count else "not run",
            "data sets": ", ".join(names),
        }


def furthest(table: pd.DataFrame, budget: float | None) -> pd.DataFrame:
    """`trained_adversaries.search_and_furthest` with a row per method, "published search" and "one model"."""
    found = trained_adversaries.search_and_furthest(table, budget)
    named = found.rename(columns={"of_search": "published search", "of_model": "one model"})
    return named.melt([*summary.MODEL, "seed"], var_name="method")


def contrasts(tables: Tables) -> pd.DataFrame:
    """Where the papers mean different things by one word: two numbers of the same models side by side."""
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
            *(
                Contrast(
                    f"JSD at {output} (nats)",
                    "for each text its own weights",
                    "one model for all texts",
                    furthest(tables["wiegreffe_pinter"], budget),
                    {"method": "published search"},
                    {"method": "one model"},
                )
                for output, budget in BUDGETS.items()
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
