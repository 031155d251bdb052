"""What the book's scripts, style and extensions make of a page, on a small book in a browser."""

import re
import subprocess
import sys

import pytest

from tests.book import axe, small
from tests.book.conftest import ROOT, served
from tests.book.test_browser import browser, pytestmark  # noqa: F401

PAGES = (
    "index",
    "chapters/reach",
    "experiments/one",
    "chapters/playground",
    "glossary",
    "api",
    "search",
    "genindex",
)
SCREENS = {
    "light": {"viewport": {"width": 1366, "height": 900}, "color_scheme": "light"},
    "dark": {"viewport": {"width": 1366, "height": 900}, "color_scheme": "dark"},
    "phone": {"viewport": {"width": 390, "height": 800}},
}


@pytest.fixture(scope="module")
def small_site(tmp_path_factory):
    return small.build(tmp_path_factory.mktemp("small"))


@pytest.fixture
def visit(browser, small_site, request):  # noqa: F811
    """Open a page of the small book as a file; whatever the console says fails the test."""
    context = browser.new_context(**SCREENS[getattr(request, "param", "light")])
    page, complaints = context.new_page(), []
    page.on("pageerror", lambda error: complaints.append(f"error {error}"))
    page.on("console", lambda line: line.type in ("error", "warning") and complaints.append(line.text))
    page.on("requestfailed", lambda call: complaints.append(f"failed {call.url}"))

    def go(name):
        page.goto((small_site / f"{name}.html").as_uri())
        page.wait_for_load_state("load")
        page.wait_for_function("[...document.querySelectorAll('.chart')].every(c => c.dataset.drawn)")
        return page

    yield go
    assert complaints == []
    context.close()


def test_a_chart_is_a_numbered_figure_that_is_read_once(visit):
    page = visit("chapters/reach")
    figures = page.locator("figure.chart").all()
    assert len(figures) == 4
    assert (
        figures[0].locator("figcaption").inner_text() == "Attention agrees with leave-one-out. <b>Twice</b>."
    )
    before = "e => getComputedStyle(e, '::before').content"
    assert "Figure" in figures[3].locator("figcaption").evaluate(before)
    for figure in figures:
        named = figure.locator("[aria-label]").all()
        assert len(named) == 1
        assert named[0].get_attribute("role") == "img"
        assert 0 < len(named[0].get_attribute("aria-label")) <= 160
        assert figure.locator("img").get_attribute("alt") == ""
        assert figure.locator(".chart-canvas").get_attribute("aria-hidden") == "true"
    assert figures[0].locator(".chart-box").get_attribute("aria-label") == small.ALT


def test_a_charts_numbers_are_a_table_and_a_file_by_keyboard(visit):
    page = visit("chapters/reach")
    figure = page.locator("figure.chart").first
    assert figure.locator("a", has_text="source").get_attribute("href") == "../_sources/chapters/reach.ipynb"
    with page.expect_download() as saved:
        figure.locator("button", has_text="csv").focus()
        page.keyboard.press("Enter")
    assert saved.value.suggested_filename == "reach_figure_1.csv"
    lines = saved.value.path().read_text().splitlines()
    assert lines[0] == "dataset,method,share"
    assert len(lines) == 1 + len(small.rows())
    assert figure.locator("table").count() == 0
    figure.locator("summary").focus()
    page.keyboard.press("Enter")
    figure.locator("table").wait_for()
    assert figure.locator("th").all_inner_texts() == ["data set", "score of a token", "share"]
    assert figure.locator("th:not([scope=col])").count() == 0
    assert figure.locator("tbody tr").count() == len(small.rows())
    assert figure.locator("caption").count() == 1
    assert figure.locator(".chart-numbers").get_attribute("tabindex") == "0"
    assert "commit 123" in figure.locator(".chart-origin").inner_text()


SIZES = """() =>
[...document.querySelectorAll("svg.marks text")].filter(t => t.textContent.trim()).map(text => {
  const svg = text.closest("svg"), scale = svg.getBoundingClientRect().width / svg.getAttribute("width");
  return parseFloat(getComputedStyle(text).fontSize) * scale;
})"""


