"""The ledger: every published number beside ours, with an interval and a verdict.

A paper has two tables in book/reference: <paper>.csv, its numbers in our schema, and reasons_<paper>.csv, why
a number of ours differs or is missing. Nothing here knows any paper.
"""

import html
from collections.abc import Hashable, Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.special import stdtrit

from attnbook.runs.results import fits, label
from attnbook.verdicts import cells, papers

KNOWN = cells.reference("ledgers")
# By globs of a metric: which difference counts, and which interval is too wide; largest difference of data.
BOUNDS: dict[str, dict[str, float]] = KNOWN["bounds"]
CHECKS: dict[str, float] = KNOWN["checks"]
VERDICTS = ("compatible", "differs", "undecided", "not run")
DECIDED = VERDICTS[:2]
CHECKED = ("equal", "unequal", "not run")
# A reason for a difference: a run of ours with another setting closes half of the gap; a file and line of the
# authors' or a fact of the data; or nobody has tried.
KINDS = ("shown", "known", "untested")
# A metric whose shuffled numbers agree nearly as often says nothing.
LEAST_LIFT = 0.1
UNEXPLAINED = "not explained yet"
ONE_SEED = "no model of this metric and encoder has two runs: nothing is known of the spread"
WIDE = "our seeds spread too far: one more run of ours could have nearly any value"
EMPTY = "no text of ours falls in this class and bin"

REASON_KEYS = ("metric", "dataset", "encoder", "scorer", "verdict")
# A condition that every row of ours meets, for what does not depend on the model.
ANY = "any"


def read_reasons(path: str | Path) -> pd.DataFrame:
    """Read a paper's reasons: globs in REASON_KEYS (several divided by |), a kind of KINDS, a reason.

    Every further column, such as method, is a condition too. ValueError names the line that is wrong.
    """
    table = cells.read_table(path, (*REASON_KEYS, "kind", "reason"))
    for line, row in enumerate(table.to_dict("records"), start=2):
        if any(not isinstance(value, str) for value in row.values()):
            raise ValueError(f"{path}: line {line} has an empty cell; '*' stands for anything")
        if not any(fits(verdict, row["verdict"]) for verdict in (*VERDICTS, *CHECKED)):
            raise ValueError(f"{path}: line {line}: verdict {row['verdict']!r} is none of {VERDICTS}")
        if row["kind"] not in KINDS:
            raise ValueError(f"{path}: line {line}: kind {row['kind']!r} is none of {KINDS}")
    return table


def compare(
    ours: pd.DataFrame,
    published: pd.DataFrame,
    reasons: pd.DataFrame,
    stands_for: cells.Names | None = None,
    others: cells.Tables | None = None,
) -> pd.DataFrame:
    """One row per published number, in its order: the columns of `published`, and ours beside it.

    ours: rows of our schema, of one setting per cell and seed (choose variant and vectors before).
    stands_for: our data set in place of a published one that we do not have; the name itself goes first.
    others: rows of ours of other settings by a name, such as other vectors, or a seed alone.

    Added: ours_dataset; ours, the mean over seeds; deviation, over seeds (n − 1); n_seeds; low and high, the
    prediction interval of one further run; verdict, of VERDICTS or CHECKED (`judge`); kind and reason
    (`explain`); runs, the names of our runs that it rests on; closed_by, of what differs, the names of
    `others` that close at least half of the gap, each followed by ";", and "classes" if at least half cancels
    between the classes (reasons may have it as a condition).
    ValueError names the cell for which a seed has several values.
    """
    table = published.reset_index(drop=True)
    instead = {name: own for name, own in (stands_for or {}).items() if name not in set(ours["dataset"])}
    table["ours_dataset"] = table["dataset"].replace(instead)
    table = judge(table.join(match(ours, table)))
    apart = table.loc[table["verdict"] == "differs", [*published, "ours_dataset"]]
    gaps = {name: apart["value"] - match(rows, apart)["ours"] for name, rows in (others or {}).items()}
    gaps["classes"] = gap_over_classes(table, [name for name in published if name not in cells.ABOUT])
    table["closed_by"] = ""
    for name, gap in gaps.items():
        own = (table["value"] - table["ours"]).abs()[apart.index]
        table.loc[own.index[gap.reindex(own.index).abs() <= own / 2], "closed_by"] += name + ";"
    return table.drop(columns="found").assign(**explain(table, reasons))


