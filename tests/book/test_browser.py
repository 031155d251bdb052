"""The book as a reader meets it: in a browser, over http, with no other host in reach."""

import os
import shutil
from dataclasses import dataclass, field

import pytest

from tests.book.conftest import served
from tests.book.test_book import PAGES

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)

pytestmark = [
    pytest.mark.slow,
    # In continuous integration a missing browser is a failure, see `browser`.
    pytest.mark.skipif(
        CHROMIUM is None and not os.environ.get("CI"),
        reason="needs Chromium on PATH (Debian: apt-get install chromium)",
    ),
]

# What the theme itself brings besides the table of contents.
ALL_PAGES = [*PAGES, "search", "genindex"]
EXPERIMENTS = [page for page in PAGES if page.startswith("experiments/")]
# With formulas and charts.
ONE = "experiments/chapters/moving_attention"
# The playground has no chart; what it draws is in test_playground.py.
DRAWN = ["index", *(page for page in EXPERIMENTS if page != "experiments/chapters/playground")]


@pytest.fixture(scope="module")
def address(site):
    """Where the site is served from, with a slash at the end."""
    with served(site) as address:
        yield address


@pytest.fixture(scope="module")
def browser():
    from playwright.sync_api import sync_playwright

    assert CHROMIUM, "Chromium is not on PATH, and CI is set: install it (Debian: apt-get install chromium)"
    with sync_playwright() as play:
        running = play.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield running
        running.close()


@dataclass
class Visit:
    """One open page, and what went wrong on it."""

    page: object
    address: str
    complaints: list = field(default_factory=list)

    def go(self, name):
        """Open a page of the book and wait until everything on it is drawn."""
        self.page.goto(f"{self.address}{name}.html")
        self.page.wait_for_load_state("networkidle")
        if self.page.evaluate("!!document.querySelector('.chart')"):
            self.wait_for_charts()
        return self.page

    def wait_for_charts(self, theme=""):
        self.page.wait_for_function(
            "theme => [...document.querySelectorAll('.chart')].every("
            "c => theme ? c.dataset.drawn === theme : c.dataset.drawn)",
            arg=theme,
        )


@pytest.fixture
def visit(browser, address, request):
    options = getattr(request, "param", {})
    context = browser.new_context(**{"viewport": {"width": 1280, "height": 900}} | options)
    page = context.new_page()
    one = Visit(page, address)

    def asked(call):
        if not call.url.startswith((address, "data:", "blob:")):
            one.complaints.append(f"asked {call.url}")

    page.on("request", asked)
    page.on("requestfailed", lambda call: one.complaints.append(f"failed {call.url}"))
    page.on("response", lambda got: got.ok or one.complaints.append(f"{got.status} {got.url}"))
    page.on("pageerror", lambda error: one.complaints.append(f"error {error}"))
    page.on(
        "console",
        lambda line: line.type in ("error", "warning") and one.complaints.append(f"{line.type} {line.text}"),
    )
    yield one
    context.close()


@pytest.mark.parametrize("name", ALL_PAGES)
def test_page_is_clean_alone_drawn_and_no_wider_than_the_screen(visit, name):
    page = visit.go(name)
    assert page.title()
    assert visit.complaints == []
    charts = page.locator(".chart").all()
    assert bool(charts) >= (name in DRAWN)
    for chart in charts:
        assert chart.locator("svg.marks").count() == 1
        assert chart.locator("svg.marks :is(path, text)").count() > 10
        assert not chart.locator(".chart-static").is_visible()
        alt = chart.locator(".chart-box").get_attribute("aria-label")
        assert 0 < len(alt) <= 160
    for width in (390, 1100):  # a phone, a tablet
        page.set_viewport_size({"width": width, "height": 800})
        assert page.evaluate("document.documentElement.scrollWidth") <= width


@pytest.mark.parametrize("name", ["readout", ONE])
def test_formulas_are_set(visit, name):
    page = visit.go(name)
    drawings = page.locator(".math svg")
    assert drawings.count() > 3
    # A letter is outlined where it comes first, and every later one refers to it; a space has no outline.
    lost = """all => all.flatMap(e => [...e.querySelectorAll('use')]).filter(e => {
        const letter = document.getElementById(e.getAttribute('href').slice(1));
        return !letter || (letter.firstChild && !e.getBBox().width);
    }).length"""
    assert drawings.evaluate_all(lost) == 0
    assert page.locator(".math math").count() == drawings.count()
    assert page.locator("script[src*=athJax]").count() == 0


@pytest.mark.parametrize("visit", [{"java_script_enabled": False}], indirect=True)
def test_without_javascript_the_static_image_stays(visit):
    for name in DRAWN:
        visit.page.goto(f"{visit.address}{name}.html")
        images = visit.page.locator(".chart-static").all()
        assert images
        for image in images:
            assert image.is_visible()
            assert image.bounding_box()["width"] > 200
            assert image.locator("..").get_attribute("aria-label")


def luminance(page, element, colour_of):
    """Return how bright a computed colour of an element is, 0 to 1."""
    colour = page.locator(element).first.evaluate("(e, name) => getComputedStyle(e)[name]", colour_of)
    numbers = [float(part) for part in colour[colour.index("(") + 1 : -1].split(",")[:3]]
    return sum(weight * part for weight, part in zip((0.2126, 0.7152, 0.0722), numbers, strict=True)) / 255


@pytest.mark.parametrize("visit", [{"color_scheme": "light"}], indirect=True)
def test_dark_mode_redraws_the_charts(visit):
    page = visit.go(ONE)
    title = ".chart svg.marks .role-axis-label text"
    assert luminance(page, "body", "backgroundColor") > 0.9
    assert luminance(page, title, "fill") < 0.4
    page.evaluate("document.documentElement.dataset.theme = 'dark'")
    visit.wait_for_charts("dark")
    assert luminance(page, "body", "backgroundColor") < 0.2
    assert luminance(page, title, "fill") > 0.6
    assert page.locator(".chart").count() == page.locator(".chart svg.marks").count()
    assert visit.complaints == []


def test_a_tooltip_appears(visit):
    page = visit.go(ONE)
    page.locator(".chart svg.marks .mark-symbol path").first.hover(force=True)
    tip = page.locator("#vg-tooltip-element.visible")
    tip.wait_for()
    assert "mean change of the output" in tip.inner_text()


def test_search_works_without_a_server(visit):
    page = visit.page
    page.goto(f"{visit.address}search.html?q=permutation")
    page.locator("#search-results li").first.wait_for()
    assert page.locator("#search-results li").count() >= 2
    assert visit.complaints == []
