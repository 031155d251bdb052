"""Models that are trained with a penalty, each beside the plain model of the same settings and seed."""

import sys
import time
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from attnlib.cache import digest
from attnlib.cache.sources import function_digest
from attnlib.checks import check_number, nearest, token_lists
from attnlib.data.corpus import Corpus
from attnlib.prepare.flat import plan
from attnlib.prepare.run import Prepared, analysed
from attnlib.training.flat import Training, recipe
from attnlib.training.penalties import Marks, Penalty, deception, likeness


def prepare_deceptive(
    base: Prepared, strength: float, marks: dict[str, Marks], *, progress: bool = True
) -> Prepared:
    """The model of `base`, trained to attend to other tokens than the marked ones (Pruthi et al. 2020).

    strength: λ ≥ 0 of −λ ln(1 − attention on marked tokens); 0 gives `base` itself. marks: by split and text,
    as `marked_words` and `marked_evidence` give them.

    >>> from attnlib.prepare import prepare
    >>> run = prepare("planted", encoder="average", epochs=2, limit=10, progress=False)
    >>> hidden = prepare_deceptive(run, 10.0, marked_evidence(run.corpus), progress=False)
    >>> hidden.readout.alpha.shape == run.readout.alpha.shape
    True
    """
    hidden, n = marks.get("train", ()), len(base.corpus.train)
    if len(hidden) != n:
        remedy = "give what marked_words or marked_evidence made of base.corpus"
        raise ValueError(f"marks: {len(hidden)} for {n} training texts; {remedy}")
    said = {"kind": "deception", "marks": digest([row.tolist() for row in hidden])}
    return _penalised(base, strength, deception(hidden, strength), said, progress)


def prepare_diverse(base: Prepared, strength: float, *, progress: bool = True) -> Prepared:
    """The model of `base`, trained to keep the states of a text apart (Mohankumar et al. 2020, §4).

    strength: λ ≥ 0 of λ · conicity; 0 gives `base` itself. ValueError for another of a frozen encoder, whose
    states stay as they are.
    """
    if strength and base.texts.states is not None:
        raise ValueError(f"strength is {strength}: a frozen encoder's states stay as they are, it must be 0")
    return _penalised(base, strength, likeness(strength), {"kind": "likeness"}, progress)


def _penalised(
    base: Prepared, strength: float, penalty: Penalty, said: dict[str, Any], progress: bool
) -> Prepared:
    began = time.perf_counter()
    strength = check_number("strength", strength, 0, sys.float_info.max)
    if "penalty" in base.request:
        raise ValueError("base: a model with a penalty of its own; give the plain one")
    if strength == 0:
        return base
    start = plan(**base.request)
    how = Training(**start.settings["training"])
    said = {**said, "strength": strength, "code": function_digest(recipe)}
    planned = replace(
        start,
        settings={**start.settings, "penalty": said},
        recipe=lambda: recipe(start.model, base.corpus, how, start.device, penalty),
        request={**start.request, "penalty": said},
    )
    return analysed(planned, base.texts, began, progress)


def marked_words(corpus: Corpus, words: Sequence[str]) -> dict[str, Marks]:
    """Which tokens are one of `words`, by split. ValueError for a word that no training text holds."""
    (listed,) = token_lists([words])
    known = set().union(*corpus.train.texts)
    if unknown := [word for word in listed if word not in known]:
        near = nearest(unknown[0], known)
        hint = f" Did you mean {near!r}?" if near else ""
        raise ValueError(f"no training text holds the word {unknown[0]!r}.{hint}")
    return _marks(corpus, lambda split: [np.isin(text, listed) for text in split.texts])


def marked_evidence(corpus: Corpus) -> dict[str, Marks]:
    """Which tokens are evidence, for or against, by split. ValueError where no training text has any."""
    if corpus.train.evidence is None:
        raise ValueError(f"data set {corpus.name!r} has no evidence: give words, or one of evidence_names()")
    return _marks(corpus, lambda split: [np.asarray(marks) != 0 for marks in split.evidence])


def _marks(corpus: Corpus, of: Any) -> dict[str, Marks]:
    found = {name: of(split) for name, split in corpus.splits.items()}
    if not any(row.any() for row in found["train"]):
        raise ValueError("no token of any training text is marked: there is nothing to hide")
    return found
