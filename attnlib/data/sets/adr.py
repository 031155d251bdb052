"""Adverse drug reactions in tweets, from the csv file that Jain & Wallace 2019 read.

The tweets may not be shared; this reads the user's own file.
"""

from __future__ import annotations

import csv

import numpy as np

from attnlib.data import catalogue, registry
from attnlib.data.building import classification, provenance
from attnlib.data.corpus import Corpus, Split
from attnlib.data.errors import DataError
from attnlib.data.registry import Content
from attnlib.data.splitting import random_split

COLUMNS = ("text", "label", "exp_split")
PARTS = ("train", "dev", "test")
DEV_SHARE, DEV_SEED = 0.15, 16377
MIN_LENGTH, MAX_LENGTH = 5, 100


def parse(content: Content) -> dict[str, Split]:
    """Return the splits of a csv file with the columns text (tokens joined by spaces), label, exp_split.

    Further columns are ignored. Raises DataError, with file and line, for missing columns, a label other than
    0 or 1, an unknown split, or a row without text or with fields too few or too many.
    """
    reader = csv.DictReader((line + "\n" for line in content.lines()), strict=True)
    rows: dict[str, list[tuple[int, tuple[str, ...], int]]] = {part: [] for part in PARTS}
    line = 1
    try:
        lacking = [column for column in COLUMNS if column not in (reader.fieldnames or ())]
        if lacking:
            raise DataError(
                f"{content.where}:1: no column {', '.join(lacking)}; the header must name text, label and "
                f"exp_split"
            )
        line = reader.line_num + 1
        for row in reader:
            if None in row or None in row.values():
                raise DataError(f"{content.where}:{line}: the row has not as many fields as the header")
            part, label, tokens = row["exp_split"], row["label"], tuple(row["text"].split())
            if part not in PARTS:
                raise DataError(f"{content.where}:{line}: exp_split is {part!r}, not train, dev or test")
            if label not in ("0", "1"):
                raise DataError(f"{content.where}:{line}: label is {label!r}, not 0 or 1")
            if not tokens:
                raise DataError(f"{content.where}:{line}: the text is empty; remove the row")
            rows[part].append((line, tokens, int(label)))
            line = reader.line_num + 1
    except csv.Error as error:
        raise DataError(f"{content.where}:{line}: {error}") from error
    return {
        part: Split(
            ids=tuple(f"adr/{part}/{number}" for number, _, _ in found),
            texts=tuple(tokens for _, tokens, _ in found),
            labels=np.array([label for _, _, label in found], dtype=np.int64),
        )
        for part, found in rows.items()
    }


def load() -> Corpus:
    """Return the tweets: adverse drug reaction mentioned (1) or not (0), from the user's own adr_dataset.csv.

    Raises DataError if there is no such file (the message says how to get it) or it is malformed.
    """
    content = registry.locate("adr", ["adr_dataset.csv"], download=False)["adr_dataset.csv"]
    splits = parse(content)
    if not len(splits["dev"]):
        try:
            kept, dev = random_split(len(splits["train"]), DEV_SHARE, DEV_SEED)
        except ValueError as error:
            raise DataError(f"{content.where}: too few training rows: {error}") from error
        splits["train"], splits["dev"] = splits["train"].select(kept), splits["train"].select(dev)
    return classification(
        "adr",
        splits,
        ("no reaction", "adverse reaction"),
        provenance(
            catalogue.ADR,
            {content.path: content.sha256},
            [
                "Texts cut at spaces, as they are in the file; dev, where the file has none, is 15 % of "
                "train (seed 16377); 6 to 99 tokens; vocabulary: words of at least 2 training texts.",
            ],
        ),
        min_documents=2,
        minimum=MIN_LENGTH,
        maximum=MAX_LENGTH,
    )
