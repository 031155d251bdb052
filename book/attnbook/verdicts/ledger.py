"""The ledger: every published number beside ours, with an interval and a verdict.

A paper has two tables in book/reference: <paper>.csv, its numbers in our schema, and reasons_<paper>.csv, why
a number of ours differs or is missing. Nothing here knows any paper.
"""

from __future__ import annotations

import html
import tomllib
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.stats import t as student

from attnbook.runs.results import fits, label
from attnbook.verdicts import cells

# A number so close to our mean holds even where our seeds agree more closely still, or where there is one.
# It is the project's margin for base performance; what is read off a figure is known to .01.
TOLERANCE = 0.03
# An interval that reaches further to each side covers half of all that a probability can be: it would accept
# nearly any number, so being inside says nothing.
WIDEST = 0.25
# Counts and lengths by metric: no interval, the largest difference that still holds. Lengths are printed as
# whole numbers, some rounded and some cut off.
MARGINS = {"n_*": 0.0, "mean_length": 1.0}

KNOWN = tomllib.loads((cells.REFERENCE / "ledgers.toml").read_text())
VERDICTS = ("holds", "differs", "undecided", "not run")
UNEXPLAINED = "not explained yet"
ONE_SEED = "one seed of ours says nothing about spread"
WIDE = f"our seeds spread too far: inside an interval of more than ±{WIDEST:g}"
EMPTY = "no text of ours falls in this class and bin"

REASON_KEYS = ("metric", "dataset", "encoder", "scorer", "verdict")
# A condition that every row of ours meets, for what does not depend on the model.
ANY = "any"


def read_reasons(path: str | Path) -> pd.DataFrame:
    """Read a paper's reasons: globs in REASON_KEYS (several divided by |), and a reason.

    Every further column, such as method, is a condition too. ValueError names the line that is wrong.
    """
    table = cells.read_table(path, (*REASON_KEYS, "reason"))
    for line, row in enumerate(table.to_dict("records"), start=2):
        if any(not isinstance(value, str) for value in row.values()):
            raise ValueError(f"{path}: line {line} has an empty cell; '*' stands for anything")
        if not any(fits(verdict, row["verdict"]) for verdict in VERDICTS):
            raise ValueError(f"{path}: line {line}: verdict {row['verdict']!r} is none of {VERDICTS}")
    return table


def compare(
    ours: pd.DataFrame, published: pd.DataFrame, reasons: pd.DataFrame, stands_for: cells.Names | None = None
) -> pd.DataFrame:
    """One row per published number, in its order: the columns of `published`, and ours beside it.

    ours: rows of our schema, of one setting per cell and seed (choose variant and vectors before).
    stands_for: our data set in place of a published one that we do not have; the name itself goes first.

    Added: ours_dataset; ours, the mean over seeds; deviation, over seeds (n − 1); n_seeds; low and high, the
    prediction interval of one further run; verdict, one of VERDICTS; reason, empty where the number holds;
    runs, the names of our runs that it rests on.
    ValueError names the cell for which a seed has several values.
    """
    table = published.reset_index(drop=True)
    instead = {name: own for name, own in (stands_for or {}).items() if name not in set(ours["dataset"])}
    table["ours_dataset"] = table["dataset"].replace(instead)
    table = judge(table.join(match(ours, table)))
    return table.assign(reason=explain(table, reasons)).drop(columns="found")


