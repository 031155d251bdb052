"""Words of a data set are shown on a page as they are and do nothing there: in a browser, run to site."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from attnbook.charts import vegalite
from attnbook.runs import run
from tests import hostile
from tests.book.conftest import ROOT, served
from tests.book.test_browser import CHROMIUM, Visit, browser, pytestmark  # noqa: F401
from tests.test_notebooks import charts_of, small

# Every page that shows words of texts: those of a heat map, and the one that lists questions.
OF_TEXTS = sorted(
    path.relative_to(ROOT / "notebooks").with_suffix("").as_posix()
    for path in (ROOT / "notebooks").rglob("*.py")
    if "charts.heatmap(" in path.read_text() and "\ndataset: " in path.read_text()
)
OF_QUESTIONS = ["violation/regions"]
# Whatever else can put a word on a page, and then one more table and one more chart.
EVERYTHING = """
# # Everything that shows a word
# %% tags=["remove-cell"]
from typing import Optional
# %% tags=["parameters"]
text: Optional[str] = None
# %%
import numpy as np, pandas as pd
from IPython.display import HTML, Markdown
from myst_nb import glue
from attnbook import charts, notebook
from attnbook.verdicts import ledger
from attnbook.escaped import as_code
from tests import hostile
page = notebook.begin(globals(), hostile.NAME)
from tests.hostile import CLASSES, NAME, TOKENS
charts.enable(notebook.source(NAME, page.parameters | {"token": TOKENS[0]}))
n = len(TOKENS)
frame = pd.DataFrame({"word": TOKENS, "value": np.linspace(.1, .9, n), "low": 0.05, "high": 0.95})
frame["class"] = np.resize(CLASSES, n)
# Vega-Lite itself refuses a category with a line separator in it.
named = frame[~frame["word"].str.contains("\\u2028")]
# %%
notebook.table(frame.rename(columns={"value": NAME}))
# %%
wide = pd.DataFrame([range(n), [list(TOKENS)] * n], columns=list(TOKENS))
wide.columns.name = TOKENS[0]
notebook.table(wide)
# %%
pairs = pd.MultiIndex.from_tuples([(word, word) for word in TOKENS], names=TOKENS[:2])
notebook.table(pd.DataFrame([range(n)], columns=pairs))
# %%
frame
# %%
charts.intervals(named, "word", title=TOKENS[0], x_title=TOKENS[1])
# %%
charts.ecdf(named, "value", by="class", facet="word", title=NAME, x_title="x", domain=(0, 1))
# %%
dots = named.assign(published=.3)
charts.dot_panels(dots, "word", panel="class", title=TOKENS[2], x_title=NAME)
# %%
cells = pd.DataFrame({"metric": TOKENS, "value": .5, "ours": .5, "low": .4, "high": .6, "n_seeds": 2})
cells = cells.assign(verdict="compatible", reason=TOKENS, experiment=TOKENS, dataset=NAME, source=NAME)
HTML(ledger.to_html(cells, {TOKENS[0]: TOKENS[3], "-->": NAME}, NAME))
# %%
Markdown(f"Classes: {as_code(', '.join([NAME, *CLASSES]))}. *End of classes.*")
# %%
notebook.markdown("Words: " + " ".join(TOKENS) + " *end of words.*")
# %%
Markdown(f"Escaped: {as_code(' '.join(TOKENS))} *end.*")
# %%
glue("word", TOKENS[0], display=False)
print(*TOKENS, sep="\\n")
# %% [markdown]
# Glued: {glue:text}`word`, and so on.
# %%
notebook.nothing()
# %%
notebook.Page(NAME, {"text": " ".join(TOKENS), "dataset": NAME}).origin({"dataset": NAME, "data": "0" * 64})
# %%
notebook.table(pd.DataFrame({"the last": [1, 2]}))
# %%
charts.intervals(frame[:2], "word", title="the last", x_title="x")
"""
FIRST = '\n# %% tags=["remove-cell"]\nfrom tests import hostile\nhostile.register()\n'


@pytest.fixture(scope="module")
def executed(tmp_path_factory):
    """Notebooks, executed on the hostile data sets, by name."""
    folder = tmp_path_factory.mktemp("hostile")
    found = {}
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", str(ROOT))
        for name in (*OF_TEXTS, *OF_QUESTIONS, "everything"):
            source = folder / f"{name}.py"
            source.parent.mkdir(exist_ok=True)
            if name == "everything":
                source.write_text(EVERYTHING)
                values = {"text": " ".join(hostile.TOKENS)}
            else:
                text = (ROOT / "notebooks" / f"{name}.py").read_text()
                at = text.index("\n# %% tags=")
                source.write_text(text[:at] + FIRST + text[at:])
                values = small(source) | {"limit": 8, "epochs": 1}
                values |= {"n_steps": 2} if "\nn_steps: " in text else {}
                values["dataset"] = "hostile_scenes" if name in OF_QUESTIONS else "hostile"
            found[name] = run.run(source, folder / "book" / f"{name}.ipynb", values)
    return found


@pytest.fixture(scope="module")
def pages(executed):
    """The address of a site of these notebooks, made as the book is."""
    folder = executed["everything"].parent
    for name in ("_assets", "references.bib"):
        place = shutil.copytree if (ROOT / "book" / name).is_dir() else shutil.copy
        place(ROOT / "book" / name, folder / name)
    (folder / "_toc.yml").write_text(
        json.dumps(
            {
                "format": "jb-book",
                "root": "everything",
                "chapters": [{"file": n} for n in list(executed)[:-1]],
            }
        )
    )
    words = [
        "build",
        str(folder),
        "--config",
        "_config.yml",
        "--path-output",
        str(folder.parent),
        "--keep-going",
    ]
    done = subprocess.run(
        [str(Path(sys.executable).parent / "jupyter-book"), *words], cwd=ROOT, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    with served(folder.parent / "_build/html") as address:
        yield address


@pytest.fixture
def visit(browser, pages):  # noqa: F811
    page = browser.new_context().new_page()
    one = Visit(page, pages)
    page.on("pageerror", lambda error: one.complaints.append(str(error)))
    page.on("dialog", lambda dialog: one.complaints.append(dialog.message))
    yield one
    page.context.close()


def texts_of(page, selector):
    """The text of every element that fits, as it stands in the page."""
    return page.eval_on_selector_all(selector, "all => all.map(e => e.textContent)")


def nothing_ran(visit, executed):
    """Every chart and every table is there, nothing else ran, and the page goes on to its end."""
    page = visit.page
    bundles = charts_of(executed)
    outputs = [o for cell in json.loads(executed.read_text())["cells"] for o in cell.get("outputs", [])]
    tables = [
        "".join(o["data"]["text/html"]).count("<table") for o in outputs if "text/html" in o.get("data", {})
    ]
    page.mouse.move(600, 400)
    assert page.evaluate("window.marked") is None
    assert visit.complaints == []
    assert page.locator(".chart svg.marks").count() == len(bundles) > 0
    assert page.locator(".chart-origin").count() == len(bundles)
    assert page.locator(".cell_output table").count() == sum(tables) > 0
    titles = [vegalite.words_of(bundle[vegalite.MIME])[0] for bundle in bundles]
    assert texts_of(page, ".chart figcaption") == titles
    assert page.locator("footer").count()


@pytest.mark.parametrize("name", OF_TEXTS)
def test_every_token_of_a_text_is_seen_and_none_acts(name, visit, executed):
    page = visit.go(name)
    nothing_ran(visit, executed[name])
    drawn = set(texts_of(page, ".chart svg.marks .role-mark text"))
    assert set(hostile.TOKENS) - drawn == set()


def test_there_are_pages_of_texts():
    assert len(OF_TEXTS) >= 4


def test_the_table_of_top_tokens_shows_them(visit, executed):
    page = visit.go("violation/example")
    cells = texts_of(page, ".cell_output td")
    assert set(cells) & set(hostile.TOKENS)


def test_the_tooltip_of_a_token_shows_it(visit):
    page = visit.go("violation/example")
    for token in ("<DE>", "</script>", hostile.TOKENS[0], "&amp;"):
        mark = page.locator(".chart svg.marks .role-mark text").get_by_text(token, exact=True).first
        mark.hover(force=True)
        page.locator("#vg-tooltip-element.visible").wait_for()
        assert token in texts_of(page, "#vg-tooltip-element td.value")
    assert page.evaluate("window.marked") is None


@pytest.mark.parametrize("name", OF_QUESTIONS)
def test_questions_in_a_table_are_seen(name, visit, executed):
    page = visit.go(name)
    nothing_ran(visit, executed[name])
    shown = " ".join(texts_of(page, ".cell_output table td"))
    assert any(token in shown for token in hostile.TOKENS[:12])
    first = hostile.scenes().test.questions[0][0]
    assert first in shown


def test_every_way_to_show_a_word_shows_it_as_it_is(visit, executed):
    page = visit.go("everything")
    nothing_ran(visit, executed["everything"])
    tokens = set(hostile.TOKENS)
    for table in page.locator(".cell_output table").all()[:5]:
        found = table.evaluate("t => [...t.querySelectorAll('th, td')].map(e => e.textContent.trimEnd())")
        assert tokens - set(found) == set()
    for selector in (".chart-origin", ".cell_output pre"):
        shown = max(texts_of(page, selector), key=len)
        assert not [token for token in tokens if token not in shown]
    lines = {line.split()[0]: " ".join(line.split()) for line in texts_of(page, "p") if line.strip()}
    assert lines["Glued:"] == f"Glued: {hostile.TOKENS[0]}, and so on."
    assert all(name in lines["Classes:"] for name in (*hostile.CLASSES, hostile.NAME))
    assert lines["Words:"].endswith("end of words.")
    assert lines["Classes:"].endswith("End of classes.")
    # A sentence has the quotes and dashes of print, and is one line.
    set_otherwise = ("'", '"', "--", "\u2028", "\x85")
    plain = [token for token in hostile.TOKENS if not any(part in token for part in set_otherwise)]
    assert len(plain) > 20
    assert not [token for token in plain if token not in lines["Escaped:"]]
    origin = lines["Where"]
    assert f"Data: {hostile.NAME}, sha256 0000000000000000…" in origin
    assert origin.endswith("threads.")
    assert not [token for token in tokens if repr(token)[1:-1].split("'")[0] not in origin]
    assert "the last" in texts_of(page, ".cell_output th")
    assert "the last" in texts_of(page, ".chart figcaption")
