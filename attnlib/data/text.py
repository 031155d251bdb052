"""Tokens as Jain & Wallace 2019 make them: the cleaner that several of their data sets share."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from functools import cache
from typing import Any

from attnlib.checks import refuse_string
from attnlib.data.errors import DataError

DIGITS = "qqq"


@cache
def english() -> Any:
    """Return spaCy's English tokenizer, which needs no trained model.

    The paper used spaCy 2; its rules have changed little since. Raises DataError if spaCy is not installed.
    """
    return new_english()


def new_english() -> Any:
    """Return another tokenizer as `english` does; each keeps all words that it has met, and never forgets."""
    try:
        import spacy
    except ImportError as error:
        raise DataError("this data set is tokenised with spaCy: pip install 'attnlib[data]'") from error
    return spacy.blank("en").tokenizer


def collapse(text: str) -> str:
    """Return the text with each run of white space made one space, none at the ends."""
    return " ".join(text.split())


def mask_digits(tokens: Iterable[str]) -> tuple[str, ...]:
    """Return the tokens, those with a digit in them as ``qqq``."""
    return tuple(DIGITS if any(map(str.isdigit, token)) else sys.intern(token) for token in tokens)


def clean(texts: Iterable[str]) -> list[tuple[str, ...]]:
    """Return the paper's tokens of each text: white space collapsed, spaCy, lower case, digits masked.

    A text may be left without tokens. A text that occurs again is tokenised once.
    """
    refuse_string(texts, "texts", "list of texts", "put it into a list")
    tokenizer = english()
    known: dict[str, tuple[str, ...]] = {}
    cleaned = []
    for text in texts:
        if text not in known:
            known[text] = mask_digits(token.text.lower() for token in tokenizer(collapse(text)))
        cleaned.append(known[text])
    return cleaned
