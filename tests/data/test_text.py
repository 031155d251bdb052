import sys

import pytest

from attnlib.data import DataError, text


@pytest.mark.parametrize(
    ("raw", "tokens"),
    [
        ("The Cat\n\t sat. ", ("the", "cat", "sat", ".")),
        ("It's $3.50 at 10am, B2B", ("it", "'s", "$", "qqq", "at", "qqq", "am", ",", "qqq")),
        ("x² Ünïted", ("qqq", "ünïted")),
        (" \n ", ()),
        ("", ()),
    ],
)
def test_clean_collapses_tokenises_lowers_and_masks_digits(raw, tokens):
    assert text.clean([raw, raw]) == [tokens, tokens]


def test_without_spacy_the_message_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "spacy", None)
    text.english.cache_clear()
    with pytest.raises(DataError, match=r"pip install 'attnlib\[data\]'"):
        text.clean(["a"])
