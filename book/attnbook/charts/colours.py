"""One colour per concept for the whole book: the dictionary is colours.toml."""

import tomllib
from collections.abc import Sequence
from pathlib import Path

_FOUND = tomllib.loads(Path(__file__).with_suffix(".toml").read_bytes().decode())
SPARE: list[str] = _FOUND.pop("spare")
GROUPS: dict[str, dict[str, list[str]]] = _FOUND
BY_WORD = {word: colour for group in GROUPS.values() for colour, words in group.items() for word in words}
# A mid grey reads on white and on black: reference lines, single groups.
GREY = BY_WORD["all texts"]


def palette(groups: Sequence[str]) -> list[str]:
    """Return one colour per group: its own, or for a word without one a colour that no other group has.

    >>> palette(["attention", "my own score"])
    ['#D55E00', '#3B82C4']
    """
    known = {BY_WORD.get(name) for name in groups}
    spare = (colour for colour in SPARE if colour not in known)
    if sum(name not in BY_WORD for name in groups) > len(set(SPARE) - known):
        raise ValueError(f"there are not enough colours for {len(groups)} groups: {', '.join(groups)}")
    return [BY_WORD[name] if name in BY_WORD else next(spare) for name in groups]
