"""What every notebook does first and last: check its parameters, and say where its numbers come from.

The first call: ``page = notebook.begin(globals(), "paper/name")``; the last ones: methods of this `Page`.
"""

import ast
import html
import inspect
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from numbers import Integral
from pathlib import Path
from textwrap import dedent
from typing import Any, NamedTuple

import pandas as pd
from IPython.display import HTML, Markdown

from attnbook import BOOK, NOTEBOOKS
from attnbook.charts import frames, vegalite
from attnbook.escaped import as_code, for_spreadsheet
from attnbook.runs import results
from attnbook.runs.values import PLAIN, is_instance, kind_of, name_of
from attnlib.cache import check_output, digest
from attnlib.cache.sources import defaults
from attnlib.checks import ENDINGS, is_own, nearest, one_of, own_path

# Plain values that IPython itself puts into a notebook's namespace.
IPYTHON = {"In", "Out"}
# Tasks of data sets, as `attnlib.data` calls them, that a notebook can read.
SINGLE_TEXTS, QUESTIONS, PAIRS = ("classification",), ("question answering",), ("pair classification",)
TEXTS, SCENES = (*SINGLE_TEXTS, *QUESTIONS, *PAIRS), ("scenes",)
Numbers = Mapping[str, Any] | None
FROM = "**Where these numbers come from.**"
GENERATED = (
    '<div class="admonition note generated"><p class="admonition-title">Generated data</p><p>The run of this '
    "page is on <code>{name}</code>: made up, so that it trains in minutes and what speaks for each answer "
    'is known. It says nothing about natural language; <a href="{link}.html">what is recorded on real '
    "data</a> does.</p>"
    "{beside}</div>"
)
ANSWER = ":::{{admonition}} Answer\n:class: answer\n\n{}\n:::\n"
# Letters from which on a cell is a sentence.
SENTENCE = 60


class Link(NamedTuple):
    """A cell of a `table` that leads to another page: its words, and the page's address from this one."""

    words: str
    address: str

    def __str__(self) -> str:
        return self.words


def begin(namespace: Mapping[str, Any], name: str, reads: Sequence[str] = (), **needs: Any) -> "Page":
    """Check a notebook's parameters and name it under its charts; call it right after its imports.

    namespace: `globals()`; name: paper/experiment; reads and needs: as `parameters` takes them.
    """
    # As the library's folder is not known to be this repository's.
    os.environ.setdefault("ATTNLIB_READOUTS", str(BOOK / "readouts"))
    page = Page(name, parameters(namespace, reads, **needs))
    vegalite.enable(source(name, page.parameters))
    return page


