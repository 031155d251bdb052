"""The script of the ledger's table, `_assets/ledger.js`: filters, steps, order, and the table without it."""

import pytest

from attnbook import BOOK
from tests.attnbook.verdicts.made import small_ledger
from tests.book.test_browser import browser, pytestmark  # noqa: F401


@pytest.fixture
def page(browser, tmp_path, request):  # noqa: F811
    """The small ledger in a browser; errors of the script fail the test."""
    style, script = ((BOOK / "_assets" / name).read_text() for name in ("book.css", "ledger.js"))
    path = tmp_path / "ledger.html"
    path.write_text(
        f"<!doctype html><meta charset=utf-8><style>{style}</style><script>{script}</script>"
        f"<div class=cell_output>{small_ledger()}</div>"
    )
    context = browser.new_context(**getattr(request, "param", {}))
    opened, errors = context.new_page(), []
    opened.on("pageerror", lambda error: errors.append(str(error)))
    opened.goto(path.as_uri())
    yield opened
    assert errors == []
    context.close()


def shown(page):
    return page.locator(".ledger tbody tr:visible").count()


def column(page, name):
    """Texts of the visible cells of a column."""
    heads = page.locator(".ledger th").all_inner_texts()
    place = next(i for i, head in enumerate(heads) if head.startswith(name)) + 1
    return page.locator(f".ledger tbody tr:visible td:nth-child({place})").all_inner_texts()


def test_menus_and_words_filter(page):
    count = page.locator(".ledger-filter output")
    assert count.inner_text() == "420 of 420 numbers"
    page.get_by_label("data set").select_option("b")
    assert (count.inner_text(), shown(page)) == ("120 of 420 numbers", 120)
    page.get_by_label("encoder").select_option("<z>")
    assert (count.inner_text(), shown(page)) == ("40 of 420 numbers", 40)
    page.get_by_label("words").fill("DIFFERS 0.8")
    assert 0 < shown(page) < 40
    assert set(column(page, "verdict")) == {"differs"}
    page.get_by_role("button", name="reset").click()
    page.wait_for_function("document.querySelector('.ledger-filter output').value.startsWith('420')")


def test_rows_come_in_steps(page):
    assert shown(page) == 200
    more = page.locator(".ledger-more")
    assert more.inner_text() == "show 200 more of 220"
    more.click()
    more.click()
    assert shown(page) == 420
    assert not more.is_visible()


def test_heads_sort_by_keyboard_and_blanks_stay_below(page):
    page.get_by_label("data set").select_option("a")
    head = page.locator(".ledger th", has_text="published")
    head.locator("button").focus()
    for order in ("ascending", "descending"):
        page.keyboard.press("Enter")
        assert head.get_attribute("aria-sort") == order
        assert page.locator(".ledger th[aria-sort]").count() == 1
        found = [float(text) for text in column(page, "published")]
        assert found == sorted(found, reverse=order == "descending")
        assert len(found) == 200
    page.locator(".ledger-more").click()
    assert column(page, "published")[200:] == ["blank"] * 100


def test_an_address_opens_it_filtered(page):
    page.goto(f"{page.url}#data+set=b&words=not+run")
    page.wait_for_function("document.querySelector('.ledger-filter output').value.startsWith('80')")
    assert page.get_by_label("data set").input_value() == "b"


@pytest.mark.parametrize("page", [{"java_script_enabled": False}], indirect=True)
def test_without_javascript_it_is_whole(page):
    assert shown(page) == 420
    assert page.locator("select").count() == 0
