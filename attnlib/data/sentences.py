"""Documents as sentences of tokens, as Serrano & Smith 2019 (section 3) prepare them, but by rules alone.

They split with the dependency parser of spaCy's en_core_web_sm, a model to be downloaded; here the rules of
sentencex do it. Tokens are spaCy's, in lower case.
"""

from __future__ import annotations

import re

import numpy as np

from attnlib.data.errors import DataError
from attnlib.data.text import collapse, english, new_english

# Runs such as "!!!" and "...", after which sentencex sees no end before "I", nor before lower case. A run of
# full stops ends a sentence before "I" only: before lower case it is a pause.
_RUN = re.compile(r"((?=\.*[!?])[.!?]{2,}|\.{2,}(?= I\b)) (?=\w)")
# A word of ASCII letters, with one mark after it or none: two tokens or one, unless spaCy has a rule for it.
_PLAIN = re.compile(r"([A-Za-z]+)([,;:!?]|(?<=[a-z])\.)?")
CACHE = 100_000


def split_sentences(text: str) -> list[str]:
    """Return the sentences of a text, white space collapsed; none for a text without any character but space.

    Raises DataError if sentencex is not installed.
    """
    try:
        import sentencex
    except ImportError as error:
        raise DataError("documents are split with sentencex: pip install 'attnlib[data]'") from error
    found = []
    for sentence in sentencex.segment("en", collapse(text)):
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
        """Return (tokens, sentence lengths int64 [S]); ((), empty) for a text with no sentence."""
        tokens: list[str] = []
        lengths: list[int] = []
        for sentence in split_sentences(text):
            found = self.tokens(sentence)
            tokens += found
            if found:
                lengths.append(len(found))
        return tuple(tokens), np.array(lengths, dtype=np.int64)

    def tokens(self, text: str) -> list[str]:
        """Return the tokens of a text, not cut into sentences."""
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