def gap_over_classes(table: pd.DataFrame, conditions: Sequence[Hashable]) -> pd.Series:
    """Published value − ours, of rows of single classes, as far as it does not cancel between the classes.

    The gap times |mean over the classes| / mean of the absolute gaps, both of what is else the same. The mean
    alone would be half of the gap for two classes of which one fits. NaN where a class lacks either number.
    """
    rows = table[table["class"] != "all"]
    gap = (rows["value"] - rows["ours"]).fillna(np.inf)
    same = [rows[name] for name in (*conditions, "source") if name != "class"]
    left, whole = (of.groupby(same, dropna=False).transform("sum").abs() for of in (gap, gap.abs()))
    return gap * left / whole


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


def bounds(metrics: pd.Series) -> pd.DataFrame:
    """BOUNDS of each metric: columns least, share, most, widest."""
    return pd.DataFrame(label(metrics, BOUNDS).tolist(), metrics.index, ["least", "share", "most", "widest"])


def largest(metrics: pd.Series) -> pd.Series:
    """The largest difference of CHECKS that is still equal; NaN for what is no check of the data."""
    return pd.to_numeric(label(metrics, CHECKS), errors="coerce")


def half_width(table: pd.DataFrame) -> pd.Series:
    """Half of each cell's prediction interval of one further run, 95 %; NaN where nothing is known of it.

    The variance between seeds is pooled over the cells of one metric and encoder, weighed by their degrees of
    freedom, n_seeds − 1: two seeds alone would give Student's t one degree, and a factor of 12.7.
    """
    freedom = (table["n_seeds"] - 1).clip(lower=0).where(table["deviation"].notna(), 0)
    sums = pd.DataFrame({"squares": table["deviation"].fillna(0) ** 2 * freedom, "freedom": freedom})
    sums = sums.groupby([table["metric"], table["encoder"]]).transform("sum")
    sums = sums.where(sums["freedom"] > 0)
    factor = stdtrit(sums["freedom"], (1 + cells.CONFIDENCE) / 2) * np.sqrt(1 + 1 / table["n_seeds"])
    return factor * np.sqrt(sums["squares"] / sums["freedom"])


def differs(values: np.ndarray, means: np.ndarray, half: np.ndarray, bound: pd.DataFrame) -> np.ndarray:
    """Whether each value is outside the interval of one further run, and by as much as counts (`bounds`)."""
    larger = np.maximum(np.abs(values), np.abs(means))
    counts = np.clip(bound["share"] * larger, bound["least"], bound["most"]).to_numpy()
    # Both sides are decimal fractions; a difference of exactly what counts is not above it.
    return np.abs(values - means) - 1e-9 > np.maximum(half, counts)


def judge(table: pd.DataFrame) -> pd.DataFrame:
    """The table with low, high and verdict; reason as far as the numbers alone give one.

    The published number is one run without a seed, so the question is whether it could be one more of ours.
    "not run" where either side has no number; "equal" or "unequal" for CHECKS of the data; "differs" outside
    the interval of one further run and by as much as counts (`differs`); "undecided" inside one that is wider
    than the metric's bound, or where none is known (`half_width`); else "compatible".
    """
    check, bound = largest(table["metric"]), bounds(table["metric"])
    half = half_width(table).mask(check.notna())
    value, mean = table["value"].astype(float), table["ours"].astype(float)
    unequal = (value - mean).abs() - 1e-9 > check
    apart = differs(value.to_numpy(), mean.to_numpy(), half.to_numpy(), bound)
    note = table["note"].astype(object).fillna("").to_numpy()
    rules: list[tuple[pd.Series | np.ndarray, str, str | np.ndarray]] = [
        (~table["found"], "not run", ""),
        (value.isna(), "not run", note),
        (mean.isna(), "not run", EMPTY),
        (check.notna() & unequal, "unequal", ""),
        (check.notna(), "equal", ""),
        (half.isna(), "undecided", ONE_SEED),
        (apart, "differs", ""),
        (half > bound["widest"], "undecided", WIDE),
    ]
    verdict, reason = np.full(note.shape, "compatible", object), np.full(note.shape, "", object)
    for where, name, why in reversed(rules):
        applies = np.asarray(where, bool)
        verdict[applies], reason = name, np.where(applies, why, reason)
    return table.assign(low=mean - half, high=mean + half, verdict=verdict, reason=reason)


