"""IMDB film reviews with their star ratings, from the names of the files of Maas et al. 2011.

A set at hand in place of the ratings 1 to 10 of Diao et al. 2014 that Serrano & Smith 2019 used.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from attnlib.data import catalogue, registry
from attnlib.data.building import folder_sums
from attnlib.data.corpus import Corpus
from attnlib.data.documents import Collector, Row, corpus, exact_dev
from attnlib.data.errors import DataError
from attnlib.data.kept import keep

# Reviews with 5 and 6 stars are in no folder.
RATINGS = ("1", "2", "3", "4", "7", "8", "9", "10")
_FILE = re.compile(r"(train|test)/(neg|pos)/(\d+)_(\d+)\.txt")
_BREAK = re.compile(r"<br\s*/?>")


def read(verify: bool) -> dict[str, list[tuple[str, int, Row]]]:
    """Return (folder, number, row) of each review of train and test, in order.

    Raises DataError, naming the file, for a name that is not ``<number>_<stars>.txt`` or has no such rating.
    """
    found: dict[str, list[tuple[str, int, Row]]] = {"train": [], "test": []}
    for content in registry.walk("imdb", [folder.path for folder in catalogue.IMDB.folders], verify):
        named = _FILE.fullmatch(content.path)
        if named is None or named.group(4) not in RATINGS:
            raise DataError(
                f"{content.where}: a review must be called <number>_<stars>.txt with stars "
                f"{', '.join(RATINGS)}, as in aclImdb. Remove the file."
            )
        part, folder, number, stars = named.groups()
        text = _BREAK.sub(" ", "\n".join(content.lines()))
        name = content.path.removeprefix(f"{part}/").removesuffix(".txt")
        found[part].append((folder, int(number), Row(name, RATINGS.index(stars), text)))
    return {part: sorted(rows) for part, rows in found.items()}


@keep("imdb")
def load(verify: bool = True) -> Corpus:
    """Return IMDB, classes star ratings 1-4 and 7-10; reads the folder aclImdb or its archive.

    `verify` compares the checksums of the four folders. Raises DataError for missing, damaged or malformed
    files.
    """
    collector = Collector()
    found = read(verify)

    def rows(part: str) -> Iterator[Row]:
        return (row for *_, row in found[part])

    train, dev, _ = exact_dev(collector.collect("imdb_ratings/train", rows("train")), "imdb_ratings")
    return corpus(
        "imdb_ratings",
        {"train": train, "dev": dev, "test": collector.collect("imdb_ratings/test", rows("test"))},
        tuple(f"{n} star{'s' if n != '1' else ''}" for n in RATINGS),
        catalogue.IMDB,
        folder_sums(catalogue.IMDB, verify),
        [
            "Star ratings from the names of the files; the official test part; dev is a tenth of the "
            "training part (seed 5). The mark-up <br /> is left out.",
            "Not the paper's reviews, which have ratings 1 to 10: this set has none with 5 or 6 stars, and a "
            "film is in train or in test, not in both.",
        ],
        collector.left_out,
    )
