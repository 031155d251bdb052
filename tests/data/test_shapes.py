import gzip
import io

import numpy as np
import pytest

from attnlib.data import DataError, catalogue, load_scenes, shapes
from attnlib.data.shapes import COLOURS, GRID, PARTS, SHAPES

QUERIES = {
    "(is red (above circle))": "is a red shape above a circle",
    "(is square (left_of (below green)))": "is a square left of below a green shape",
    "(is blue triangle)": "is a blue shape a triangle",
    "(is circle (right_of (right_of circle)))": "is a circle right of right of a circle",
}


def paint(grid):
    """An image of a grid of (shape, colour) or None, in the colours of the file: blue first."""
    image = np.zeros((30, 30, 3), dtype=np.uint8)
    y, x = np.mgrid[:10, :10] - 4.5
    masks = {
        "square": (abs(x) < 3) & (abs(y) < 3),
        "circle": x**2 + y**2 < 13,
        "triangle": (abs(x) < (y + 5) / 2) & (y < 4),
    }
    for cell, thing in enumerate(grid):
        if thing is not None:
            row, column = divmod(cell, GRID)
            channel = 2 - COLOURS.index(thing[1])
            part = image[row * 10 : row * 10 + 10, column * 10 : column * 10 + 10]
            part[..., channel] = 230 * masks[thing[0]]
            # Colours are not pure.
            part[..., (channel + 1) % 3] = 40 * masks[thing[0]]
    return image


def draw(n, seed):
    rng = np.random.RandomState(seed)
    every = [(shape, colour) for shape in SHAPES for colour in COLOURS]
    return [[every[k] if k < 9 else None for k in rng.randint(0, 12, 9)] for _ in range(n)]


def true(query, grid):
    """Whether a query holds, by walking over the grid, one form of query at a time."""

    def has(row, column, word):
        inside = 0 <= row < 3 and 0 <= column < 3
        return inside and grid[3 * row + column] is not None and word in grid[3 * row + column]

    places = [(row, column) for row in range(3) for column in range(3)]
    match query:
        case "(is red (above circle))":
            return any(has(y, x, "red") and has(y + 1, x, "circle") for y, x in places)
        case "(is square (left_of (below green)))":
            return any(has(y, x, "square") and has(y - 1, x + 1, "green") for y, x in places)
        case "(is blue triangle)":
            return ("triangle", "blue") in grid
        case "(is circle (right_of (right_of circle)))":
            return any(has(y, x, "circle") and has(y, x - 2, "circle") for y, x in places)
    raise AssertionError(query)


def rows(n, seed):
    grids = draw(n, seed)
    queries = [list(QUERIES)[i % len(QUERIES)] for i in range(n)]
    return grids, queries, [true(query, grid) for query, grid in zip(queries, grids, strict=True)]


def write(folder, name, grids, queries, answers, **changes):
    array = io.BytesIO()
    np.save(array, np.array([paint(grid) for grid in grids]))
    files = {
        "input.npy": array.getvalue(),
        "query": "".join(query + "\n" for query in queries).encode(),
        # Windows line ends and blank lines at the end.
        "query_str.txt": "".join(QUERIES[query] + "\r\n" for query in queries).encode() + b"\r\n\n",
        "output": "".join(("true" if answer else "false") + "\n" for answer in answers).encode(),
    }
    for part, data in {**files, **changes}.items():
        (folder / "shapes" / f"{name}.{part}.gz").write_bytes(gzip.compress(data))


@pytest.fixture
def folder(tmp_path, monkeypatch, nowhere):
    monkeypatch.setenv("ATTNLIB_DATA", str(tmp_path))
    (tmp_path / "shapes").mkdir()
    for seed, (name, n) in enumerate({"train.small": 48, "val": 20, "test": 24}.items()):
        write(tmp_path, name, *rows(n, seed))
    return tmp_path


