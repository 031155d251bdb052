"""Formulas are drawn while the book is built."""

import importlib.util

import pytest
from docutils import nodes

from tests.book.conftest import ROOT

spec = importlib.util.spec_from_file_location("formulas", ROOT / "book/_ext/formulas.py")
formulas = importlib.util.module_from_spec(spec)
spec.loader.exec_module(formulas)


def html(formula, outlined):
    return formulas.html(nodes.math(formula, formula), True, outlined)


def test_a_letter_is_outlined_once_per_page():
    page = set()
    first, second = html("a + b", page), html("b + a", page)
    assert (first.count("<symbol"), first.count("<use")) == (3, 3)
    assert (second.count("<symbol"), second.count("<use")) == (0, 3)
    assert "<mi>a</mi>" in second


@pytest.mark.parametrize(
    ("formula", "sign"), [("-a", True), ("(-1, 3, -2) = -x", True), ("(a) - b", False), ("a - b", False)]
)
def test_a_sign_is_not_an_operation(formula, sign):
    # Braces take the room away that an operation has on both sides.
    wide, braced = (html(said, set()).split("width:")[1] for said in (formula, formula.replace("-", "{-}")))
    assert (wide.split("em")[0] == braced.split("em")[0]) == sign


def test_an_unknown_command_is_a_warning(caplog):
    html(r"\Bigl\{ a \Bigr\}", set())
    assert "not understood" in caplog.text
