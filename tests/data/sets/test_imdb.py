import io
import json

import pytest

from attnlib.data import DataError, load
from attnlib.data.sets import imdb
from tests.data.sets.writing import everything, sizes, write

STARS = {"neg": (1, 2, 3, 4), "pos": (7, 8, 9, 10)}
REVIEWS = {
    f"{part}/{label}/{n}_{STARS[label][n % 4]}.txt": f"Film {n}!<br /><br />It's {word} {part} I."
    + " So it is." * (n % 30)
    for part in ("train", "test")
    for label, word in (("neg", "dull"), ("pos", "fine"))
    for n in range(40)
}


def write_set(root, layout="plain", reviews=REVIEWS):
    others = {"README": "hello", "train/urls_pos.txt": "http://example.org\n"}
    folder = root / "imdb" / ("" if layout == "archive" else "aclImdb")
    write(folder, reviews | others, layout, "aclImdb_v1.tar.gz", "aclImdb")


def test_tokens_are_those_of_the_keras_copy():
    found = imdb.tokenize("It's GOOD,\nvery-good.<br />\x85 'ok'")
    assert found == ("it's", "good", "very", "good", "br", "\x85", "'ok'")


@pytest.mark.parametrize("layout", ["plain", "archive"])
def test_flat_texts(root, layout):
    long = {"train/pos/90_9.txt": "so " * 400, "test/neg/90_1.txt": "so " * 400, "test/neg/91_1.txt": " ... "}
    write_set(root, layout, REVIEWS | long)
    corpus = load("imdb", verify=False)
    # 80 training reviews: 64 + 16; a fifth of the 80 test reviews; then the longest of each part go.
    assert len(corpus.train) in range(56, 64)
    assert len(corpus.test) in range(12, 16)
    assert corpus.class_names == ("negative", "positive")
    for name, (text, label) in everything(corpus).items():
        assert label == int("pos" in name)
        assert 6 < len(text) < 400
        # Of test reviews words that no training review has are left out.
        assert "test" not in text
    assert {"br", "it's", "train"} <= set(corpus.vocabulary.words)
    with pytest.raises(DataError, match=r"imdb: train/neg in .* is not as published: 40 of 12500 files"):
        load("imdb")


@pytest.mark.parametrize("layout", ["plain", "archive"])
def test_documents_with_the_stars_in_the_names_of_the_files(root, layout):
    write_set(root, layout, REVIEWS | {"test/neg/99_1.txt": "<br /> \n"})
    corpus = load("imdb_ratings", verify=False)
    assert sizes(corpus) == [72, 8, 80]
    assert (corpus.class_names[0], corpus.class_names[4]) == ("1 star", "7 stars")
    # By folder and number.
    assert list(corpus.test.ids)[:3] == [f"imdb_ratings/test/neg/{n}_{1 + n}" for n in range(3)]
    assert all(name.rpartition("_")[2] == imdb.STARS[y] for name, (_, y) in everything(corpus).items())
    assert corpus.test.texts[1][:10] == ("film", "1", "!", "it", "'s", "dull", "test", "i.", "so", "it")
    assert corpus.test.sentences[0].tolist() == [3, 5]
    assert "1 documents without a sentence are left out." in corpus.provenance["notes"]


def jmars(n=300):
    text = 'Film {} "was" [so] good.\nI, {{too}}, liked é!'
    return [{"rating": 1 + i % 10, "title": "A title", "review": text.format(i)} for i in range(n)]


LAYOUTS = {
    "array": json.dumps,
    "indented": lambda items: json.dumps(items, indent=1, ensure_ascii=False) + "\n",
    "lines": lambda items: "\n".join(json.dumps(item) for item in items) + "\n",
}


@pytest.mark.parametrize("layout", LAYOUTS.values(), ids=LAYOUTS)
def test_every_layout_of_jmars_gives_the_same_reviews(root, layout):
    write(root / "imdb10", {"data.json": layout(jmars())})
    corpus = load("imdb10")
    assert corpus.class_names == tuple(map(str, range(1, 11)))
    assert sum(sizes(corpus)) == 300
    assert sizes(corpus)[0] in range(215, 265)
    assert min(sizes(corpus)) > 10
    for name, (text, label) in everything(corpus).items():
        number = int(name.removeprefix("imdb10/"))
        assert (text[1], text[-2], label) == (str(number - 1), "é", (number - 1) % 10)


JSON = json.dumps(jmars())


BAD_JSON = [
    (JSON.replace('"rating": 7', '"stars": 7', 1), "object 7: no field 'rating'"),
    (JSON.replace('"rating": 7', '"rating": 7.5', 1), "object 7: the rating is '7.5', not 1, .* or 10"),
    (JSON.replace('"review": "Film 6', '"review": 6, "x": "', 1), "object 7: the review is no text"),
    ('["text"]', "object 1: "),
    (JSON[:-30], "object 300: "),
    (JSON[:-1], "the array has no end after object 300"),
    ("no json", "object 1: "),
    (JSON[:100] + "\udce9", "'utf-8' codec"),
]


@pytest.mark.parametrize(("text", "problem"), BAD_JSON)
def test_bad_reviews_and_foreign_files_of_jmars_are_named(text, problem):
    file = io.BytesIO(text.encode(errors="surrogateescape"))
    with pytest.raises(DataError, match=f"data.json: {problem}"):
        list(imdb.read_jmars("data.json", file))
