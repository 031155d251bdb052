"""What each corpus is, by its name, and how it is made of the rows of a data set.

`corpora.toml` beside this file says it, so that a loader has to read rows and no more; `make` takes the steps
from the rows to the corpus. Sources: Jain & Wallace 2019 for flat texts and pairs, Serrano & Smith 2019
(section 3) for documents, and their released code.

>>> classes("agnews4")
('world', 'sports', 'business', 'sci/tech')
"""

import math
import tomllib
from array import array
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import lru_cache, partial
from pathlib import Path
from typing import Any, NamedTuple, cast

import numpy as np

from attnlib.data.catalogue import DATA_SETS
from attnlib.data.columns import Builder, Ragged, RowIds, Words
from attnlib.data.corpus import PARTS, SPECIALS, TASKS, Corpus, Split, Vocabulary
from attnlib.data.errors import DataError, needed
from attnlib.data.tokens import Segmenter, clean

CORPORA: dict[str, dict[str, Any]] = tomllib.loads(Path(__file__).with_suffix(".toml").read_text("utf-8"))
# What every corpus of documents says besides.
OF_DOCUMENTS = CORPORA.pop("documents")["notes"]
MIN_OCCURRENCES = 5
SEED, DEV_SHARE = 5, 0.1
SPELT, COUNTED = ("texts", "questions"), ("evidence", "candidates", "sentences")

Parts = dict[str, Split]
Divide = Callable[[Parts], Parts]
# From a text, a string or tokens, to its tokens and the lengths of its sentences, or None.
Cut = Callable[[Any], tuple[Sequence[str], np.ndarray | None]]


class Row(NamedTuple):
    """One text as it is read.

    name: a whole id, or the number of a line, of which the id ``<corpus>/<part>/<number>`` is made. label:
    class number. text, question: a string to be cut, or tokens. evidence, candidates: as in `Split`.
    """

    name: int | str
    label: int
    text: str | Sequence[str]
    question: str | Sequence[str] | None = None
    evidence: np.ndarray | None = None
    candidates: np.ndarray | None = None


class Limits(NamedTuple):
    """The longest documents kept in training: most sentences, most tokens in one sentence."""

    sentences: int
    tokens: int


def read(prefix: str, parts: Mapping[str, Iterable[Row]], cut: Cut, compact: bool) -> tuple[Parts, int]:
    """The rows of each part as a split, all with one list of words, and how many rows had no word.

    These are left out. prefix: of ids made of numbers. compact: keep texts so in memory.
    """
    known, left_out = Words(), 0
    grown: dict[str, list[Any]] = {}
    for part, rows in parts.items():
        # Arrays that grow are read by numpy without a copy.
        ids: list[str] = []
        lines, labels = array("q"), array("q")
        columns = {name: Builder() for name in (*SPELT, *COUNTED)}
        for row in rows:
            text, sentences = cut(row.text)
            question = None if row.question is None else cut(row.question)[0]
            if not len(text) or (question is not None and not len(question)):
                left_out += 1
                continue
            cast(Any, lines if isinstance(row.name, int) else ids).append(row.name)
            labels.append(row.label)
            spelt = [None if cell is None else known.numbers(cell) for cell in (text, question)]
            cells = (*spelt, row.evidence, row.candidates, sentences)
            for column, cell in zip(columns.values(), cells, strict=True):
                if cell is not None:
                    column.append(cell)
        grown[part] = [ids, lines, labels, columns]
    words, splits = tuple(known), {}
    for part, (ids, lines, labels, columns) in grown.items():
        row_ids = RowIds(f"{prefix}/{part}" if part else prefix, np.frombuffer(lines, dtype=np.int64))
        held = {name: column.finish(words if name in SPELT else None) for name, column in columns.items()}
        held = {"ids": tuple(ids) or row_ids} | {n: c for n, c in held.items() if len(c) or n == "texts"}
        held = held if compact else {name: tuple(column) for name, column in held.items()}
        splits[part] = Split(**held, labels=np.frombuffer(labels, dtype=np.int64))
    return splits, left_out