def match(ours: pd.DataFrame, published: pd.DataFrame) -> pd.DataFrame:
    """Mean, deviation, number of seeds and names of runs of ours per published cell, by the cell's index.

    found: whether ours holds the cell's experiment at all, for any class and bin (a bin without texts has no
    row).
    """
    conditions = [str(column) for column in published if column not in (*cells.ABOUT, "ours_dataset")]
    keys = published[conditions].assign(dataset=published["ours_dataset"])
    ours = ours.reindex(columns=[*dict.fromkeys([*ours.columns, *conditions, "run"])])
    parts = [pd.DataFrame({"cell": [], "seed": [], "value": [], "run": []}, dtype=float)]
    have: set[int] = set()
    # Cells that state the same conditions are looked up together.
    stated = keys.notna().astype(int) + (keys == ANY)
    for states, together in stated.groupby(conditions):
        used = [column for column, state in zip(conditions, states, strict=True) if state == 1]
        free = [column for column, state in zip(conditions, states, strict=True) if state == 2]
        rows = ours.dropna(subset=used)
        if rows.empty:
            continue
        group = keys.loc[together.index, used].reset_index(names="cell")
        pairs = group.merge(rows[[*used, *free, "seed", "value", "run"]], on=used)
        repeated = pairs[pairs.duplicated(["cell", *free, "seed"])]
        if len(repeated):
            raise cells.several(cells.OURS, repeated[[*used, "seed"]].iloc[0], cells.CHOOSE)
        parts.append(pairs[["cell", "seed", "value", "run"]])
        coarse = [column for column in used if column not in ("class", "bin")]
        have |= set(group.merge(rows[coarse].drop_duplicates(), on=coarse)["cell"])
    pairs = cells.stack(parts)
    seeds = pairs.groupby(["cell", "seed"])["value"].mean().groupby("cell")
    found = seeds.agg(ours="mean", deviation="std", n_seeds="count").reindex(published.index)
    found["n_seeds"] = found["n_seeds"].fillna(0).astype(int)
    runs = pairs.dropna(subset=["value", "run"]).groupby("cell")["run"].agg(cells.run_names)
    found["runs"] = runs.reindex(published.index).astype(object).fillna("")
    return found.assign(found=published.index.isin(have))


def margins(metrics: pd.Series) -> pd.Series:
    """The largest difference that still holds, of counts and lengths; NaN for other metrics."""
    return pd.to_numeric(label(metrics, MARGINS), errors="coerce")


def judge(table: pd.DataFrame) -> pd.DataFrame:
    """The table with low, high and verdict; reason as far as the numbers alone give one.

    The first rule that applies: without ours "not run"; a blank on either side "undecided"; counts by
    MARGINS; within TOLERANCE of our mean "holds"; one seed "undecided"; outside the interval "differs";
    inside one wider than ±WIDEST "undecided"; else "holds".
    """
    mean = table["ours"].to_numpy(float)
    n = table["n_seeds"].to_numpy(int)
    margin = margins(table["metric"]).to_numpy(float)
    # The interval of one further run, NaN below two runs. The published number is one run without a seed, so
    # the question is whether it could be one more of ours; an interval of our mean would answer another one.
    runs = np.where((n >= 2) & np.isnan(margin), n, np.nan)
    deviation = table["deviation"].to_numpy(float)
    half = student.ppf((1 + cells.CONFIDENCE) / 2, runs - 1) * deviation * np.sqrt(1 + 1 / runs)
    low, high = mean - half, mean + half
    half = (high - low) / 2
    # Both sides are decimal fractions; a difference of exactly the tolerance is within it.
    distance = np.abs(table["value"].to_numpy(float) - mean) - 1e-9
    note = table["note"].fillna("").to_numpy(dtype=object)
    rules = [
        (~table["found"].to_numpy(bool), "not run", ""),
        (table["value"].isna().to_numpy(), "undecided", note),
        (np.isnan(mean), "undecided", EMPTY),
        (distance <= margin, "holds", ""),
        (~np.isnan(margin), "differs", ""),
        (distance <= TOLERANCE, "holds", ""),
        (n < 2, "undecided", ONE_SEED),
        (distance > half, "differs", ""),
        (half > WIDEST, "undecided", WIDE),
    ]
    verdict, reason = np.full(note.shape, "holds", object), np.full(note.shape, "", object)
    for applies, name, why in reversed(rules):
        verdict[applies], reason = name, np.where(applies, why, reason)
    return table.assign(low=low, high=high, verdict=verdict, reason=reason)