@pytest.mark.parametrize("visit", ["phone"], indirect=True)
def test_charts_are_laid_out_anew_on_a_phone(visit):
    page = visit("chapters/reach")
    assert min(page.evaluate(SIZES)) >= 11
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    for figure in page.locator("figure.chart").all():
        box = figure.locator(".chart-box").bounding_box()
        assert figure.locator("svg.marks").bounding_box()["width"] <= box["width"]
    # Panels that were beside each other are below each other.
    for number in (1, 2, 3):
        panels = page.locator("figure.chart").nth(number).locator("svg path.background")
        boxes = [box for box in (one.bounding_box() for one in panels.all()) if box and box["height"] > 30]
        assert len({round(box["y"]) for box in boxes}) >= (2 if number == 3 else 3)
        assert all(box["x"] + box["width"] <= 390 for box in boxes)


def test_charts_are_drawn_again_when_the_width_changes(visit):
    page = visit("chapters/reach")
    wide = page.locator("svg.marks").first.bounding_box()["width"]
    page.set_viewport_size({"width": 390, "height": 800})
    page.wait_for_function("document.querySelector('svg.marks').getBoundingClientRect().width < 375")
    page.set_viewport_size({"width": 1366, "height": 900})
    page.wait_for_function(f"document.querySelector('svg.marks').getBoundingClientRect().width >= {wide - 1}")


@pytest.mark.skipif(axe.script() is None, reason="needs axe-core: axe-playwright-python, or AXE_CORE")
@pytest.mark.parametrize("visit", SCREENS, indirect=True)
def test_axe_finds_nothing_critical_or_serious(visit):
    assert {name: found for name in PAGES if (found := axe.faults(visit(name)))} == {}


@pytest.mark.parametrize("visit", SCREENS, indirect=True)
def test_the_playground_fits_and_its_targets_are_large_enough(visit, small_site):
    page = visit("chapters/playground")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    sizes = page.locator(".pg :is(button, select, input:not([type=radio]), .models label)").evaluate_all(
        "all => all.map(e => e.getBoundingClientRect()).filter(b => b.width)"
        ".map(b => Math.min(b.width, b.height))"
    )
    assert len(sizes) > 40
    assert min(sizes) >= 24
    assert (small_site / "chapters/playground.html").stat().st_size <= 300_000
    assert (small_site / "_static/playground.js").stat().st_size <= 20_000


def test_without_javascript_the_playground_is_a_heat_map_and_a_table(browser, small_site):  # noqa: F811
    page = browser.new_context(java_script_enabled=False).new_page()
    page.goto((small_site / "chapters/playground.html").as_uri())
    assert (
        page.locator(".playground .heat span:visible").count()
        == page.locator(".playground tbody tr:visible").count()
    )
    assert page.locator(".playground tbody tr:visible").count() > 5
    page.context.close()


@pytest.mark.parametrize("visit", ["phone"], indirect=True)
def test_theme_is_mended_for_keyboard_and_screen_reader(visit):
    page = visit("chapters/reach")
    page.wait_for_function("document.querySelector('.formula')?.tabIndex === 0")
    assert page.locator("summary[aria-label='Toggle hidden content']").count() == 0
    assert page.locator(".search-button-field[aria-label]").count() == 0
    assert page.locator(".theme-switch-button svg title").count() == 0


def results(page, words, folder):
    page.goto(f"{folder}search.html?q={words}")
    page.wait_for_function("!/Searching/.test(document.querySelector('#search-results').innerText)")
    page.wait_for_timeout(300)
    return page.locator("#search-results li").all_inner_texts()


def test_the_search_finds_words_and_chapters_before_functions(browser, small_site):  # noqa: F811
    with served(small_site) as address:
        for folder in (address, f"{small_site.as_uri()}/"):
            page, errors = browser.new_page(), []
            page.on("pageerror", lambda error, errors=errors: errors.append(str(error)))
            page.on("console", lambda line, errors=errors: line.type == "error" and errors.append(line.text))
            found = results(page, "reach", folder)
            first = [text.split("\n")[0] for text in found]
            assert first[0].startswith(("Words", "reach"))
            assert any(text.startswith("How far") for text in first[:3])
            assert "attnlib" in first[-1] or "Library" in first[-1]
            assert not [text for text in found if "\\(" in text or "zanzibar" in text]
            assert "reach" not in results(page, "zanzibar", folder)
            assert results(page, "zanzibar", folder) == []
            first = [text.split("\n")[0] for text in results(page, "faithfulness", folder)]
            assert first[0].startswith(("Words", "faithfulness"))
            assert errors == []
            page.close()