@dataclass(frozen=True)
class Page:
    """A notebook from its first call to its last: its name, paper/experiment, and its parameters."""

    name: str
    parameters: dict[str, Any]

    def summary(self, run: Any, tables: pd.DataFrame | Sequence[pd.DataFrame]) -> pd.DataFrame:
        """Tables of a run, one below the other, in the schema of `results`; without classes, of class "all".

        run: what `attnlib.prepare` gave.
        """
        table = tables if isinstance(tables, pd.DataFrame) else pd.concat(tables, ignore_index=True)
        if "class" not in table:
            table = table.assign(**{"class": "all"})
        return results.of_run(run, table, self.name)

    def glue(self, numbers: Numbers = None, **more: Any) -> None:
        """Make numbers (NumPy's and one-element tensors too) and words known to the page's prose by name."""
        from myst_nb import glue

        for name, value in {**({} if numbers is None else numbers), **more}.items():
            glue(name, value.item() if hasattr(value, "item") else value, display=False)

    def finish(
        self, run: Any, frame: pd.DataFrame, summary: pd.DataFrame, numbers: Numbers = None, **more: Any
    ) -> None:
        """Keep a run's texts and summary in the folder of the parameter `output`, if any; `glue` numbers."""
        self.glue(numbers, **more)
        if self.parameters["output"]:
            results.keep(self.parameters["output"], run, frame, summary, self.parameters)

    def write(self, table: pd.DataFrame, name: str, float_format: str | None = None) -> None:
        """Write a table as a file of this name into the folder of the parameter `output`, if any.

        It is for people: words in it that a spreadsheet would take for a formula have an apostrophe.
        """
        if self.parameters["output"]:
            results.write(for_spreadsheet(table), Path(self.parameters["output"], name), float_format)

    def as_written(self) -> bool:
        """Whether this is the book's own run, that of its sentences: parameters as the notebook has them."""
        script = NOTEBOOKS / f"{self.name}.py"
        usual = defaults(script) if script.is_file() else {}
        # Runs that take precedence, where there are any, are others too.
        fresh = self.parameters.get("fresh")
        free = {"output", *([] if fresh and Path(fresh).exists() else ["fresh"])}
        return all(
            value == usual.get(name, ...) for name, value in self.parameters.items() if name not in free
        )

    def says(self, sentences: str, **numbers: Any) -> Any:
        """Displayable Markdown that a person wrote for the book's own run; another run has none of it.

        numbers: for the fields of `sentences`, as `str.format` takes them: "{inert:.0%} of the texts".
        """
        return Markdown(dedent(sentences).format(**numbers)) if self.as_written() else None

    def answer(self, sentences: str, **numbers: Any) -> Any:
        """The box under a chapter's title: number, data, verdict, link. Another run says what it is instead.

        sentences and numbers: as `says` takes them.
        """
        if self.as_written():
            return Markdown(ANSWER.format(dedent(sentences).strip().format(**numbers)))
        given = as_code(", ".join(f"{name}={value!r}" for name, value in shown(self.parameters).items()))
        # Code is shown as it is: nothing in it is to be escaped once more.
        return Markdown(f"**Another run than the book's**: {given}. Its numbers follow, without comment.")

    def figure(self, chart: Any, caption: str, **numbers: Any) -> Any:
        """A chart with a caption that states its finding; of another run its title has to do.

        caption and numbers: as `says` takes them. In place of a chart of no rows stands how to make a result.
        """
        if getattr(chart, "usermeta", None) == frames.NOTHING:
            return nothing()
        if not hasattr(chart, "properties") or not self.as_written():
            return chart
        return chart.properties(usermeta={"caption": caption.format(**numbers)})

    def playground(self, **asked: Any) -> Any:
        """Displayable HTML of a playground on the book's own sentences; another run than the book's has none.

        asked: as `attnbook.playground.element` takes them. A chapter gives a sentence and a challenge.
        """
        if not self.as_written():
            return None
        # By name: pages without one need not run again when it changes (see the Snakefile).
        return HTML(import_module("attnbook.playground").element(**asked))

    def origin(self, settings: Mapping[str, Any], recorded: Any = None) -> Any:
        """A displayable line under the last chart: parameters, data, commit and versions of this run.

        recorded: of a run that was not trained here (`Prepared.recorded`), what is known of its training.
        """
        facts = results.provenance(settings=settings)
        trained = ""
        if recorded is not None:
            made = recorded.facts["made"]
            trained = (
                f" The model was trained at commit `{made['commit']}` ({made['date'][:10]}, {made['device']})"
            )
            trained += " and its Readout recorded in `book/readouts`."
        given = as_code(", ".join(f"{name}={value!r}" for name, value in shown(self.parameters).items()))
        versions = ", ".join(f"{name} {number}" for name, number in facts["versions"].items())
        return Markdown(
            f"{FROM} Parameters: {given}. Data: {as_code(settings['dataset'])}, sha256 "
            f"`{settings['data'][:16]}…`. Commit `{facts['commit']}`; {versions}; {facts['device']}, "
            f"{facts['threads']} threads.{trained}"
        )

    def generated(
        self, by: Sequence[str] = (), metrics: Sequence[str] = (), link: str = "summary", **where: Any
    ) -> Any:
        """A marked box for a run on generated data, which says so; None on a page of a real data set.

        by and metrics: columns and metrics of this experiment's recorded runs whose means are shown in it;
        where: values of columns, to choose rows. link: the page beside this one that shows recorded runs.
        """
        catalogue, name = import_module("attnlib.data.catalogue"), str(self.parameters["dataset"])
        if name in (*catalogue.DATA_SETS, *catalogue.SET_OF) or is_own(name):
            return None
        beside = ""
        paper, experiment = self.name.split("/")
        if metrics and results.recorded_table(results.RECORDED, paper, experiment).exists():
            rows = results.recorded(paper, experiment)
            rows = rows[rows["class"].eq("all") & rows["metric"].isin(metrics)]
            for column, value in where.items():
                rows = rows[rows[column] == value]
            numbers = rows[[*by]].select_dtypes("number")
            rows = rows.assign(**{str(name): numbers[name].map("{:g}".format) for name in numbers})
            means = rows.pivot_table(index=list(by), columns="metric", values="value")
            beside = f"<p>Means of the recorded runs:</p>{table(means.reset_index()).to_html()}"
        return HTML(GENERATED.format(name=html.escape(name), link=link, beside=beside))

    def recorded(self, ours: pd.DataFrame | Mapping[tuple[str, str], pd.DataFrame]) -> Any:
        """A displayable line: how many runs results come from, their days and commits where recorded.

        ours: results of this page's paper, or of several, by what the page calls a paper and its folder.
        """
        folder = Path(self.parameters.get("recorded") or results.RECORDED)
        tables = {("", self.name.split("/")[0]): ours} if isinstance(ours, pd.DataFrame) else ours
        lines = [FROM]
        for (words, paper), table in tables.items():
            line = runs_in_words(table, folder / paper / "runs.csv")
            lines.append(f"*{words}*: {line}" if words else line)
        return markdown(" ".join(lines))


