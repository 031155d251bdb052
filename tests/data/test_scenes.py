from dataclasses import replace

import numpy as np
import pytest

from attnlib import data
from attnlib.data import SceneCorpus, SceneSplit, Vocabulary, load_scenes


def make_split(n=3, name="train", **changes):
    present = np.ones((n, 3), dtype=bool)
    present[1:, 2] = False
    ids, questions = tuple(f"toy/{name}/{i}" for i in range(n)), (("is", "it", "red"),) * n
    features = np.arange(n * 6).reshape(n, 3, 2) * present[..., None]
    boxes = np.tile([0.0, 0.25, 0.5, 1.0], (n, 3, 1)) * present[..., None]
    columns = {"ids": ids, "questions": questions, "features": features, "boxes": boxes, "present": present}
    columns |= {"labels": np.arange(n) % 2, "evidence": np.array([1, -1, 0]) * present}
    return SceneSplit(**columns | changes)


def make_corpus(**changes):
    parts = {"train": make_split(), "dev": make_split(2, "dev"), "test": make_split(4, "test")}
    about = {"name": "toy", "class_names": ("no", "yes"), "region_features": ("a", "b"), "provenance": {}}
    return SceneCorpus(**about | {"vocabulary": Vocabulary(("is", "it", "red"))} | parts | changes)


def changed(column, index, value):
    whole = np.array(getattr(make_split(), column))
    whole[index] = value
    return {column: whole}


# Of ids, questions and labels see `test_corpus`.
SPLITS = [
    ({"ids": ("x", "y", "x")}, "'x' occurs 2 times"),
    ({"questions": (("q",), (), ("q",))}, "question of instance 'toy/train/1' is empty"),
    ({"labels": np.zeros((3, 1), int)}, "one per instance"),
    ({"evidence": np.zeros((2, 3))}, "evidence has 2 entries"),
    ({"evidence": np.zeros((3, 2))}, r"evidence has shape \(3, 2\) for \(3, 3\)"),
    (changed("evidence", (1, 0), 2), "'toy/train/1' has evidence other than -1, 0, 1"),
    (changed("evidence", (2, 2), 1), "'toy/train/2' has evidence in padding"),
    ({"present": np.ones((3, 3), int)}, "present must be bool"),
    (changed("present", 1, False), "'toy/train/1' has no region"),
    (changed("present", (0, 0), False), "'toy/train/0' has a region after padding"),
    ({"features": np.zeros((3, 2, 2))}, r"features has shape \(3, 2, 2\)"),
    (changed("features", (2, 0, 1), np.inf), "'toy/train/2' has features that are not finite"),
    ({"boxes": np.zeros((3, 3, 2))}, r"boxes has shape \(3, 3, 2\)"),
    (changed("boxes", (1, 0, 3), 1.01), "'toy/train/1' has a box that is not"),
    (changed("boxes", (1, 0, 2), 0.0), "'toy/train/1' has a box that is not"),
    (changed("boxes", (2, 1, 0), np.nan), "'toy/train/2' has a box that is not"),
]
CORPORA = [
    ({"dev": make_split().select([])}, "split 'dev' has no instances"),
    ({"test": make_split(labels=[0, 2, 1])}, "'test', instance 'toy/train/1' has label 2"),
    ({"region_features": ("a",)}, "1 names of region features for 2"),
    ({"dev": make_split(features=np.zeros((3, 3, 4)))}, r"'dev' has .* \(3, 4\), train has \(3, 2\)"),
]
REFUSED = [(make, *row) for make, rows in ((make_split, SPLITS), (make_corpus, CORPORA)) for row in rows]


@pytest.mark.parametrize(("make", "changes", "message"), REFUSED)
def test_what_does_not_fit_is_refused(make, changes, message):
    with pytest.raises(ValueError, match=message):
        make(**changes)


@pytest.mark.parametrize("index", [[2, 0], np.array([False, True, True]), slice(1, None), []])
def test_select_takes_all_columns(index):
    split = make_split()
    chosen = split.select(index)
    rows = np.arange(3)[index if isinstance(index, slice) or len(index) else np.zeros(0, int)]
    assert chosen.ids == tuple(split.ids[i] for i in rows)
    assert len(chosen.questions) == len(rows)
    types = {"present": "bool", "labels": "int64", "evidence": "int8"}
    for column, kind in (types | {"features": "float32", "boxes": "float32"}).items():
        np.testing.assert_array_equal(getattr(chosen, column), getattr(split, column)[rows])
        assert getattr(chosen, column).dtype == kind
    assert make_split(evidence=None).select(index).evidence is None


def test_checksum_follows_what_a_model_can_depend_on():
    base = make_corpus().checksum
    assert make_corpus(name="other", provenance={"x": 1}).checksum == base
    train = make_split()
    other_splits = (
        {"questions": (("is", "it", "blue"), *train.questions[1:])},
        {"labels": 1 - train.labels},
        {"features": train.features + 1},
        {"boxes": train.boxes / 2},
        {"present": np.ones((3, 3), bool), "boxes": np.tile([0, 0, 1, 1], (3, 3, 1))},
        {"evidence": None},
        {"evidence": -train.evidence},
    )
    changes = [{"class_names": ("yes", "no")}, {"region_features": ()}, {"vocabulary": Vocabulary(("is",))}]
    changes += [{"train": replace(train, **columns)} for columns in other_splits]
    assert len({base, *(make_corpus(**change).checksum for change in changes)}) == len(changes) + 1


def test_load_names_known_scenes_and_suggests():
    assert data.scene_names() == ("scenes",)
    assert not set(data.scene_names()) & set(data.names())
    with pytest.raises(ValueError, match=r"unknown scenes 'scene': known are scenes\. Did you mean 'scenes'"):
        load_scenes("scene")
    with pytest.raises(ValueError, match=r"unknown option of scenes 'sed': known are n_train.* mean 'seed'"):
        load_scenes("scenes", sed=1)