def test_a_page_loads_only_the_scripts_it_needs(browser, small_site):  # noqa: F811
    with served(small_site) as address:
        loaded = {}
        for name in PAGES[:3]:
            page, sizes = browser.new_page(), {}
            page.on(
                "response", lambda got, sizes=sizes: sizes.update({got.url.split("?")[0]: len(got.body())})
            )
            page.goto(f"{address}{name}.html")
            page.wait_for_load_state("networkidle")
            # On a busy machine the chart scripts may come after a quiet moment.
            page.wait_for_function("[...document.querySelectorAll('.chart')].every(c => c.dataset.drawn)")
            loaded[name] = {url.split("/")[-1]: size for url, size in sizes.items()}
            page.close()
    scripts = {"vega.js", "charts.js", "ledger.js", "playground.js", "playground.css"}
    assert not (scripts | {"searchindex.js"}) & set(loaded["index"])
    assert sum(loaded["index"].values()) < 0.9e6
    assert {"vega.js", "charts.js"} <= set(loaded["chapters/reach"])
    assert sum(loaded["chapters/reach"].values()) < 2.5e6
    assert loaded["index"]["fontawesome.js"] < 2e4


def test_icons_are_drawn(visit):
    page = visit("index")
    assert page.locator("i.fa-solid").count() == 0
    assert page.locator("svg.svg-inline--fa.fa-magnifying-glass:visible").count() >= 1
    assert page.locator("svg.svg-inline--fa path[d]").count() >= 4


def test_pages_are_described(small_site):
    said = {
        "index": "The first page of a small book.",
        "chapters/reach": "The reach of a text is the range of its outputs.",
    }
    for name, words in said.items():
        source = (small_site / f"{name}.html").read_text()
        assert f'<meta name="description" content="{words}"/>' in source
        assert f'<meta property="og:description" content="{words}"/>' in source
        image = re.search('og:image" content="([^"]*)"', source)[1]
        assert (small_site / name).parent.joinpath(image).resolve().read_bytes().startswith(b"\x89PNG")
    assert '<meta property="og:title" content="How far does attention reach?"/>' in source


def test_headings_have_no_second_line(visit):
    page = visit("chapters/reach")
    link = page.locator("h1 .headerlink")
    assert link.evaluate("e => getComputedStyle(e).position") == "absolute"


@pytest.mark.parametrize("visit", ["light", "dark", "phone"], indirect=True)
def test_the_answer_and_the_verdicts_are_seen(visit):
    page = visit("chapters/reach")
    answer = page.locator(".admonition.answer")
    assert answer.bounding_box()["y"] < 500
    assert answer.evaluate("e => parseFloat(getComputedStyle(e).borderLeftWidth)") >= 4
    borders = page.locator(".strip > *").evaluate_all(
        "all => all.map(e => getComputedStyle(e).borderLeftColor)"
    )
    assert len(page.locator(".strip span").all()) == 6
    assert len(set(borders)) == 5  # open and not run are grey, and differ by the kind of line


def test_sub_pages_are_folded_in_the_sidebar(visit):
    page = visit("index")
    assert page.locator(".bd-sidebar-primary a", has_text="How far").is_visible()
    assert not page.locator(".bd-sidebar-primary a", has_text="An experiment").is_visible()


def test_nothing_is_cut_or_empty_on_paper(visit):
    page = visit("chapters/reach")
    page.emulate_media(media="print")
    page.set_viewport_size({"width": 700, "height": 1000})
    for hidden in (".bd-sidebar-primary", ".bd-header-article", ".copybtn", ".chart-line", ".headerlink"):
        assert page.locator(f"{hidden}:visible").count() == 0
    assert page.locator(".bd-article h1").is_visible()
    wide = "all => all.filter(e => e.scrollWidth > e.clientWidth + 1).map(e => e.className)"
    assert page.locator("article pre").evaluate_all(wide) == []
    folded = page.locator("div.cell_input:visible")
    assert all(text.strip() for text in folded.all_inner_texts())
    assert page.locator("figure.chart").first.evaluate("e => getComputedStyle(e).breakInside") == "avoid"


def test_the_chapters_are_one_pdf(small_site, tmp_path):
    target = tmp_path / "book.pdf"
    script = ROOT / "book/_ext/pdf.py"
    done = subprocess.run(
        [sys.executable, str(script), str(small_site), str(target)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    # The first page and the chapters; neither an experiment nor the pages of use.
    assert ": 3 chapters" in done.stdout
    assert target.read_bytes().startswith(b"%PDF")