def test_grids_are_read_off_the_pixels_and_cells_are_regions(folder):
    corpus = load_scenes("shapes", verify=False)
    assert corpus.name == "shapes_small"
    assert [len(split) for split in corpus.splits.values()] == [48, 20, 24]
    assert (corpus.train.ids[0], corpus.dev.ids[1], corpus.test.ids[-1]) == (
        "shapes/train.small/1",
        "shapes/val/2",
        "shapes/test/24",
    )
    grids, queries, answers = rows(48, 0)
    assert corpus.train.labels.tolist() == answers
    assert corpus.train.questions == tuple(tuple(QUERIES[query].split()) for query in queries)
    shape, colour = shapes.read_shapes(np.array([paint(grid) for grid in grids])[..., ::-1])
    for i, grid in enumerate(grids):
        found = [
            (SHAPES[s], COLOURS[c]) if s >= 0 else None for s, c in zip(shape[i], colour[i], strict=True)
        ]
        assert found == grid
        for cell, thing in enumerate(grid):
            pixels = corpus.train.features[i, cell].reshape(10, 10, 3)
            assert pixels.max() == (np.float32(230) / 255 if thing else 0)
            assert thing is None or pixels.sum((0, 1)).argmax() == COLOURS.index(thing[1])
    assert corpus.train.present.all()
    np.testing.assert_allclose(corpus.train.boxes[0, 5], [2 / 3, 1 / 3, 1, 2 / 3])


def test_evidence_by_emptying_cells(folder):
    train = load_scenes("shapes", verify=False).train
    grids, queries, answers = rows(48, 0)
    several = 0
    for grid, query, answer, marks in zip(grids, queries, answers, train.evidence, strict=True):
        assert marks.min() >= 0
        assert marks.any() == answer
        if not answer:
            # Nothing that could be taken away makes a false query true.
            assert not any(true(query, [*grid[:c], None, *grid[c + 1 :]]) for c in range(9))
            continue
        neutral = [thing if mark else None for thing, mark in zip(grid, marks, strict=True)]
        assert true(query, neutral)
        assert not true(query, [None if mark else thing for thing, mark in zip(grid, marks, strict=True)])
        flips = [not true(query, [*grid[:c], None, *grid[c + 1 :]]) for c in range(9)]
        assert all(marks[c] for c in range(9) if flips[c])
        # Each marked cell belongs to a smallest set that is enough.
        for cell in np.flatnonzero(marks):
            others = [c for c in np.flatnonzero(marks) if c != cell]
            alone = [[cell], *([cell, other] for other in others)]
            enough = [
                kept
                for kept in alone
                if true(query, [thing if c in kept else None for c, thing in enumerate(grid)])
                and not true(
                    query, [thing if c in kept and c != cell else None for c, thing in enumerate(grid)]
                )
            ]
            assert enough
        several += not any(flips)
    assert several


def test_without_the_answers_of_its_queries_a_set_has_no_evidence(folder):
    grids, queries, answers = rows(24, 2)
    write(folder, "test", grids, queries, [not answers[0], *answers[1:]])
    corpus = load_scenes("shapes", verify=False)
    assert all(split.evidence is None for split in corpus.splits.values())
    assert "Evidence is left out" in corpus.provenance["notes"][-1]
    assert load_scenes("shapes_images", verify=False).train.evidence is None


def test_the_largest_training_part_at_hand_is_taken(folder):
    with pytest.raises(DataError, match=r"train\.small\.input\.npy\.gz is not the official file"):
        load_scenes("shapes")
    for name in ("train.tiny", "train.large"):
        write(folder, name, *rows(16, 5))
    corpus = load_scenes("shapes", verify=False)
    assert (corpus.name, len(corpus.train)) == ("shapes", 16)
    assert load_scenes("shapes", size="tiny", verify=False).name == "shapes_tiny"
    with pytest.raises(ValueError, match="unknown size 'huge'; known: large, med, small, tiny"):
        load_scenes("shapes", size="huge")


def test_images_are_in_one_split_each_whatever_part_they_are_of(folder):
    grids, queries, _ = rows(24, 2)
    write(folder, "test", [*grids[1:], grids[1]], queries, [True] * 24)
    corpus = load_scenes("shapes_images", verify=False)
    assert sum(len(split) for split in corpus.splits.values()) == 91
    assert len(corpus.test) == 14
    assert len(corpus.dev) == 12
    images = [image.tobytes() for split in corpus.splits.values() for image in split.features]
    assert len(set(images)) == 91
    assert len({name.split("/")[1] for name in corpus.train.ids}) == 3
    assert load_scenes("shapes_images", verify=False).checksum == corpus.checksum


