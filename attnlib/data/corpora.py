"""What each corpus is, by its name, and how it is made of the rows of a data set.

`corpora.toml` beside this file says it, so that a loader has to read rows and no more.

>>> classes("agnews4")
('world', 'sports', 'business', 'sci/tech')
"""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import lru_cache, partial
from pathlib import Path
from typing import Any, cast

import numpy as np

from attnlib.data import recipes
from attnlib.data.catalogue import DATA_SETS
from attnlib.data.columns import Ragged
from attnlib.data.corpus import SPECIALS, TASKS, Corpus, Vocabulary
from attnlib.data.errors import DataError
from attnlib.data.recipes import Divide, Limits, Parts, Row
from attnlib.data.tokens import Segmenter, clean

CORPORA: dict[str, dict[str, Any]] = tomllib.loads(Path(__file__).with_suffix(".toml").read_text("utf-8"))
# What every corpus of documents says besides.
OF_DOCUMENTS = CORPORA.pop("documents")["notes"]
DIVIDES: dict[str, Callable[..., Parts]] = {"held_out": recipes.held_out, "by_class": recipes.by_class}
MIN_OCCURRENCES = 5


def classes(name: str) -> tuple[str, ...]:
    """Return the names of the classes of a corpus, or of an entry; none where the loader says them."""
    return tuple(CORPORA[name].get("classes", ()))


def notes(told: Iterable[str | Mapping[str, str]], said: Mapping[str, object]) -> list[str]:
    """Return notes filled in with what is said, by name; one under a name only if that is said to hold.

    >>> notes(["{n} texts.", {"old": "Old ones."}], {"n": 3, "old": False})
    ['3 texts.']
    """
    named = [note if isinstance(note, Mapping) else {"": note} for note in told]
    return [text.format(**said) for note in named for key, text in note.items() if not key or said.get(key)]


def make(
    name: str,
    parts: Mapping[str, Iterable[Row]],
    sums: Mapping[str, str] | Iterable[str],
    said: Mapping[str, object] | None = None,
    *,
    entry: str = "",
    class_names: Sequence[str] = (),
    tokenize: Callable[[str], Sequence[str]] = clean,
    divide: Divide | None = None,
    also: Iterable[str] = (),
    compact: bool = False,
) -> Corpus:
    """Return a corpus of rows by part, as its entry says, or another `entry` than its name's.

    Rows left without a word are left out. sums: path and sha256 of the files, or only the paths where no
    checksum is known. said: what the notes take up, by name. class_names, divide: where the entry does not
    say. tokenize: of texts without sentences. also: words that the vocabulary has in any case. compact: keep
    texts so in memory, as those of documents are.

    Raises DataError if there are too few texts to divide, a part has none left, or no training document has
    one of the classes.
    """
    about = CORPORA[entry or name]
    documents = about.get("documents", False)
    class_names = tuple(class_names) or classes(entry or name)
    divide = divide or next((partial(DIVIDES[how], **about[how]) for how in DIVIDES if how in about), None)
    cached = lru_cache(maxsize=20_000)(tokenize)
    cut = Segmenter() if documents else lambda text: (cached(text) if isinstance(text, str) else text, None)
    splits, left_out = recipes.read(about.get("prefix", name), parts, cut, compact or documents)
    try:
        # Under the same name: of millions of documents every further copy of a column counts.
        splits = divide(splits) if divide else splits
    except DataError:
        raise
    except ValueError as error:
        raise DataError(f"{name}: too few texts to divide: {error}") from error
    told = notes(about["notes"], said or {})
    if documents:
        words, more = _documents(name, splits, about, class_names)
        told += notes(OF_DOCUMENTS, {**more, "left_out": left_out}) + more["absent"]
    else:
        words = {*_flat(name, splits, about), *also}
    source = DATA_SETS[about["source"]]
    origin = {"source": source.address, "licence": source.licence, "citation": source.citation}
    known = dict(sums if isinstance(sums, Mapping) else dict.fromkeys(sums, "not known"))
    vocabulary = Vocabulary(tuple(sorted(words)))
    provenance = {**origin, "files": known, "notes": told}
    train, dev, test = (splits[part] for part in ("train", "dev", "test"))
    return Corpus(name, about.get("task", TASKS[0]), train, dev, test, vocabulary, class_names, provenance)


def _flat(name: str, splits: Parts, about: Mapping[str, Any]) -> tuple[str, ...]:
    """Leave out of every part what is too short or too long; return the words of the training texts.

    Those left out, and questions, count (released code).
    """
    train = splits["train"]
    words = Vocabulary.build([*train.texts, *(train.questions or ())], about.get("min_documents", 1)).words
    bounds = tuple(None if isinstance(bound, str) else bound for bound in about.get("length", ()))
    for part, split in splits.items():
        splits[part] = recipes.filter_by_length(split, *bounds) if bounds else split
        if not len(splits[part]):
            left = f"none of {len(split)} {part} texts is left, of lengths within {bounds or None}"
            raise DataError(f"{name}: {left}; a file may be cut. Restore the files.")
    return words


def _documents(
    name: str, splits: Parts, about: Mapping[str, Any], class_names: Sequence[str]
) -> tuple[set[str], dict[str, Any]]:
    """Leave long documents out of train; return the words of train and dev, and what there is to say."""
    said: dict[str, Any] = {"absent": []}
    if "limits" in about:
        limits = Limits(**about["limits"])
        fits = recipes.within(splits["train"], limits)
        splits["train"] = splits["train"].select(fits)
        said |= {"limits": limits, "long": (~fits).sum()}
    for part, split in splits.items():
        counts = np.bincount(split.labels, minlength=len(class_names))
        absent = ", ".join(class_names[label] for label in np.flatnonzero(counts == 0).tolist())
        if not len(split) or (absent and part == "train"):
            lacking = f"no document in {part} of class {absent}"
            raise DataError(f"{name}: {lacking}; a file may be cut. Restore the files.")
        said["absent"] += [f"No document of {part} has the class {absent}."] if absent else []
    known = cast(Ragged, splits["train"].texts).words or ()
    train, dev = (cast(Ragged, splits[part].texts).occurrences(len(known)) for part in ("train", "dev"))
    frequent = np.flatnonzero(train + dev >= MIN_OCCURRENCES).tolist()
    return {known[i] for i in frequent} - set(SPECIALS), said
