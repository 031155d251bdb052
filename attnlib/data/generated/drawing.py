"""What the generators share: draws that repeat on every machine, word lists, checks of options.

Only `random.random` is promised to give the same numbers in every version of Python, so all draws are made of
it. The word lists are TOML files beside this module.
"""

import functools
import inspect
import random
import tomllib
from bisect import bisect
from collections.abc import Callable, Mapping, Sequence
from itertools import accumulate
from pathlib import Path
from typing import Any, TypeVar

from attnlib.checks import check_at_least, check_number
from attnlib.data.corpora import CORPORA, classes, notes

T = TypeVar("T")
Whole = TypeVar("Whole")
# Lowest and highest whole number.
Bounds = tuple[int, int]
# From splits and settings to a corpus.
Finish = Callable[[dict[str, Any], dict[str, Any]], Whole]


class Draw:
    """A stream of draws, named by its seed: the same name, the same draws.

    >>> draw = Draw("letters 0")
    >>> draw.fill("the {animal} sleeps", {"{animal}": ("cat",)})
    ['the', 'cat', 'sleeps']
    """

    def __init__(self, seed: str) -> None:
        self.share = random.Random(seed).random

    def below(self, n: int) -> int:
        """Return one of 0 to n - 1, each as likely."""
        return int(self.share() * n)

    def between(self, bounds: Bounds) -> int:
        """Return a whole number from low to high, both included."""
        return bounds[0] + self.below(bounds[1] - bounds[0] + 1)

    def one(self, items: Sequence[T], but: object = None) -> T:
        """Return one item, each as likely; never `but`."""
        left = items if but is None else [item for item in items if item != but]
        return left[self.below(len(left))]

    def zipf(self, words: Sequence[str]) -> str:
        """Return one word; the word of rank r is as likely as 1/r says."""
        weights = _zipf_weights(len(words))
        return words[bisect(weights, self.share() * weights[-1])]

    def shuffle(self, items: list[T]) -> None:
        """Put the items into a random order."""
        for i in range(len(items) - 1, 0, -1):
            j = self.below(i + 1)
            items[i], items[j] = items[j], items[i]

    def fill(self, form: str, slots: Mapping[str, Sequence[str]]) -> list[str]:
        """Return the words of a form such as ``the {noun} was dull``, its slots filled by `zipf`."""
        return [self.zipf(slots[word]) if word in slots else word for word in form.split()]


@functools.cache
def _zipf_weights(n: int) -> list[float]:
    """Return the running sums of 1/rank."""
    return list(accumulate(1 / rank for rank in range(1, n + 1)))


def word_lists(name: str) -> dict[str, Any]:
    """Return the lists of ``<name>.toml``; strings are cut into words, arrays are taken as they are."""

    def read(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: read(item) for key, item in value.items()}
        return tuple(value.split() if isinstance(value, str) else value)

    lists: dict[str, Any] = read(tomllib.loads(Path(__file__).with_name(f"{name}.toml").read_text("utf-8")))
    return lists


def check_bounds(option: str, bounds: Bounds, least: int) -> None:
    """Raise ValueError unless bounds are (low, high), at least `least`."""
    if not least <= bounds[0] <= bounds[1]:
        raise ValueError(f"{option} must be (low, high) with {least} <= low <= high, got {bounds}")


def check_shares(**shares: float) -> None:
    """Raise ValueError, naming the option, for a share outside 0 to 1; NaN is outside."""
    for option, share in shares.items():
        check_number(option, share, 0, 1)


def loader(generate: Callable[..., Any], **sizes: int) -> Callable[[Finish[Whole]], Callable[..., Whole]]:
    """Return a decorator: of a function of splits and settings it makes a loader.

    The loader's options are n_train, n_dev and n_test, as many as `sizes` says unless they are given, seed,
    and those of `generate`, which makes one split: of a number of texts, named so, by a seed. It raises
    ValueError for a split of less than one text.
    """
    own = list(inspect.signature(generate).parameters.values())[2:]
    kind = inspect.Parameter.POSITIONAL_OR_KEYWORD
    counts = [inspect.Parameter(f"n_{part}", kind, default=n, annotation=int) for part, n in sizes.items()]
    signature = inspect.Signature([*counts, *own])

    def decorate(finish: Finish[Whole]) -> Callable[..., Whole]:
        @functools.wraps(finish)
        def load(*args: Any, **given: Any) -> Whole:
            bound = signature.bind(*args, **given)
            bound.apply_defaults()
            options = dict(bound.arguments)
            settings = {k: list(value) if isinstance(value, tuple) else value for k, value in options.items()}
            n = {part: options.pop(f"n_{part}") for part in sizes}
            for part in sizes:
                check_at_least(f"n_{part}", n[part], 1)
            return finish({part: generate(n[part], part, **options) for part in sizes}, settings)

        load.__signature__ = signature  # type: ignore[attr-defined]
        return load

    return decorate


def about(name: str, module: str, settings: Mapping[str, Any], **said: object) -> dict[str, Any]:
    """Return name, class names and provenance of a generated corpus; said: what its notes take up."""
    told = notes(CORPORA[name]["notes"], {**settings, **said})
    licence = "BSD-3-Clause, as attnlib"
    origin = {"source": f"generated by {module}", "licence": licence, "citation": "", "settings": settings}
    return {"name": name, "class_names": classes(name), "provenance": {**origin, "notes": told}}