def filter_by_length(split: Split, minimum: int | None = None, maximum: int | None = None) -> Split:
    """Keep texts with ``minimum < T < maximum`` tokens; None is the split's own shortest or longest.

    Strict on both ends, so with None the shortest or longest texts of the split are dropped. Source: the
    released code; the paper does not say it.
    """
    lengths = split.lengths
    if not len(split):
        return split
    low = lengths.min() if minimum is None else minimum
    high = lengths.max() if maximum is None else maximum
    return split.select((lengths > low) & (lengths < high))


def within(split: Split, limits: Limits) -> np.ndarray:
    """Which documents have at most so many sentences of at most so many tokens, bool [N]."""
    if not len(split):
        return np.zeros(0, dtype=np.bool_)
    sentences = cast(Ragged, split.sentences)
    return (sentences.counts <= limits.sentences) & (sentences.reduced(np.maximum) <= limits.tokens)


def draws(split: Split) -> np.ndarray:
    """One number in [0, 1) per text, float64 [N], that depends on its row number alone.

    So what other rows hold does not change which part a row is drawn for.
    """
    lines = split.ids.lines if isinstance(split.ids, RowIds) else np.arange(1, len(split) + 1)
    return np.random.RandomState(SEED).random_sample(int(lines.max(initial=0)))[lines - 1]


def random_split(n: int, share: float, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """(kept, held out) row numbers, each ascending; ``ceil(share · n)`` of the n rows are held out.

    The rows are those of scikit-learn's ``train_test_split``, with which the papers' authors drew theirs,
    from numpy's frozen RandomState stream. Raises ValueError if either part would be empty.

    >>> random_split(5, 0.2, seed=0)
    (array([0, 1, 3, 4]), array([2]))
    """
    n_held = math.ceil(share * n)
    if not 0 < n_held < n:
        raise ValueError(f"cannot hold {share:.0%} out of {n} text(s): one part would be empty")
    order = np.random.RandomState(seed).permutation(n)
    return np.sort(order[n_held:]), np.sort(order[:n_held])


def held_out(parts: Parts, share: float = DEV_SHARE, seed: int = SEED) -> Parts:
    """Texts whose test part is known, divided: a share of train, rounded up, is drawn for dev."""
    train, dev = random_split(len(parts["train"]), share, seed)
    return parts | {"train": parts["train"].select(train), "dev": parts["train"].select(dev)}


def by_class(parts: Parts, test: tuple[float, int], dev: tuple[float, int]) -> Parts:
    """Texts of one part, divided with each class in proportion: test is drawn first, then dev of the rest.

    test, dev: (share, seed).
    """
    draw = needed("sklearn.model_selection", "drawing texts by class").train_test_split
    (every,) = parts.values()
    rest, rows = np.arange(len(every)), {}
    for part, (share, seed) in (("test", test), ("dev", dev)):
        rest, rows[part] = draw(rest, test_size=share, random_state=seed, stratify=every.labels[rest])
    return {part: every.select(np.sort(index)) for part, index in {"train": rest, **rows}.items()}


def by_row(parts: Parts, **shares: tuple[float, float]) -> Parts:
    """Texts of the first part, divided by `draws`: each goes where its number lies, from low to below high.

    shares: (low, high) by part.
    """
    every = next(iter(parts.values()))
    drawn = draws(every)
    found = {part: every.select((low <= drawn) & (drawn < high)) for part, (low, high) in shares.items()}
    return {part: split for part, split in parts.items() if part} | found


DIVIDES: dict[str, Callable[..., Parts]] = {"held_out": held_out, "by_class": by_class, "by_row": by_row}


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
    splits, left_out = read(about.get("prefix", name), parts, cut, compact or documents)
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
    train, dev, test = (splits[part] for part in PARTS)
    return Corpus(name, about.get("task", TASKS[0]), train, dev, test, vocabulary, class_names, provenance)


def _flat(name: str, splits: Parts, about: Mapping[str, Any]) -> tuple[str, ...]:
    """Leave out of every part what is too short or too long; return the words of the training texts.

    Those left out, and questions, count (released code).
    """
    train = splits["train"]
    words = Vocabulary.build([*train.texts, *(train.questions or ())], about.get("min_documents", 1)).words
    bounds = tuple(None if isinstance(bound, str) else bound for bound in about.get("length", ()))
    for part, split in splits.items():
        splits[part] = filter_by_length(split, *bounds) if bounds else split
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
        fits = within(splits["train"], limits)
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