def placebo(table: pd.DataFrame, shuffles: int = 200, seed: int = 0) -> pd.DataFrame:
    """What the verdicts of each metric are worth: how often they are "compatible" for numbers of other cells.

    Of the cells that are decided by an interval within the bound, whatever the value, the published values
    are shuffled within metric, data set and encoder. Columns: metric, decided (number of cells), compatible
    (their share), placebo (that share, mean over the shuffles), lift (compatible − placebo) and informative
    (lift of LEAST_LIFT or more). The row "all" is last.
    """
    narrow = (table["high"] - table["low"]) / 2 <= bounds(table["metric"])["widest"]
    rows = table[table["verdict"].isin(DECIDED) & narrow].reset_index(drop=True)
    group = rows.groupby(["metric", "dataset", "encoder"]).ngroup().to_numpy()
    places, generator = np.argsort(group, kind="stable"), np.random.default_rng(seed)
    values, means = rows["value"].to_numpy(float), rows["ours"].to_numpy(float)
    half, bound = (rows["high"] - rows["low"]).to_numpy(float) / 2, bounds(rows["metric"])
    apart, shuffled = np.zeros(len(rows)), np.empty(len(rows))
    for _ in range(shuffles):
        shuffled[places] = values[np.lexsort((generator.random(len(rows)), group))]
        apart += differs(shuffled, means, half, bound)
    rows = rows.assign(compatible=rows["verdict"] == DECIDED[0], placebo=1 - apart / shuffles)
    groups = pd.concat([rows, rows.assign(metric="all")]).groupby("metric")[["compatible", "placebo"]]
    found = groups.mean().assign(lift=lambda means: means["compatible"] - means["placebo"])
    found.insert(0, "decided", groups.size())
    found = found.reindex([*rows["metric"].unique(), "all"]).fillna({"decided": 0}).astype({"decided": int})
    return found.assign(informative=found["lift"] >= LEAST_LIFT).rename_axis("metric").reset_index()


def explain(table: pd.DataFrame, reasons: pd.DataFrame) -> pd.DataFrame:
    """Why there is a difference or no number: columns kind and reason, empty where there is none to give.

    What `judge` says, else the first line of `reasons` whose globs all fit, else UNEXPLAINED.
    ValueError for a condition on a column that the table lacks.
    """
    keys = [key for key in reasons if key not in ("kind", "reason")]
    if unknown := [key for key in keys if key not in table]:
        raise ValueError(f"reasons: the conditions {unknown} are no columns of the ledger: {list(table)}")
    found = table[["reason"]].replace("", UNEXPLAINED).assign(kind="")
    open_cells = table["reason"] == ""
    for row in reasons.to_dict("records"):
        same = open_cells.copy()
        for key in keys:
            same &= table[key].isin([value for value in table[key].unique() if fits(value, row[key])])
        found.loc[same, ["reason", "kind"]] = [row["reason"], row["kind"]]
        open_cells &= ~same
    return found.mask(table["verdict"].isin(["compatible", "equal"]), "")


def totals(table: pd.DataFrame, by: str) -> pd.DataFrame:
    """Number of cells per value of a column, in order of appearance, and "all" last; without CHECKS.

    Columns: `by`, published, compared (with a number of ours), one per verdict, and one per kind of reason
    of those that differ.
    """
    rows = table[largest(table["metric"]).isna()]
    counts = count(rows, by, "verdict", VERDICTS)
    counts.insert(1, "compared", counts["published"] - counts["not run"])
    kinds = count(rows[rows["verdict"] == "differs"], by, "kind", KINDS).drop(columns="published")
    counts = counts.join(kinds).fillna(0).astype(int)
    return counts.rename_axis(by).reset_index()


def checks(table: pd.DataFrame, by: str) -> pd.DataFrame:
    """Number of CHECKS per value of a column, "all" last; columns `by`, published and those of CHECKED."""
    rows = table[largest(table["metric"]).notna()]
    return count(rows, by, "verdict", CHECKED).rename_axis(by).reset_index()


