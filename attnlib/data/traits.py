"""What each data set is, known without reading a file, so that a page can refuse one before it trains."""

from collections.abc import Iterable
from typing import Any, NamedTuple

from attnlib import data
from attnlib.data.corpora import CORPORA
from attnlib.data.corpus import TASKS

SCENES = "scenes"
# What a task means to someone who looks for a data set.
_SAID = ("single texts", "texts with questions", "pairs of texts", "scenes with questions")
WORDS = dict(zip((*TASKS, SCENES), _SAID, strict=True))


class Traits(NamedTuple):
    """task: of TASKS, or SCENES. classes: how many; None: many, which the files decide.

    sentences, evidence: whether the texts (or scenes) come with them.
    """

    task: str
    classes: int | None
    sentences: bool = False
    evidence: bool = False

    def __str__(self) -> str:
        return describe([self.task], self.classes or "many", sentences=self.sentences, evidence=self.evidence)

    def fits(self, tasks: Iterable[str], classes: int | None = None, **needed: bool) -> bool:
        """Whether it is of one of these tasks and has what else is needed: sentences, evidence.

        classes: None for any number.
        """
        has = all(getattr(self, name) >= need for name, need in needed.items())
        return has and self.task in tasks and classes in (None, self.classes)


def _of_entry(about: dict[str, Any]) -> Traits:
    n = about.get("n_classes", len(about.get("classes", ()))) or None
    return Traits(about.get("task", TASKS[0]), n, "documents" in about, "evidence" in about)


KNOWN = {name: _of_entry(about) for entry, about in CORPORA.items() for name in about.get("names", [entry])}


def traits_of(name: str) -> Traits:
    """What a data set of `load` or `load_scenes` is; one that is not in KNOWN is loaded to see."""
    if name in KNOWN:
        return KNOWN[name]
    return seen(data.load_scenes(name) if name in data.SCENES else data.load(name))


def seen(corpus: data.Corpus | data.SceneCorpus) -> Traits:
    """What a loaded corpus is."""
    columns = [getattr(corpus.test, name, None) is not None for name in ("sentences", "evidence")]
    return Traits(getattr(corpus, "task", SCENES), len(corpus.class_names), *columns)


def describe(tasks: Iterable[str], classes: object = None, **further: bool) -> str:
    """The same in words; classes: None says nothing of them. further: sentences, evidence."""
    said = " or ".join(WORDS[task] for task in tasks) + (f" of {classes} classes" if classes else "")
    known = " and ".join(name for name, there in further.items() if there)
    return said + (f" with known {known}" if known else "")