def runs_in_words(ours: pd.DataFrame, runs: str | Path) -> str:
    """A sentence: how many runs, and of the recorded ones in runs.csv the commits and the days."""
    count = ours["run"].nunique()
    if not count:
        return "No run is recorded yet."
    runs = results.as_it_lies(runs)
    known = results.read(runs) if runs.is_file() else pd.DataFrame(columns=["run", "commit", "date"])
    known = known[known["run"].isin(ours.loc[ours["origin"] == "recorded", "run"])]
    words = f"Runs of ours: {count}, of which {count - len(known)} are fresh or without a record of origin."
    if len(known):
        days = sorted(known["date"].fillna("an unknown day").str.partition("T")[0])
        commits = ", ".join(f"`{commit}`" for commit in sorted(known["commit"].unique()))
        words += f" Recorded from {days[0]} to {days[-1]} at commit {commits}."
    return words


def parameters(namespace: Mapping[str, Any], reads: Sequence[str] = (), **needs: Any) -> dict[str, Any]:
    """The notebook's parameters by name; call it with `globals()` right after the parameters cell.

    reads: what the parameter `dataset` may be: SINGLE_TEXTS, QUESTIONS, PAIRS, together TEXTS, or SCENES;
    needs: classes=2 (without it any number), sentences=True and evidence=True, which must be known. Another
    data set is a ValueError that names some that fit, before anything is trained or downloaded.

    The cell annotates each parameter (`seed: int = 0`), papermill's injected cell does not: so a plain value
    without annotation is a parameter that the notebook does not have. papermill only warns of one, and the
    run would silently use the default; here it is a ValueError that lists the parameters. A value of another
    type than annotated is refused too.
    """
    declared: dict[str, Any] = dict(namespace.get("__annotations__", {}))
    named = [name for name in namespace if not name.startswith("_") and name not in IPYTHON]
    values = {name: namespace[name] for name in named if isinstance(namespace[name], PLAIN)}
    for name in values:
        one_of("parameter", name, declared)
    for name, kind in declared.items():
        value = values[name]
        if not is_instance(value, kind := kind_of(kind)):
            raise ValueError(f"parameter {name} is {value!r}: it must be {name_of(kind)}")
    if isinstance(output := values.get("output"), str):
        check_output(output, "parameter output")
    if reads:
        check_dataset(str(values["dataset"]), reads, **needs)
    return {name: values[name] for name in declared}


