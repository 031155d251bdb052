"""What each data set is, known without reading a file, so that a page can refuse one before it trains."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from attnlib import data
from attnlib.data.corpus import TASKS

SCENES = "scenes"
# What a task means to someone who looks for a data set.
WORDS = dict(
    zip(
        (*TASKS, SCENES),
        ("single texts", "texts with questions", "pairs of texts", "scenes with questions"),
        strict=True,
    )
)


@dataclass(frozen=True)
class Traits:
    """task: of TASKS, or SCENES. classes: how many; None: many, which the files decide.

    sentences, evidence: whether the texts (or scenes) come with them.
    """

    task: str
    classes: int | None
    sentences: bool = False
    evidence: bool = False

    def __str__(self) -> str:
        return describe([self.task], self.classes or "many", self.sentences, self.evidence)

    def fits(
        self,
        tasks: Iterable[str],
        classes: int | None = None,
        sentences: bool = False,
        evidence: bool = False,
    ) -> bool:
        """Whether it is of one of these tasks and has what else is asked for; classes: None for any."""
        return (
            self.task in tasks
            and classes in (None, self.classes)
            and self.sentences >= sentences
            and self.evidence >= evidence
        )


_TEXTS, _QUESTIONS, _PAIRS = TASKS
_GROUPS = {
    Traits(_TEXTS, 2): "sst imdb 20news_sports agnews agnews_subset adr diabetes anemia",
    Traits(_TEXTS, 2, evidence=True): "ade planted",
    Traits(_TEXTS, 4): "agnews4 agnews4_subset",
    Traits(_TEXTS, 5): "sst5 yelp5",
    Traits(_TEXTS, 20): "20news20",
    Traits(_TEXTS, 4, sentences=True): "amazon_multidomain agnews_topics",
    Traits(_TEXTS, 4, sentences=True, evidence=True): "planted_documents",
    Traits(_TEXTS, 5, sentences=True): "amazon_full yelp_full",
    Traits(_TEXTS, 8, sentences=True): "imdb_ratings",
    Traits(_TEXTS, 10, sentences=True): "yahoo imdb10",
    Traits(_TEXTS, 20, sentences=True): "20news",
    Traits(_PAIRS, 2): "mrpc qqp",
    Traits(_PAIRS, 3): "snli snli_subset",
    Traits(_QUESTIONS, 36, evidence=True): (
        "babi1 babi2 babi3 babi1_generated babi2_generated babi3_generated"
    ),
    Traits(_QUESTIONS, None): "cnn",
    Traits(SCENES, 2, evidence=True): "scenes",
}
KNOWN = {name: traits for traits, names in _GROUPS.items() for name in names.split()}


def traits_of(name: str) -> Traits:
    """What a data set of `load` or `load_scenes` is; one that is not in KNOWN is loaded to see."""
    if name in KNOWN:
        return KNOWN[name]
    corpus: Any = data.load_scenes(name) if name in data.SCENES else data.load(name)
    return seen(corpus)


def seen(corpus: Any) -> Traits:
    """What a loaded Corpus or SceneCorpus is."""
    columns = [getattr(corpus.test, name, None) is not None for name in ("sentences", "evidence")]
    return Traits(getattr(corpus, "task", SCENES), len(corpus.class_names), *columns)


def describe(
    tasks: Iterable[str], classes: object = None, sentences: bool = False, evidence: bool = False
) -> str:
    """The same in words; classes: None says nothing of them."""
    further = [name for name, there in (("sentences", sentences), ("evidence", evidence)) if there]
    return (
        " or ".join(WORDS[task] for task in tasks)
        + (f" of {classes} classes" if classes is not None else "")
        + (f" with known {' and '.join(further)}" if further else "")
    )