@pytest.mark.parametrize(
    ("query", "problem"),
    [
        ("", "expected '\\(', found 'the end'"),
        ("(are red circle)", "expected 'is', found 'are'"),
        ("(is red)", r"unknown word '\)'"),
        ("(is red purple)", "unknown word 'purple'"),
        ("(is red (near circle))", "unknown relation 'near'"),
        ("(is red (above circle)", "expected '\\)', found 'the end'"),
        ("(is red circle square)", "expected '\\)', found 'square'"),
        ("(is red circle) red", "'red' after the end"),
    ],
)
def test_malformed_queries_are_named(folder, query, problem):
    grids, queries, answers = rows(20, 1)
    lines = "".join(line + "\n" for line in [*queries[:1], query, *queries[2:]]).encode()
    write(folder, "val", grids, queries, answers, query=lines)
    with pytest.raises(DataError, match=rf"val\.query\.gz:2: {problem}"):
        load_scenes("shapes", verify=False)


def saved(array, **options):
    data = io.BytesIO()
    np.save(data, array, **options)
    return data.getvalue()


@pytest.mark.parametrize(
    ("part", "data", "problem"),
    [
        ("input.npy", b"not an array", r"input\.npy\.gz: not a numpy array"),
        ("input.npy", b"", r"input\.npy\.gz: not a numpy array"),
        ("input.npy", saved(np.array([{}]), allow_pickle=True), r"input\.npy\.gz: not a numpy array"),
        (
            "input.npy",
            saved(np.zeros((20, 30, 30))),
            r"expected images uint8 \[N, 30, 30, 3\], found float64",
        ),
        ("input.npy", saved(np.zeros((0, 30, 30, 3), np.uint8)), "no image in the file"),
        ("output", b"true\n" * 19, r"output\.gz: 19 rows for the 20 images of"),
        ("output", b"true\n" * 6 + b"yes\n" + b"true\n" * 13, r"output\.gz:7: the answer is 'yes'"),
        (
            "query_str.txt",
            b"is it\n" * 2 + b" \n" + b"is it\n" * 17,
            r"query_str\.txt\.gz:3: the question is empty",
        ),
    ],
)
def test_damaged_files_are_named(folder, part, data, problem):
    write(folder, "val", *rows(20, 1), **{part: data})
    with pytest.raises(DataError, match=problem):
        load_scenes("shapes", verify=False)


def test_missing_files_are_named_with_their_address(folder):
    (folder / "shapes" / "val.output.gz").unlink()
    with pytest.raises(DataError, match=r"val\.output"):
        load_scenes("shapes", verify=False)
    assert {f"{name}.{part}" for name in ("train.small", "val", "test") for part in PARTS} < {
        member.path for member in catalogue.SHAPES.members if member.sha256
    }


@pytest.mark.data("shapes")
def test_counts_of_shapes_and_its_queries_give_all_answers(nowhere, data_folder, monkeypatch):
    monkeypatch.setenv("ATTNLIB_DATA", str(data_folder))
    corpus = load_scenes("shapes", size="small")
    counts = {"train": [445, 195], "dev": [630, 394], "test": [649, 375]}
    for part, split in corpus.splits.items():
        assert np.bincount(split.labels).tolist() == counts[part]
        assert (split.evidence.any(1) == (split.labels == 1)).all()
    marked = [int(split.evidence.sum()) for split in corpus.splits.values()]
    assert marked == [443, 827, 758]
    assert not set(corpus.train.questions) & {*corpus.dev.questions, *corpus.test.questions}
    # The images of train.tiny are among those of train.small, so it adds nothing.
    tiny = load_scenes("shapes", size="tiny").train
    held = {image.tobytes() for image in corpus.train.features}
    assert len(tiny) == 64
    assert all(image.tobytes() in held for image in tiny.features)


@pytest.mark.data("shapes")
def test_counts_of_shapes_by_image():
    corpus = load_scenes("shapes_images", size="small")
    assert [np.bincount(split.labels).tolist() for split in corpus.splits.values()] == [
        [1246, 696],
        [223, 120],
        [255, 148],
    ]
    assert set(corpus.test.questions) <= set(corpus.train.questions)