def check_dataset(name: str, reads: Sequence[str], **needs: Any) -> None:
    """ValueError for a data set of no task in `reads`, or without what is needed (see `parameters`)."""
    # By name, since a page of records checks its parameters too, and need not run again when data change.
    data, traits = import_module("attnlib.data"), import_module("attnlib.data.traits")
    wanted = traits.describe(reads, **needs)
    fitting = [known for known, its in traits.KNOWN.items() if its.fits(reads, **needs)]
    if name in data.LOADERS or name in data.SCENES or is_own(name):
        found = traits.traits_of(name)
        if found.fits(reads, **needs):
            return
        problem = str(found)
    else:
        near = nearest(name, fitting)
        problem = "unknown" + (f" (did you mean {near!r}?)" if near else "")
        problem += f", and no file of your own ({', '.join(ENDINGS)})"
    known = f"This notebook reads {wanted}: {', '.join(fitting)}"
    raise ValueError(f"parameter dataset is {name!r}: {problem}. {known}")


def table(frame: pd.DataFrame, columns: Sequence[str] | None = None) -> Any:
    """A frame as a table on a page: no index, and the same HTML for the same numbers.

    Three decimals; none for a number of a thousand or more, nor in a column of whole numbers. Columns of
    sentences have the class `sentence`, which keeps them from being squeezed to a word per line. Cells and
    heads are text: HTML in them is shown, as it may be a token of a data set.
    """
    shown = (frame if columns is None else frame[list(columns)]).reset_index(drop=True)
    name = digest(shown.to_csv(index=False))[:8]
    formats: dict[Any, Any] = {column: cell_format(shown[column]) for column in shown}
    style = shown.style.format(formats, na_rep="").hide(axis="index").set_uuid(f"table-{name}")
    style = style.format_index(lambda head: html.escape(str(head)), axis="columns")
    sentences = [column for column in shown if shown[column].astype(str).str.len().max() > SENTENCE]
    return style.set_td_classes(pd.DataFrame("sentence", shown.index, sentences))


def cell_format(column: pd.Series) -> Callable[[object], str]:
    """How the cells of a column are written, as HTML. Whole numbers up to 1 may be shares: with decimals."""
    values = pd.to_numeric(column, errors="coerce").dropna()
    whole = bool((values % 1 == 0).all()) and values.abs().max() > 1

    def written(value: object) -> str:
        if isinstance(value, Link):
            return f'<a href="{html.escape(value.address)}">{html.escape(value.words)}</a>'
        if not isinstance(value, float):  # numpy's are, too
            counted = isinstance(value, Integral) and not isinstance(value, bool)
            return f"{value:,}" if counted else html.escape(str(value))
        return f"{value:,.0f}" if whole or abs(value) >= 1000 else f"{value:.3f}"

    return written


def code_of(function: Callable[..., Any]) -> Any:
    """The lines of a function without its docstring, to be shown beside the call of its faster twin."""
    text = dedent(inspect.getsource(function))
    body = ast.parse(text).body[0].body  # type: ignore[attr-defined]
    lines = text.splitlines()
    if isinstance(body[0], ast.Expr) and isinstance(body[0].value, ast.Constant):
        del lines[body[0].lineno - 1 : body[0].end_lineno]
    return Markdown("\n".join(["```python", *lines, "```"]))


def source(name: str, values: Mapping[str, Any]) -> str:
    """The line under every chart: notebook, the parameters that are set, commit."""
    kept = {key: value for key, value in values.items() if value is not None and key != "output"}
    given = "".join(f" {key}={value}" for key, value in shown(kept).items())
    return f"notebooks/{name}.py{given} · commit {results.commit()}"


def shown(values: Mapping[str, Any]) -> dict[str, Any]:
    """Parameters as a page shows them: of a file of one's own its name, not the folder where it lies."""
    own = own_path(values.get("dataset"))
    return dict(values) if own is None else {**values, "dataset": own.name}


def markdown(sentence: str) -> Any:
    """A displayable Markdown sentence in which HTML is shown as text, for names of data may stand in it."""
    return Markdown(html.escape(sentence, quote=False))


def nothing() -> Any:
    """A displayable line in place of a figure or table for which there is no result yet."""
    # A role such as {doc} is read in a page's text, not in what a cell displays. Pages are two folders deep.
    link = '<a href="../../run.html">Run it yourself</a>'
    return Markdown(f"No result to show yet: {link} says how to make one.")
