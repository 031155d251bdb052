import gzip
import json

import numpy as np
import pytest

from attnlib.data import DataError, load_scenes, nlvr

FILES = ("train", "dev", "test", "hidden")
HEX = {colour: spelt for spelt, colour in nlvr.COLOURS.items()}


def thing(x=10, y=20, size=20, shape="square", colour="blue"):
    return {"x_loc": x, "y_loc": y, "size": size, "type": shape, "color": HEX[colour]}


def row(number, position=0, boxes=None, **changes):
    boxes = boxes or [[thing(x=number % 70)], [thing(y=number % 60), thing(x=60)], []]
    return {
        "identifier": f"{number}-{position}",
        "sentence": f"There is 1 blue-box at row {number}, isn't there?",
        "label": "true" if number % 2 else "false",
        "structured_rep": boxes,
        "evals": {"r1": "true"},
        **changes,
    }


def write(folder, part, lines):
    text = "".join((line if isinstance(line, str) else json.dumps(line)) + "\n" for line in lines)
    (folder / "nlvr" / f"{part}.json.gz").write_bytes(gzip.compress(text.encode()))


@pytest.fixture
def folder(tmp_path, monkeypatch, nowhere):
    monkeypatch.setenv("ATTNLIB_DATA", str(tmp_path))
    (tmp_path / "nlvr").mkdir()
    for part, start in zip(FILES, (0, 100, 200, 300), strict=True):
        write(tmp_path, part, [row(start + i // 2, i % 2, sentence=f"box {part}") for i in range(40)])
    return tmp_path


def test_objects_are_regions_with_place_and_attributes(folder):
    boxes = [
        [thing(10, 20, 30, "circle", "black")],
        [],
        [thing(0, 90, 10, "triangle", "yellow"), thing(80, 0, 20, "square", "blue")],
    ]
    write(folder, "test", [row(7, boxes=boxes), row(8), row(9, boxes=[[thing()] * 8] * 3, label=True)])
    corpus = load_scenes("nlvr", verify=False)
    assert corpus.name == "nlvr"
    assert [len(split) for split in corpus.splits.values()] == [40, 40, 3]
    test = corpus.test
    assert test.ids == ("nlvr/test/7-0", "nlvr/test/8-0", "nlvr/test/9-0")
    assert test.questions[0] == ("there", "is", "1", "blue-box", "at", "row", "7", "isn't", "there")
    assert test.labels.tolist() == [1, 0, 1]
    assert test.evidence is None
    assert test.present.sum(1).tolist() == [3, 3, 24]
    named = [
        {name: value for name, value in zip(corpus.region_features, vector.tolist(), strict=True) if value}
        for vector in test.features[0, :3]
    ]
    assert named == [
        {"black": 1, "circle": 1, "size 30": 1, "box 1": 1, "x": 0.25, "y": pytest.approx(0.35)},
        {
            "yellow": 1,
            "triangle": 1,
            "size 10": 1,
            "box 3": 1,
            "x": pytest.approx(0.05),
            "y": pytest.approx(0.95),
        },
        {"blue": 1, "square": 1, "size 20": 1, "box 3": 1, "x": pytest.approx(0.9), "y": pytest.approx(0.1)},
    ]
    np.testing.assert_allclose(
        test.boxes[0, :3],
        [[0.025, 0.2, 0.1, 0.5], [0.75, 0.9, 0.775, 1], [0.95, 0, 1, 0.2]],
        atol=1e-6,
    )
    assert not test.features[0, 3:].any()


def scenes_of(split):
    """What can be seen of each scene, boxes in whatever order."""
    found = set()
    for features, present in zip(split.features, split.present, strict=True):
        kinds = [tuple(vector.tolist()) for vector in features[present]]
        boxes = [sorted(k[:9] + k[12:] for k in kinds if k[9 + box] == 1) for box in range(3)]
        found.add(str(sorted(boxes)))
    return found


def test_without_the_training_file_no_scene_is_in_two_splits(folder):
    (folder / "nlvr" / "train.json.gz").unlink()
    tested = row(1)["structured_rep"]
    write(folder, "test", [row(1), row(2)])
    shared = [[thing(33)], [], [thing(44)]]
    dev = [row(10 + i // 4, i % 4, boxes=[[thing(i)], [thing(90 - i, size=10)], []]) for i in range(60)]
    # A scene of the test split, and one that two numbers share, each with its boxes in another order.
    dev += [row(50, boxes=tested[::-1]), row(51, 0, shared), row(52, 0, shared[::-1]), row(52, 1)]
    write(folder, "dev", dev)
    corpus = load_scenes("nlvr", verify=False)
    assert corpus.name == "nlvr_subset"
    assert "1 rows with a scene of test.json are left out" in corpus.provenance["notes"][0]
    splits = corpus.splits
    assert sum(len(splits[part]) for part in ("train", "dev")) == 103
    assert 15 <= len(corpus.dev) <= 20
    seen = {part: scenes_of(split) for part, split in splits.items()}
    numbers = {part: {name.split("-")[0] for name in split.ids} for part, split in splits.items()}
    for a, b in (("train", "dev"), ("train", "test"), ("dev", "test")):
        assert not seen[a] & seen[b]
        assert not numbers[a] & numbers[b]
    together = {name for name in corpus.train.ids if name.split("/")[2] in ("51-0", "52-0", "52-1")}
    assert len(together) in (0, 3)
    assert load_scenes("nlvr_subset", verify=False).checksum == corpus.checksum


def test_what_is_at_hand_is_taken(folder):
    assert load_scenes("nlvr", verify=False).name == "nlvr"
    assert load_scenes("nlvr_subset", verify=False).name == "nlvr_subset"
    with pytest.raises(ValueError, match="unknown train 'all'; known: official, subset"):
        load_scenes("nlvr", train="all")
    with pytest.raises(DataError, match=r"train\.json\.gz is not the official file: expected git blob f61b"):
        load_scenes("nlvr")
    (folder / "nlvr" / "hidden.json.gz").unlink()
    with pytest.raises(DataError, match=r"hidden\.json not found in .*lil-lab/nlvr.*Put the files into"):
        load_scenes("nlvr_subset", verify=False)


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("{", "not JSON"),
        ("", "not JSON"),
        ("[1]", "not an object"),
        ({"identifier": "9-0", "label": "true"}, "no sentence, structured_rep"),
        (row(9, identifier="9"), "identifier '9' is not two numbers"),
        (row(1), "identifier '1-0' is repeated"),
        (row(9, sentence="?!"), "has no words"),
        (row(9, label="maybe"), "the label is 'maybe'"),
        (row(9, boxes=[[thing()], []]), "not a list of 3 boxes"),
        (row(9, structured_rep="x"), "not a list of 3 boxes"),
        (row(9, boxes=[[], [], []]), "no object in any box"),
        (row(9, boxes=[[], ["x"], []]), "box 2: 'x' is not an object"),
        (row(9, boxes=[[], [], [thing(shape="star")]]), "box 3: type is 'star', not one of circle"),
        (row(9, boxes=[[{**thing(), "color": "Red"}], [], []]), "box 1: color is 'Red'"),
        (row(9, boxes=[[{**thing(), "size": 15}], [], []]), "box 1: size is 15, not one of 10, 20, 30"),
        (row(9, boxes=[[thing(x=81)], [], []]), "box 1: x_loc is 81; an object of size 20 is not in its box"),
        (row(9, boxes=[[thing(y=-1)], [], []]), "box 1: y_loc is -1"),
        (row(9, boxes=[[thing(y=None)], [], []]), "box 1: y_loc is None"),
    ],
)
def test_bad_rows_are_named(folder, line, problem):
    write(folder, "dev", [row(1), line, row(2)])
    with pytest.raises(DataError, match=rf"dev\.json\.gz:2: .*{problem}"):
        load_scenes("nlvr", verify=False)


def test_empty_files_and_splits_are_named(folder):
    write(folder, "dev", [])
    with pytest.raises(DataError, match=r"dev\.json\.gz: no row in the file"):
        load_scenes("nlvr", verify=False)
    for part in ("dev", "hidden"):
        write(folder, part, [row(200)])
    write(folder, "test", [row(200)])
    with pytest.raises(DataError, match="nlvr: no row in train"):
        load_scenes("nlvr_subset", verify=False)


@pytest.mark.data("nlvr")
def test_counts_of_nlvr():
    corpus = load_scenes("nlvr_subset")
    assert [np.bincount(split.labels).tolist() for split in corpus.splits.values()] == [
        [717, 899],
        [133, 156],
        [434, 556],
    ]
    assert corpus.train.features.shape[1:] == (20, 14)
    assert len(corpus.vocabulary) == 140
    seen = [scenes_of(split) for split in corpus.splits.values()]
    assert sum(map(len, seen)) == len(set().union(*seen))
