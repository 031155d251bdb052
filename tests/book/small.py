"""A small book in the style of the large one, built in seconds: its configuration, extensions and scripts."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import altair as alt
import nbformat
import pandas as pd
import yaml

from attnbook import playground
from attnbook.charts import vegalite
from tests.book.conftest import ROOT

LONG = "integrated gradients of the product, as released"
ALT = "Attention orders the tokens as leave-one-out does on most sets"
CHAPTER_AND_PAGE = {"file": "chapters/reach", "sections": [{"file": "experiments/one"}]}
PLAYGROUND = {"file": "chapters/playground"}
TOC = {
    "format": "jb-book",
    "root": "index",
    "parts": [
        {"caption": "Questions", "chapters": [CHAPTER_AND_PAGE, PLAYGROUND]},
        {"caption": "Use", "chapters": [{"file": "glossary"}, {"file": "api"}]},
    ],
}
PAGES = {
    "index": "# A small book\n\nThe first page of a small book. It has a second sentence.\n",
    "glossary": "# Words\n\nWhat words mean here.\n\n"
    "```{glossary}\nreach\n  The outputs that some attention gives."
    "\n\nfaithfulness\n  To say what the model does.\n```\n",
    "api": "# Library\n\nFunctions that measure the reach.\n\n"
    "```{py:function} attnlib.kernels.reach(readout)\n"
    "The reach of a readout.\n```\n\n```{py:function} attnlib.kernels.faithfulness(x)\nReach again.\n```\n",
}
CHAPTER = r"""# How far does attention reach?

```{admonition} Answer
:class: answer
Attention can reach every output on 0.64 of the texts. Holds.

{doc}`More <../experiments/one>`
```

<div class="strip"><span class="holds">holds</span> <span class="points-that-way">points that way</span>
<span class="open">open</span> <span class="points-the-other-way">points the other way</span>
<span class="differs">differs</span> <span class="not-run">not run</span></div>

The reach of a text is the range of its outputs.

$$
\hat y(\alpha) = \sigma\left(\sum_{t=1}^{T} \alpha_t \, \langle \beta, z_t \rangle + b\right)
\quad\text{for all}\quad
\alpha \in \Delta^{T-1}, \qquad \min_t s_t \le \hat s \le \max_t s_t, \qquad
s_t = \langle \beta, z_t \rangle + b
$$

```{admonition} Solution
:class: dropdown
It is one half.
```
"""


def rows():
    sets = ("SST", "IMDB", "AG News")
    methods = ("attention", "gradient", LONG)
    values = [
        (one, method, i / 10 + j / 20) for i, one in enumerate(sets) for j, method in enumerate(methods)
    ]
    return pd.DataFrame(values, columns=["dataset", "method", "share"])


def charts():
    """Charts of each kind: one view, panels by a column, wrapped panels, two beside each other."""
    alt.theme.register("attnlib", enable=True)(vegalite.theme)
    base = (
        alt.Chart(rows())
        .mark_point()
        .encode(
            x=alt.X("share", title="share of texts on which both orders agree with each other"),
            y=alt.Y("method", title=None),
            color=alt.Color("method", title="score of a token").legend(orient="right"),
            tooltip=[
                alt.Tooltip("dataset", title="data set"),
                alt.Tooltip("share", title="share", format=".2f"),
            ],
        )
    )
    one = base.properties(width=560, height=120)
    column = base.properties(width=260).facet(column=alt.Column("dataset", title=None))
    wrapped = base.properties(width=160).facet(alt.Facet("dataset", title=None), columns=3)
    beside = alt.hconcat(base.properties(width=250), base.encode(y="dataset").properties(width=250))
    said = {"caption": "Attention agrees with leave-one-out. <b>Twice</b>.", "alt": ALT}
    for number, chart in enumerate((one, column, wrapped, beside)):
        more = {"usermeta": said} if number == 0 else {}
        yield chart.properties(
            title="T" * 300 if number == 1 else f"Chart {number}", description="d" * 400, **more
        )


def notebook(words, charts=(), html=""):
    """An executed notebook: a page of words, a cell for each chart, and one that displays HTML."""
    cells = [nbformat.v4.new_markdown_cell(words)]
    code = "faithfulness = reach  # code that the search must not find: zanzibar"
    for number, chart in enumerate(charts):
        bundle = vegalite.render(chart.to_dict(), source="notebooks/one.py dataset=sst · commit 123")
        output = nbformat.v4.new_output("display_data", bundle)
        cells.append(nbformat.v4.new_code_cell(code, outputs=[output], execution_count=number + 1))
        cells[-1].metadata["tags"] = ["hide-input"]
    if charts:
        cells.append(nbformat.v4.new_code_cell(code + "x" * 300, execution_count=9))
    if html:
        output = nbformat.v4.new_output("display_data", {"text/html": html})
        cells.append(nbformat.v4.new_code_cell(code, outputs=[output], metadata={"tags": ["remove-input"]}))
    kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
    return nbformat.v4.new_notebook(cells=cells, metadata=kernel)


def build(folder: Path) -> Path:
    """Build the small book in a folder; returns the folder of the site."""
    book = folder / "book"
    for name in ("_assets", "_ext"):
        shutil.copytree(ROOT / "book" / name, book / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "book/references.bib", book)
    (book / "_toc.yml").write_text(yaml.safe_dump(TOC))
    for name, words in PAGES.items():
        (book / f"{name}.md").write_text(words)
    pages = {"chapters/reach": notebook(CHAPTER, list(charts()))}
    pages["experiments/one"] = notebook("# An experiment\n\nThe reach and the faithfulness, measured.\n")
    pages["chapters/playground"] = notebook("# Play\n\nA page to play on.\n", html=playground.element())
    for name, made in pages.items():
        (book / name).parent.mkdir(exist_ok=True)
        nbformat.write(made, book / f"{name}.ipynb")
    command = [
        str(Path(sys.executable).parent / "jupyter-book"),
        "build",
        str(book),
        "-W",
        "-q",
        "--keep-going",
    ]
    command += ["--config", str(ROOT / "_config.yml"), "--path-output", str(folder)]
    paths = os.pathsep.join((str(ROOT), str(ROOT / "book")))
    done = subprocess.run(
        command, cwd=ROOT, env=os.environ | {"PYTHONPATH": paths}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    return folder / "_build/html"
