"""Questions about scenes: tokens, and regions with a feature vector and a box each.

What models of vision and language read. `attnlib.data.load_scenes` returns a `SceneCorpus`.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from attnlib.data.corpus import Columns, Parts, Vocabulary


@dataclass(frozen=True, eq=False, repr=False)
class SceneSplit(Columns):
    """One split of a corpus of scenes as columns, one entry per instance.

    ids: stable names. questions: tokens. features: float32 ``[N, R, F]``, a vector per region. boxes: float32
    ``[N, R, 4]``, each (x1, y1, x2, y2) within [0, 1], y downwards. present: bool ``[N, R]``, False for
    padding, which comes last. labels: int64 ``[N]`` class numbers. evidence: int8 ``[N, R]``, +1 where a
    region speaks for the label, -1 against, 0 neutral and in padding; None: not known. The generators say
    what speaking for a label means; all of them mean the effect of taking the region away.

    Raises ValueError for columns of unequal length, repeated ids, an empty question, features or boxes that
    are not finite, boxes that are empty or not within [0, 1], padding before a region, a scene without
    region, labels that are not integers, and evidence outside -1, 0, 1 or in padding; the message names the
    instance.
    """

    ids: tuple[str, ...]
    questions: tuple[tuple[str, ...], ...]
    features: np.ndarray
    boxes: np.ndarray
    present: np.ndarray
    labels: np.ndarray
    evidence: np.ndarray | None = None

    def __post_init__(self) -> None:
        self._check_columns("instance", self.labels, questions=self.questions)
        # Copies: a split owns its arrays.
        features, boxes = (np.array(column, dtype=np.float32) for column in (self.features, self.boxes))
        present = np.array(self.present)
        if present.ndim != 2 or present.dtype != np.bool_:
            raise ValueError(f"present must be bool [N, R]; got {present.dtype} of shape {present.shape}")
        given = {"features": features, "boxes": boxes, "present": present}
        given |= {} if self.evidence is None else {"evidence": np.array(self.evidence)}
        last = {"features": features.shape[-1:], "boxes": (4,)}
        for name, column in given.items():
            if column.shape != (*present.shape, *last.get(name, ())):
                raise ValueError(f"{name} has shape {column.shape} for {present.shape} regions")
        marks = given.get("evidence", np.zeros(present.shape))
        flat = (boxes[..., 0] >= boxes[..., 2]) | (boxes[..., 1] >= boxes[..., 3])
        # Written so that a NaN is outside.
        inside = ((boxes >= 0) & (boxes <= 1)).all(2)
        padded = present[:, 1:] & ~present[:, :-1]
        for wrong, problem in (
            (~present.any(1), "has no region"),
            (padded.any(1), "has a region after padding; move it forward"),
            (~np.isfinite(features).all((1, 2)), "has features that are not finite"),
            ((~inside | (flat & present)).any(1), "has a box that is not x1 < x2 and y1 < y2 within [0, 1]"),
            (~np.isin(marks, (-1, 0, 1)).all(1), "has evidence other than -1, 0, 1"),
            (((marks != 0) & ~present).any(1), "has evidence in padding"),
        ):
            self._refuse(wrong, "instance", problem)
        for name, column in given.items():
            object.__setattr__(self, name, column.astype(np.int8) if name == "evidence" else column)


@dataclass(frozen=True, eq=False, repr=False)
class SceneCorpus(Parts[SceneSplit]):
    """Questions about scenes, ready for a model: three splits with the same number of regions and features.

    vocabulary: of the training questions. region_features: names of the feature columns, or empty.
    provenance as in `Corpus`. Raises ValueError for an empty split, splits of different numbers of regions or
    features, names that are not one per feature, or a label outside the classes (the message names split and
    instance).
    """

    name: str
    train: SceneSplit
    dev: SceneSplit
    test: SceneSplit
    vocabulary: Vocabulary
    class_names: tuple[str, ...]
    region_features: tuple[str, ...]
    provenance: dict[str, Any]

    def __post_init__(self) -> None:
        self._check_parts("instance")
        shape = self.train.features.shape[1:]
        for part, split in self.splits.items():
            if (other := split.features.shape[1:]) != shape:
                differs = f"split {part!r} has (regions, features) {other}, train has {shape}"
                raise ValueError(f"{self.name}: {differs}")
        if self.region_features and (n := len(self.region_features)) != shape[1]:
            raise ValueError(f"{self.name}: {n} names of region features for {shape[1]} features")

    def _content(self) -> Iterator[Any]:
        yield [self.class_names, self.region_features, self.vocabulary.words]
        for name, split in self.splits.items():
            yield [name, split.ids, split.questions, split.labels.tolist(), split.features.shape]
            yield split.evidence is not None
            for column, kind in {"features": "<f4", "boxes": "<f4", "present": "?", "evidence": "i1"}.items():
                if getattr(split, column) is not None:
                    yield np.ascontiguousarray(getattr(split, column), dtype=kind).tobytes()
