import json

import pytest

from attnlib.data import DataError, load
from attnlib.data.sets import jmars


def reviews(n=300):
    return [
        {
            "rating": 1 + i % 10,
            "title": "A title",
            "review": f'Film {i} "was" [so] good.\nI, {{too}}, liked é!',
        }
        for i in range(n)
    ]


LAYOUTS = {
    "array": lambda items: json.dumps(items),
    "array on lines": lambda items: json.dumps(items, indent=1, ensure_ascii=False) + "\n",
    "lines": lambda items: "\n".join(json.dumps(item) for item in items) + "\n",
}


@pytest.fixture
def write(tmp_path, monkeypatch, nowhere):
    monkeypatch.setenv("ATTNLIB_DATA", str(tmp_path))
    (tmp_path / "imdb10").mkdir()
    return lambda text: (tmp_path / "imdb10" / "data.json").write_text(text)


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("piece", [1 << 20, 31])
def test_every_layout_gives_the_same_reviews(write, monkeypatch, layout, piece):
    write(LAYOUTS["array"](reviews()))
    expected = load("imdb10")
    monkeypatch.setattr(jmars, "PIECE", piece)
    write(LAYOUTS[layout](reviews()))
    corpus = load("imdb10")
    assert corpus.checksum == expected.checksum
    assert corpus.class_names == tuple(map(str, range(1, 11)))
    sizes = [len(split) for split in corpus.splits.values()]
    assert sum(sizes) == 300
    assert sizes[0] in range(215, 265)
    assert min(sizes[1:]) > 10
    for split in corpus.splits.values():
        for name, text, label in zip(split.ids, split.texts, split.labels, strict=True):
            number = int(name.removeprefix("imdb10/"))
            assert text[1] == str(number - 1)
            assert label == (number - 1) % 10
            assert text[-2] == "é"


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (lambda items: items[6].pop("rating"), "object 7: the rating is None, not 1 to 10"),
        (lambda items: items[6].update(rating=None), "object 7: the rating is None"),
        (lambda items: items[6].update(rating=0), "object 7: the rating is 0, not 1 to 10"),
        (lambda items: items[6].update(rating=7.5), "object 7: the rating is 7.5"),
        (lambda items: items[6].pop("review"), "object 7: no text called 'review'"),
        (lambda items: items.insert(6, "text"), "object 7: expected a review with rating and review"),
    ],
)
def test_bad_reviews_are_named(write, change, problem):
    items = reviews()
    change(items)
    write(json.dumps(items))
    with pytest.raises(DataError, match=rf"data\.json: {problem}"):
        load("imdb10")


@pytest.mark.parametrize(
    ("spoil", "problem"),
    [
        (lambda text: text[:-30], "object 300: .*the file may be cut"),
        (lambda text: text[:-1], "the array has no end after object 300"),
        (
            lambda text: text[:3000] + text[3000:].replace('"title":', '"title"', 1),
            r"object \d+: .*may be cut or damaged",
        ),
        (lambda text: "no json", "object 1: "),
        (lambda text: "[]", None),
        (lambda text: "", None),
    ],
)
def test_cut_and_foreign_files_are_named(write, monkeypatch, spoil, problem):
    monkeypatch.setattr(jmars, "PIECE", 1000)
    write(spoil(json.dumps(reviews())))
    with pytest.raises(
        DataError, match=rf"data\.json: {problem}" if problem else "imdb10: no document in train"
    ):
        load("imdb10")


def test_damage_is_found_before_the_whole_file_is_in_memory(monkeypatch, tmp_path):
    monkeypatch.setattr(jmars, "PIECE", 100)
    monkeypatch.setattr(jmars, "LONGEST", 1000)
    path = tmp_path / "x"
    path.write_text('[{"a": 1}, {"b" ' + " " * 100_000 + "]")
    with path.open("rb") as file:
        with pytest.raises(DataError, match="object 2"):
            list(jmars.objects(file, "x"))
        assert file.tell() < 20_000


def test_bytes_that_are_not_utf8_are_named(tmp_path):
    path = tmp_path / "x"
    path.write_bytes(b'[{"a": 1}, {"b": "caf\xe9"}]')
    with path.open("rb") as file, pytest.raises(DataError, match="x: object 1: not UTF-8"):
        list(jmars.objects(file, "x"))


def test_without_the_file_the_message_says_how_to_get_it(nowhere):
    with pytest.raises(DataError, match=r"(?s)data\.json not found.*one JSON array.*'imdb_ratings'"):
        load("imdb10")
