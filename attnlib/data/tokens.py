"""From texts to tokens and sentences, by rules alone: no trained model is needed.

Jain & Wallace 2019 and most others cut with spaCy's English rules (`clean`). Serrano & Smith 2019 (section 3)
split documents into sentences with the parser of spaCy's en_core_web_sm, a model to be downloaded; here the
rules of sentencex do it (`Segmenter`).
"""

import re
import sys
from collections.abc import Iterable
from functools import cache
from itertools import chain
from typing import Any

import numpy as np

from attnlib.data.errors import needed

DIGITS = "qqq"
# Runs such as "!!!" and "...", after which sentencex sees no end before "I", nor before lower case. A run of
# full stops ends a sentence before "I" only: before lower case it is a pause.
_RUN = re.compile(r"((?=\.*[!?])[.!?]{2,}|\.{2,}(?= I\b)) (?=\w)")
# A word of ASCII letters, with one mark after it or none: two tokens or one, unless spaCy has a rule for it.
_PLAIN = re.compile(r"([A-Za-z]+)([,;:!?]|(?<=[a-z])\.)?")
CACHE = 100_000


def new_english() -> Any:
    """Another tokenizer as `english` has; each keeps all words that it has met, and never forgets."""
    return needed("spacy", "cutting texts into tokens").blank("en").tokenizer


@cache
def english() -> Any:
    """SpaCy's English tokenizer. DataError if spaCy is not installed.

    The paper used spaCy 2; its rules have changed little since.
    """
    return new_english()


def collapse(text: str) -> str:
    """The text with each run of white space made one space, none at the ends.

    >>> collapse(" two  words ")
    'two words'
    """
    return " ".join(text.split())


def mask_digits(tokens: Iterable[str]) -> tuple[str, ...]:
    """The tokens, those with a digit in them as ``qqq``.

    >>> mask_digits(["in", "1999"])
    ('in', 'qqq')
    """
    return tuple(DIGITS if any(map(str.isdigit, token)) else sys.intern(token) for token in tokens)


def clean(text: str) -> tuple[str, ...]:
    """Jain & Wallace's tokens of a text: white space collapsed, spaCy, lower case, digits masked.

    A text may be left without tokens.
    """
    return mask_digits(token.text.lower() for token in english()(collapse(text)))


def split_sentences(text: str) -> list[str]:
    """The sentences of a text, white space collapsed; none for a text without any character but space.

    DataError if sentencex is not installed.
    """
    segment = needed("sentencex", "splitting documents into sentences").segment
    found = []
    for sentence in segment("en", collapse(text)):
        found += _RUN.sub(r"\1\n", sentence).split("\n")
    return [kept for sentence in found if (kept := sentence.strip())]


class Segmenter:
    """Cuts documents into sentences and these into tokens; remembers the tokens of strings met before.

    spaCy's rules look at one string between spaces at a time, so each need be cut once only, and plain words
    not at all. The memory of strings and the tokenizer, which keeps all words too, are renewed when full: a
    big set has millions of different strings.
    """

    def __init__(self) -> None:
        self._tokenizer = english()
        self._known: dict[str, tuple[str, ...]] = {}
        self._cuts = 0

    def __call__(self, text: str) -> tuple[tuple[str, ...], np.ndarray]:
        """Tokens and sentence lengths, int64 [S], of a text; ((), empty) for one with no sentence."""
        sentences = [cut for sentence in split_sentences(text) if (cut := self.tokens(sentence))]
        lengths = np.array([len(sentence) for sentence in sentences], dtype=np.int64)
        return tuple(chain.from_iterable(sentences)), lengths

    def tokens(self, text: str) -> list[str]:
        """The tokens of a text, not cut into sentences."""
        known = self._known
        tokens: list[str] = []
        for string in text.split():
            tokens += known.get(string) or self._cut(string)
        return tokens

    def _cut(self, string: str) -> tuple[str, ...]:
        rules = self._tokenizer.rules
        plain = _PLAIN.fullmatch(string)
        if plain and string not in rules and plain.group(1) not in rules:
            tokens = tuple(part for part in plain.groups() if part)
        else:
            self._cuts += 1
            if self._cuts % CACHE == 0:
                self._tokenizer = new_english()
            tokens = tuple(token.text for token in self._tokenizer(string))
        if len(self._known) >= 2 * CACHE:
            self._known.clear()
        self._known[string] = tuple(token.lower() for token in tokens)
        return self._known[string]