def count(rows: pd.DataFrame, by: str, column: str, values: Sequence[str]) -> pd.DataFrame:
    """How many rows have each of the values, by `by` and in "all"; column published: how many there are."""
    counts = pd.crosstab(rows[by], rows[column]).rename_axis(columns=None)
    counts = counts.reindex(index=rows[by].unique(), columns=list(values), fill_value=0)
    counts.insert(0, "published", counts.sum(axis=1))
    counts.loc["all"] = counts.sum()
    return counts.astype(int)


# Columns of a page: what they are called there, how ledger.js treats them, and where it shows them.
SHOWN: dict[str, tuple[str, ...]] = KNOWN["shown_of_paper"]
# What a reader calls metrics, data sets and models.
WORDS: dict[str, str] = papers.NAMES | papers.MODELS | KNOWN["words"]
NAMED = ("metric", "ours_dataset", "encoder", "scorer")
# Words of a condition that a reader knows by another name.
CONDITIONS = {
    r"\bepsilon ": "ε = ",
    r"\bbin ": "largest weight ",
    r"\bclass ": "",
    r"\boperator ": "by removal: ",
}
# Columns whose cells link to a page.
LINKED = ("experiment", "notebook")


def numbers(column: pd.Series, whole: pd.Series) -> pd.Series:
    """Numbers as texts, three decimals, or one where `whole`; empty where there is none."""
    long, short = column.map("{:.3f}".format), column.map("{:.1f}".format).str.removesuffix(".0")
    return long.where(~whole, short).mask(column.isna(), "")


def to_html(
    table: pd.DataFrame, pages: cells.Names, name: str, columns: Mapping[str, tuple[str, ...]] = SHOWN
) -> str:
    """The ledger as one HTML table, complete without a script; ledger.js shows it in six columns.

    It lies in a <noscript>, so that a browser with scripts reads it as text and lays out no cell of it.

    pages: address of the page of an experiment, or of a notebook; name: of the table, for screen readers;
    columns: as SHOWN.
    """
    counted = largest(table["metric"]).notna()
    low, high = numbers(table["low"], counted), numbers(table["high"], counted)
    text = table.drop(columns=["low", "high"]).assign(
        value=numbers(table["value"], counted).replace("", "blank"),
        ours=numbers(table["ours"], counted),
        n_seeds=table["n_seeds"].astype(str).replace("0", ""),
        interval=(low + "\u00a0to\u00a0" + high).mask(low == "", ""),
    )
    for column in [column for column in NAMED if column in text]:
        text[column] = text[column].map(lambda word: WORDS.get(word, word))
    if "condition" in text:
        text["condition"] = text["condition"].replace(CONDITIONS, regex=True)
    # A line of the page is a row.
    one_line = {
        column: text[column].fillna("").str.replace("\n", " ") for column in columns if column in text
    }
    filled = {column: cell.map(html.escape) for column, cell in one_line.items()}
    shown = {html.escape(page): html.escape(address) for page, address in pages.items()}
    links = {page: f'<a href="{address}">{page}</a>' for page, address in shown.items()}
    for column in [column for column in LINKED if column in filled]:
        filled[column] = filled[column].map(lambda page: links.get(page, page))
    heads = [
        f'<th scope="col" data-kind="{kind}" data-place="{"".join(place)}">{html.escape(words)}</th>'
        for name, (words, kind, *place) in columns.items()
        if name in filled
    ]
    data = [[f"<td>{cell}" for cell in filled[column]] for column in filled]
    # HTML needs no closing tags in a table, and without them it is a fifth smaller.
    kinds = table["verdict"].str.replace(" ", "-").map(html.escape)
    rows = [f'<tr class="{kind}">' + "".join(row) for kind, *row in zip(kinds, *data, strict=True)]
    return (
        f'<div class="ledger" role="region" tabindex="0" aria-label="{html.escape(name)}"><noscript><table>'
        f"<thead><tr>{''.join(heads)}</tr></thead><tbody>\n"
        + "\n".join(rows)
        + "\n</tbody></table></noscript></div>"
    )
