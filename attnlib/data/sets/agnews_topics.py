"""AG News, all four topics, as documents with sentences; from the official files or from subsets of train."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from attnlib.data import catalogue, registry
from attnlib.data.corpus import Corpus
from attnlib.data.documents import Collector, Row, corpus, exact_dev
from attnlib.data.kept import keep
from attnlib.data.sets.agnews import SUBSETS, TOPICS, Item, at_hand, distinct, official, subsets

NAME = "agnews_topics"


def rows(found: Iterable[Item]) -> Iterator[Row]:
    """Yield items as rows."""
    return (Row(item.id.removeprefix(f"{NAME}/"), item.topic, item.text) for item in found)


@keep("ag_news")
def load(train: str | None = None, verify: bool = True) -> Corpus:
    """Return AG News, classes world, sports, business, sci/tech; title and description are one text.

    train: "official" (train.csv) or "subset" (the subsets of it that `agnews.SUBSETS` lists); None takes what
    is on this machine, the official file first. `verify` checks each file's sha256. Raises DataError for
    missing, damaged or malformed files, ValueError for an unknown train.
    """
    subset = at_hand(train) == "subset"
    contents = registry.locate("ag_news", [*(SUBSETS if subset else ["train.csv"]), "test.csv"], verify)
    test = official(contents["test.csv"], f"{NAME}/test", title=True)
    found = (
        subsets(contents, NAME) if subset else official(contents["train.csv"], f"{NAME}/train", title=True)
    )
    training = distinct(found, test)
    notes = [
        f"Title and description are one text. {len(found) - len(training)} repeated texts, texts of the test "
        "split and texts with two classes are left out of training.",
        "The official test split; dev is a tenth of the training texts (seed 5).",
    ]
    if subset:
        notes.insert(
            0,
            "Not the 120,000 official training texts but random subsets from several sources, joined.",
        )
    collector = Collector()
    split = collector.collect(NAME, rows(training))
    kept, dev, _ = exact_dev(split, NAME)
    return corpus(
        NAME,
        {"train": kept, "dev": dev, "test": collector.collect(NAME, rows(test))},
        TOPICS,
        catalogue.AG_NEWS,
        {path: content.sha256 for path, content in contents.items()},
        notes,
        collector.left_out,
    )
