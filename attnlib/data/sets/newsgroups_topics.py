"""20 Newsgroups, all topics, as documents with sentences."""

from __future__ import annotations

from collections.abc import Iterator

from attnlib.data import catalogue
from attnlib.data.building import folder_sums
from attnlib.data.corpus import Corpus
from attnlib.data.documents import Collector, Row, corpus, exact_dev
from attnlib.data.kept import keep
from attnlib.data.sets import newsgroups
from attnlib.data.sets.newsgroups import PARTS, strip_post
from attnlib.data.sets.yahoo import LIMITS


def read(verify: bool) -> tuple[tuple[str, ...], dict[str, dict[str, str]]]:
    """Return the groups, sorted, and of each part the posts by path (``group/number``), stripped."""
    posts: dict[str, dict[str, str]] = {part: {} for part in PARTS}
    for part, path, text in newsgroups.read(verify):
        posts[part][path] = strip_post(text.replace("\r", ""))
    groups = sorted({path.split("/")[0] for found in posts.values() for path in found})
    return tuple(groups), posts


@keep("20news")
def load(verify: bool = True) -> Corpus:
    """Return 20 Newsgroups, classes its groups; reads the by-date archive, or its two folders.

    Training posts keep the limits of length that the paper has for Yahoo: without them a few encoded files
    are a third of all tokens. `verify` compares the checksums of the two folders. Raises DataError for
    missing, damaged or malformed files.
    """
    collector = Collector()
    groups, posts = read(verify)

    def rows(part: str) -> Iterator[Row]:
        for path in sorted(posts[part], key=lambda path: tuple(path.split("/"))):
            yield Row(path, groups.index(path.split("/")[0]), posts[part][path])

    train, dev, note = exact_dev(collector.collect("20news/train", rows("train")), "20news", LIMITS)
    return corpus(
        "20news",
        {"train": train, "dev": dev, "test": collector.collect("20news/test", rows("test"))},
        groups,
        catalogue.NEWS20,
        folder_sums(catalogue.NEWS20, verify),
        [
            "Headers, footers and quotes removed by scikit-learn's rules: they give the topic away.",
            "The by-date test part; dev is a tenth of the training part (seed 5).",
            note,
        ],
        collector.left_out,
    )