def explain(table: pd.DataFrame, reasons: pd.DataFrame) -> pd.Series:
    """Why each number does not hold: of the first line of `reasons` whose globs all fit.

    Else the reason that `judge` gave, else UNEXPLAINED; empty where the number holds. ValueError for a
    condition on a column that the table lacks.
    """
    keys = [key for key in reasons if key != "reason"]
    if unknown := [key for key in keys if key not in table]:
        raise ValueError(f"reasons: the conditions {unknown} are no columns of the ledger: {list(table)}")
    found = table["reason"].mask(table["reason"] == "", UNEXPLAINED)
    open_cells = pd.Series(True, index=table.index)
    for row in reasons.to_dict("records"):
        same = open_cells.copy()
        for key in keys:
            same &= table[key].isin([value for value in table[key].unique() if fits(value, row[key])])
        found = found.mask(same, row["reason"])
        open_cells &= ~same
    return found.mask(table["verdict"] == "holds", "")


def totals(table: pd.DataFrame, by: str) -> pd.DataFrame:
    """Number of cells per value of a column, in order of appearance, and "all" last.

    Columns: `by`, published, run, one per verdict, and unexplained: those without a known reason.
    """
    counts = pd.crosstab(table[by], table["verdict"]).reindex(columns=list(VERDICTS), fill_value=0)
    counts = counts.reindex(table[by].unique())
    counts["unexplained"] = table[by][table["reason"] == UNEXPLAINED].value_counts()
    counts = counts.fillna(0).astype(int)
    counts.loc["all"] = counts.sum()
    published = counts[list(VERDICTS)].sum(axis=1)
    counts.insert(0, "published", published)
    counts.insert(1, "run", published - counts["not run"])
    return counts.rename_axis(index=by, columns=None).reset_index()


# Columns of a page, how they are called there, and how ledger.js treats them: a column with few values has
# a menu, numbers are sorted as such.
SHOWN: dict[str, tuple[str, str]] = KNOWN["shown_of_paper"]
# Columns whose cells link to a page.
LINKED = ("experiment", "notebook")


def numbers(column: pd.Series, whole: pd.Series) -> pd.Series:
    """Numbers as texts, three decimals, or one where `whole`; empty where there is none."""
    long, short = column.map("{:.3f}".format), column.map("{:.1f}".format).str.removesuffix(".0")
    return long.where(~whole, short).mask(column.isna(), "")


def to_html(
    table: pd.DataFrame, pages: cells.Names, name: str, columns: Mapping[str, tuple[str, str]] = SHOWN
) -> str:
    """The ledger as one HTML table, complete without a script; ledger.js makes it filterable.

    pages: address of the page of an experiment, or of a notebook; name: of the table, for screen readers;
    columns: as SHOWN.
    """
    counted = margins(table["metric"]).notna()
    low, high = numbers(table["low"], counted), numbers(table["high"], counted)
    text = table.drop(columns=["low", "high"]).assign(
        value=numbers(table["value"], counted).replace("", "blank"),
        ours=numbers(table["ours"], counted),
        n_seeds=table["n_seeds"].astype(str).replace("0", ""),
        interval=(low + "\u00a0to\u00a0" + high).mask(low == "", ""),
    )
    filled = {column: text[column].fillna("").map(html.escape) for column in columns if column in text}
    # A long name may break after an underscore.
    filled["metric"] = filled["metric"].str.replace("_", "_<wbr>")
    shown = {html.escape(page): html.escape(address) for page, address in pages.items()}
    links = {page: f'<a href="{address}">{page}</a>' for page, address in shown.items()}
    for column in [column for column in LINKED if column in filled]:
        filled[column] = filled[column].map(lambda page: links.get(page, page))
    heads = [
        f'<th scope="col" class="{name}" data-kind="{kind}">{html.escape(words)}</th>'
        for name, (words, kind) in columns.items()
        if name in filled
    ]
    data = [[f"<td>{cell}" for cell in filled[column]] for column in filled]
    # HTML needs no closing tags in a table, and without them it is a fifth smaller.
    # "pattern holds" has the colour of what holds.
    kinds = table["verdict"].str.removeprefix("pattern ").str.replace(" ", "-").map(html.escape)
    rows = [f'<tr class="{kind}">' + "".join(row) for kind, *row in zip(kinds, *data, strict=True)]
    return (
        f'<div class="ledger" role="region" tabindex="0" aria-label="{html.escape(name)}"><table>'
        f"<thead><tr>{''.join(heads)}</tr></thead><tbody>\n" + "\n".join(rows) + "\n</tbody></table></div>"
    )
