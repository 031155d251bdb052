"""The last steps that sets share: vocabulary, length filter, corpus of single texts; corpus of pairs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from attnlib.data import registry
from attnlib.data.corpus import Corpus, Split, Vocabulary
from attnlib.data.errors import DataError
from attnlib.data.splitting import filter_by_length
from attnlib.data.text import clean


class Pair(NamedTuple):
    """Two sentences as they are read: id, the text that attention is over, the question, class."""

    id: str
    text: str
    question: str
    label: int


def provenance(data_set: registry.DataSet, files: dict[str, str], notes: Sequence[str]) -> dict[str, Any]:
    """Return where a corpus comes from; files: path and sha256."""
    return {
        "source": data_set.address,
        "licence": data_set.licence,
        "citation": data_set.citation,
        "files": files,
        "notes": list(notes),
    }


def folder_sums(data_set: registry.DataSet, verify: bool) -> dict[str, str]:
    """Return path and checksum of each folder, for provenance."""
    return {f.path: (f.sha256 or "not known") if verify else "not verified" for f in data_set.folders}


def classification(
    name: str,
    splits: dict[str, Split],
    class_names: tuple[str, ...],
    origin: dict[str, Any],
    min_documents: int,
    minimum: int | None,
    maximum: int | None,
) -> Corpus:
    """Return a corpus of splits "train", "dev", "test" before the filter ``minimum < T < maximum``.

    The vocabulary is of all training texts, those that the filter drops included (released code). Raises
    DataError if a split has no text left.
    """
    kept = {part: filter_by_length(split, minimum, maximum) for part, split in splits.items()}
    for part, split in kept.items():
        if not len(split):
            low, high = minimum or "the shortest", maximum or "the longest"
            raise DataError(
                f"{name}: none of {len(splits[part])} {part} texts has more tokens than {low} and fewer than "
                f"{high}; the files hold too few texts"
            )
    return Corpus(
        name=name,
        task="classification",
        train=kept["train"],
        dev=kept["dev"],
        test=kept["test"],
        vocabulary=Vocabulary.build(splits["train"].texts, min_documents),
        class_names=class_names,
        provenance=origin,
    )


def pair_split(pairs: Sequence[Pair]) -> Split:
    """Return pairs as a split, both sentences tokenised; those with a sentence without words are left out."""
    cleaned = clean(sentence for pair in pairs for sentence in (pair.text, pair.question))
    kept = [i for i in range(len(pairs)) if cleaned[2 * i] and cleaned[2 * i + 1]]
    return Split(
        ids=tuple(pairs[i].id for i in kept),
        texts=tuple(cleaned[2 * i] for i in kept),
        labels=np.array([pairs[i].label for i in kept], dtype=np.int64),
        questions=tuple(cleaned[2 * i + 1] for i in kept),
    )


def pair_classification(
    name: str,
    splits: dict[str, Split],
    class_names: tuple[str, ...],
    origin: dict[str, Any],
    min_documents: int,
) -> Corpus:
    """Return a corpus of splits "train", "dev", "test" of pairs, of any length.

    The vocabulary is of the training sentences, texts and questions each counted. Raises DataError for a
    split without pairs.
    """
    for part, split in splits.items():
        if not len(split):
            raise DataError(f"{name}: no pair in {part}; a file may be cut. Restore the files.")
    train = splits["train"]
    return Corpus(
        name=name,
        task="pair classification",
        train=train,
        dev=splits["dev"],
        test=splits["test"],
        vocabulary=Vocabulary.build([*train.texts, *(train.questions or ())], min_documents),
        class_names=class_names,
        provenance=origin,
    )
