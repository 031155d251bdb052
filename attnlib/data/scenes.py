"""Questions about scenes: tokens, and regions with a feature vector and a box each.

What models of vision and language read. `attnlib.data.load_scenes` returns a `SceneCorpus`.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from attnlib.checks import whole_labels
from attnlib.data.corpus import (
    Vocabulary,
    check_classes,
    check_columns,
    check_distinct,
    check_tokens,
    drawn_rows,
    positions,
)

COLUMNS = ("questions", "features", "boxes", "present", "labels", "evidence")


@dataclass(frozen=True, eq=False)
class SceneSplit:
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
        labels, present = whole_labels(self.labels, "instance"), np.array(self.present)
        check_tokens(self, ("questions",))
        check_columns(self, COLUMNS)
        check_distinct(self.ids)
        for name, question in zip(self.ids, self.questions, strict=True):
            if not question:
                raise ValueError(f"the question of {name!r} is empty")
        if present.ndim != 2 or present.dtype != np.bool_:
            raise ValueError(f"present must be bool [N, R]; got {present.dtype} of shape {present.shape}")
        features, boxes = (np.array(column, dtype=np.float32) for column in (self.features, self.boxes))
        if features.ndim != 3 or features.shape[:2] != present.shape:
            raise ValueError(f"features have shape {features.shape} for {present.shape} regions")
        if boxes.shape != (*present.shape, 4):
            raise ValueError(f"boxes have shape {boxes.shape} for {present.shape} regions")
        self._refuse(~present.any(1), "has no region")
        self._refuse(
            (present[:, 1:] & ~present[:, :-1]).any(1), "has a region after padding; move it forward"
        )
        self._refuse(~np.isfinite(features).all((1, 2)), "has features that are not finite")
        flat = (boxes[..., 0] >= boxes[..., 2]) | (boxes[..., 1] >= boxes[..., 3])
        # Written so that a NaN is outside.
        inside = ((boxes >= 0) & (boxes <= 1)).all(2)
        self._refuse(
            (~inside | (flat & present)).any(1), "has a box that is not x1 < x2 and y1 < y2 within [0, 1]"
        )
        converted = {
            "features": features,
            "boxes": boxes,
            "present": present,
            "labels": labels,
        }
        if self.evidence is not None:
            evidence = np.asarray(self.evidence)
            if evidence.shape != present.shape:
                raise ValueError(f"evidence has shape {evidence.shape} for {present.shape} regions")
            self._refuse(~np.isin(evidence, (-1, 0, 1)).all(1), "has evidence other than -1, 0, 1")
            self._refuse(((evidence != 0) & ~present).any(1), "has evidence in padding")
            converted["evidence"] = evidence.astype(np.int8)
        for name, column in converted.items():
            object.__setattr__(self, name, column)

    def _refuse(self, wrong: Any, problem: str) -> None:
        """Raise ValueError if any instance is wrong, bool [N], naming the first."""
        if wrong.any():
            raise ValueError(f"instance {self.ids[int(wrong.argmax())]!r} {problem}")

    def __len__(self) -> int:
        return len(self.ids)

    def select(self, index: Sequence[int] | np.ndarray | slice) -> SceneSplit:
        """Return the instances at `index` (positions, a boolean mask or a slice), in that order."""
        rows = positions(index, len(self))
        return SceneSplit(
            ids=tuple(self.ids[i] for i in rows.tolist()),
            questions=tuple(self.questions[i] for i in rows.tolist()),
            features=self.features[rows],
            boxes=self.boxes[rows],
            present=self.present[rows],
            labels=self.labels[rows],
            evidence=None if self.evidence is None else self.evidence[rows],
        )

    def sample(self, limit: int | None, seed: int = 0) -> SceneSplit:
        """Return `limit` instances drawn without replacement, kept in order; all for None or a large limit.

        Raises ValueError if limit is below 1.
        """
        drawn = drawn_rows(len(self), limit, seed)
        return self if drawn is None else self.select(drawn)


@dataclass(frozen=True, eq=False)
class SceneCorpus:
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
        shape = self.train.features.shape[1:]
        for split_name, split in self.splits.items():
            if not len(split):
                raise ValueError(f"{self.name}: split {split_name!r} has no instances")
            if split.features.shape[1:] != shape:
                raise ValueError(
                    f"{self.name}: split {split_name!r} has (regions, features) {split.features.shape[1:]}, "
                    f"train has {shape}"
                )
            check_classes(split, len(self.class_names), f"{self.name}: split {split_name!r}, instance")
        if self.region_features and len(self.region_features) != shape[1]:
            raise ValueError(
                f"{self.name}: {len(self.region_features)} names of region features for {shape[1]} features"
            )

    @property
    def splits(self) -> dict[str, SceneSplit]:
        """The three splits by name."""
        return {"train": self.train, "dev": self.dev, "test": self.test}

    @cached_property
    def checksum(self) -> str:
        """Sha256 (hex) of all that a model can depend on: questions, regions, labels, classes, words."""
        digest = hashlib.sha256()

        def add(item: object) -> None:
            digest.update(json.dumps(item).encode())
            digest.update(b"\n")

        add([self.class_names, self.region_features, self.vocabulary.words])
        for name, split in self.splits.items():
            add([name, split.ids, split.questions, split.labels.tolist(), split.features.shape])
            add(split.evidence is not None)
            for column, kind in (
                (split.features, "<f4"),
                (split.boxes, "<f4"),
                (split.present, "?"),
                (split.evidence, "i1"),
            ):
                if column is not None:
                    digest.update(np.ascontiguousarray(column, dtype=kind).tobytes())
        return digest.hexdigest()
