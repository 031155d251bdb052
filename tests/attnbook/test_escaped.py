"""Words of data where HTML, Markdown and scripts are made: the browser's test is `tests/book`."""

import html
import json
import re
from types import SimpleNamespace

import pandas as pd
import pytest

from attnbook import escaped, notebook
from attnbook.charts import vegalite
from attnbook.verdicts import ledger, summary
from tests.hostile import CLASSES, NAME, TOKENS


def text_of(page):
    """What a browser would show of some HTML, by cell."""
    return [html.unescape(cell) for cell in re.findall(r"<t[dh](?: [^>]*)?>(?:<a [^>]*>)?([^<\n]*)", page)]


def tags_of(page):
    return set(re.findall(r"<[/!]?[\w-]+", page))


OF_TABLES = {
    f"<{end}{name}" for name in ("table", "thead", "tbody", "tr", "td", "th", "style") for end in ("", "/")
}


@pytest.mark.parametrize("token", TOKENS)
def test_cells_and_heads_of_a_table_are_text(token):
    values = [
        token,
        [token],
        {"a": token},
        (token, 1),
        SimpleNamespace(a=token),
        pd.Series([token]).astype("category")[0],
    ]
    frame = pd.DataFrame({token: values, (token, "pair"): 1.5})
    frame.columns.name = token
    page = notebook.table(frame).to_html()
    assert tags_of(page) <= OF_TABLES
    shown = text_of(page)
    assert shown[0] == token
    assert shown[1] == str((token, "pair"))
    assert shown[2::2] == [str(value) for value in values]
    several = pd.DataFrame(
        [[token]], columns=pd.MultiIndex.from_tuples([(token, token)], names=[token, token])
    )
    page = notebook.table(several).to_html()
    assert tags_of(page) <= OF_TABLES
    assert text_of(page) == [token] * 3


@pytest.mark.parametrize("token", TOKENS)
def test_a_specification_cannot_leave_its_script(token):
    value = {"name": token, token: [token, {"a": token}], "number": 1.5}
    script = escaped.in_script(value)
    assert json.loads(script) == value
    assert not re.search("[<>&\u2028\u2029\x85]", script)
    assert script.isascii()


@pytest.mark.slow
@pytest.mark.parametrize("token", ["<!--<script>", "</script>", TOKENS[0], "-->"])
def test_the_html_of_a_chart_has_its_own_elements_alone(token):
    spec = {
        "title": token,
        "description": token,
        "usermeta": {"source": token},
        "data": {"values": [{"word": token, token: 1}]},
        "mark": "text",
        "encoding": {"text": {"field": "word", "type": "nominal"}},
    }
    page = vegalite.figure_html(spec)
    assert tags_of(page) == {"<div", "</div", "<img", "<script", "</script", "<p", "</p"}
    assert json.loads(re.search("<script[^>]*>(.*)</script>", page)[1]) == spec


@pytest.mark.parametrize("token", TOKENS)
def test_the_ledger_shows_text_in_cells_heads_links_and_classes(token):
    table = pd.DataFrame(
        {"metric": [token], "value": 0.5, "ours": 0.5, "low": 0.4, "high": 0.6, "n_seeds": 2}
    )
    table = table.assign(verdict=token, reason=token, experiment=token, dataset=token)
    columns = dict.fromkeys(("metric", "dataset", "verdict", "reason", "experiment"), (token, "few"))
    page = ledger.to_html(table, {token: token}, token, columns)
    assert tags_of(page) <= OF_TABLES | {"<div", "</div", "<a", "</a", "<wbr"}
    assert all(text == token for text in text_of(page.replace("<wbr>", "")))
    (label,) = re.findall('aria-label="([^"]*)"', page)
    (address,) = re.findall('href="([^"]*)"', page)
    assert html.unescape(label) == html.unescape(address) == token


def shown(markdown):
    """What CommonMark makes of a sentence: HTML, and its text."""
    from markdown_it import MarkdownIt

    page = MarkdownIt("commonmark").render(markdown)
    return page, html.unescape(re.sub("</?(p|code|strong|em)>", "", page)).strip()


@pytest.mark.parametrize("token", TOKENS)
def test_words_in_markdown_are_words(token):
    line = " ".join(token.split())
    page, text = shown(notebook.markdown(f"**Of** {escaped.in_markdown(token)} *words*").data)
    assert tags_of(page) == {"<p", "</p", "<strong", "</strong", "<em", "</em"}
    assert text == f"Of {line} words"
    page, text = shown(f"**Of** {escaped.as_code(token)} *words*")
    assert tags_of(page) == {"<p", "</p", "<strong", "</strong", "<em", "</em", "<code", "</code"}
    assert text == f"Of {line} words"
    # What is not told apart from the sentence may be emphasis, never HTML.
    page, _ = shown(notebook.markdown(f"Of {token} words").data)
    assert tags_of(page) <= {"<p", "</p", "<em", "</em", "<code", "</code", "<a", "</a", "<img"}
    assert "<img" not in page or token.startswith("![")


def test_blank_lines_and_fences_cannot_end_a_sentence():
    for words in ("a\n\n# b", "``` \n```", "a\n\n<script>", "`", "``", "a`b``c"):
        page, text = shown(f"Of {escaped.as_code(words)}.")
        assert tags_of(page) == {"<p", "</p", "<code", "</code"}
        assert text == f"Of {' '.join(words.split())}."
        page, text = shown(notebook.markdown(f"Of {escaped.in_markdown(words)}.").data)
        assert tags_of(page) == {"<p", "</p"}
        assert text == f"Of {' '.join(words.split())}."


def test_the_last_line_of_a_page_shows_parameters_and_data_as_they_are(monkeypatch):
    monkeypatch.setattr("attnbook.runs.results.commit", lambda: "0123456789ab")
    values = {"text": " ".join(TOKENS), "dataset": NAME, "names": list(CLASSES)}
    page, text = shown(notebook.Page(NAME, values).origin({"dataset": NAME, "data": "0" * 64}).data)
    assert tags_of(page) == {"<p", "</p", "<strong", "</strong", "<code", "</code"}
    assert (
        f"text={values['text']!r}, dataset={NAME!r}, names={values['names']!r}. Data: {NAME}, sha256 0"
        in text
    )


def test_names_of_classes_in_a_sentence_are_shown_as_they_are():
    rows = pd.DataFrame({"dataset": NAME, "place": ["first class", "second class"], "class": CLASSES})
    page, text = shown(notebook.markdown(f"Of {summary.class_list(rows)}").data)
    assert tags_of(page) == {"<p", "</p"}
    assert text == f"Of {NAME} {', '.join(CLASSES)}"


def test_no_notebook_makes_markdown_or_html_around_it():
    from tests.test_notebooks import NOTEBOOKS

    for source in NOTEBOOKS:
        text = source.read_text()
        assert not re.search(r"(?<!notebook\.)\bMarkdown\(|import.*\bMarkdown\b", text), source
        assert all(
            line.startswith("HTML(ledger.to_html(") for line in re.findall(r"^.*HTML\(.*$", text, re.M)
        ), source
