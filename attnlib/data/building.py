"""The last steps that all classification sets share: vocabulary, length filter, corpus."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from attnlib.data import registry
from attnlib.data.corpus import Corpus, Split, Vocabulary
from attnlib.data.errors import DataError
from attnlib.data.splitting import filter_by_length


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
