"""Words of data where HTML, Markdown and scripts are made: the browser's test is `tests/book`."""

import html
import json
import re
from types import SimpleNamespace

import pandas as pd
import pytest
from markdown_it import MarkdownIt

from attnbook import BOOK, escaped, notebook
from attnbook.charts import vegalite
from attnbook.runs import results
from attnbook.verdicts import ledger
from tests.hostile import CLASSES, NAME, TOKENS

every_token = pytest.mark.parametrize("token", TOKENS)


def text_of(page):
    """What a browser would show of some HTML, by cell."""
    return [html.unescape(cell) for cell in re.findall(r"<t[dh](?: [^>]*)?>(?:<a [^>]*>)?([^<\n]*)", page)]


def tags_of(page):
    """The names of elements in some HTML."""
    return set(re.findall(r"<[/!]?([\w-]+)", page))


OF_TABLES = {"table", "thead", "tbody", "tr", "td", "th", "style"}


@every_token
def test_cells_and_heads_of_a_table_are_text(token):
    category = pd.Series([token]).astype("category")[0]
    values = [token, [token], {"a": token}, (token, 1), SimpleNamespace(a=token), category]
    frame = pd.DataFrame({token: values, (token, "pair"): 1.5})
    frame.columns.name = token
    heads = pd.MultiIndex.from_tuples([(token, token)], names=[token, token])
    page, several = (notebook.table(t).to_html() for t in (frame, pd.DataFrame([[token]], columns=heads)))
    assert tags_of(page) | tags_of(several) <= OF_TABLES
    shown = text_of(page)
    assert shown[:2] == [token, str((token, "pair"))]
    assert shown[2::2] == [str(value) for value in values]
    assert text_of(several) == [token] * 3


@every_token
def test_a_specification_cannot_leave_its_script(token):
    value = {"name": token, token: [token, {"a": token}], "number": 1.5}
    script = escaped.in_script(value)
    assert json.loads(script) == value
    assert not re.search("[<>&\u2028\u2029\x85]", script)
    assert script.isascii()


@pytest.mark.slow
@pytest.mark.parametrize("token", ["<!--<script>", "</script>", TOKENS[0], "-->"])
def test_the_html_of_a_chart_has_its_own_elements_alone(token):
    spec = {"title": token, "description": token, "usermeta": {"source": token}, "mark": "text"}
    spec["data"] = {"values": [{"word": token, token: 1}]}
    spec["encoding"] = {"text": {"field": "word", "type": "nominal"}}
    page = vegalite.figure_html(spec)
    own = {"figure", "figcaption", "div", "img", "script", "details", "summary", "p"}
    assert tags_of(page) == own
    assert tags_of(vegalite.figure_html(spec, '"><b>.ipynb')) == own | {"a"}
    assert json.loads(re.search("<script[^>]*>(.*)</script>", page)[1]) == vegalite.as_shown(spec)


@every_token
def test_the_ledger_shows_text_in_cells_heads_links_and_classes(token):
    words = dict.fromkeys(("metric", "dataset", "verdict", "reason", "experiment"), token)
    table = pd.DataFrame([words | {"value": 0.5, "ours": 0.5, "low": 0.4, "high": 0.6, "n_seeds": 2}])
    page = ledger.to_html(table, {token: token}, token, dict.fromkeys(words, (token, "few")))
    assert tags_of(page) <= OF_TABLES | {"div", "a", "noscript"}
    assert set(text_of(page)) == {" ".join(token.split("\n"))}
    for attribute in ("aria-label", "href"):
        (value,) = re.findall(f'{attribute}="([^"]*)"', page)
        assert html.unescape(value) == token


def shown(markdown):
    """What CommonMark makes of a sentence: its elements, and its text."""
    page = MarkdownIt("commonmark").render(markdown)
    return tags_of(page), html.unescape(re.sub("</?(p|code|strong|em)>", "", page)).strip()


@every_token
def test_words_in_markdown_are_words(token):
    line = " ".join(token.split())
    tags = {"p", "strong", "em", "code"}
    assert shown(f"**Of** {escaped.as_code(token)} *words*") == (tags, f"Of {line} words")
    # What is not told apart from the sentence may be emphasis, never HTML.
    tags, _ = shown(notebook.markdown(f"Of {token} words").data)
    assert tags <= {"p", "em", "code", "a", "img"}
    assert "img" not in tags or token.startswith("![")


@pytest.mark.parametrize("words", ["a\n\n# b", "``` \n```", "a\n\n<script>", "`", "``", "a`b``c"])
def test_blank_lines_and_fences_cannot_end_a_sentence(words):
    assert shown(f"Of {escaped.as_code(words)}.") == ({"p", "code"}, f"Of {' '.join(words.split())}.")


def test_the_last_line_of_a_page_shows_parameters_and_data_as_they_are(monkeypatch):
    monkeypatch.setattr("attnbook.runs.results.commit", lambda: "0123456789ab")
    values = {"text": " ".join(TOKENS), "dataset": NAME, "names": list(CLASSES)}
    tags, text = shown(notebook.Page(NAME, values).origin({"dataset": NAME, "data": "0" * 64}).data)
    assert tags == {"p", "strong", "code"}
    given = ", ".join(f"{name}={value!r}" for name, value in values.items())
    assert f"{given}. Data: {NAME}, sha256 0" in text


def test_no_notebook_makes_markdown_or_html_around_it():
    from tests.test_notebooks import NOTEBOOKS

    for source in NOTEBOOKS:
        text = source.read_text()
        assert not re.search(r"(?<!notebook\.)\bMarkdown\(|import.*\bMarkdown\b", text), source
        for line in re.findall(r"^.*HTML\(.*$", text, re.M):
            assert line.startswith("HTML(ledger.to_html("), source


FORMULAS = ("=1+1", "+1-1", "-lrb-", "@SUM(A1)", "\t=1", "\r=1", "-", "=", "+", "-1-1", "-.", "+1e", "--1")
WORDS = ("a=1", "", "-1", "+.5", "-2.5e-3", "'", "good", "1-2", "-1.", " =1")


def test_words_that_a_spreadsheet_would_take_for_formulas_have_an_apostrophe(tmp_path):
    texts = [*FORMULAS, *WORDS, None]
    numbers = {"score": range(-5, len(texts) - 5), "label": pd.Series([-1] * len(texts), dtype="Int64")}
    table = pd.DataFrame({"=token": texts, **numbers, "kind": pd.Series(texts).astype("category")})
    made = escaped.for_spreadsheet(table)
    assert list(made) == ["'=token", "score", "label", "kind"]
    for column in ("'=token", "kind"):
        assert made[column].tolist()[:-1] == [*(f"'{text}" for text in FORMULAS), *WORDS]
    pd.testing.assert_frame_equal(made[list(numbers)], table[list(numbers)])
    assert escaped.for_spreadsheet(table[:0]).empty
    # So are the tables of a page, and no others: what is read again is as it was.
    notebook.Page("p/e", {"output": str(tmp_path)}).write(table, "t.csv")
    assert pd.read_csv(tmp_path / "t.csv")["'=token"][0] == "'=1+1"
    assert results.read(results.write(table, tmp_path / "own.csv"))["=token"][0] == "=1+1"


def test_the_numbers_of_a_figure_are_written_by_the_same_rule():
    script = (BOOK / "_assets/charts_table.js").read_text()
    assert f"const FORMULA = /^{escaped.FORMULA.pattern}/i;" in script
