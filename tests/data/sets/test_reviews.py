import os
import random
import subprocess
import sys

import numpy as np
import pytest

from attnlib.data import DataError, load
from attnlib.data.catalogue import DATA_SETS
from attnlib.data.sets import reviews
from tests.data.sets.writing import everything, quoted, sizes, write

TITLE = {"amazon_full": ("Title here",), "yelp_full": ()}


def rows(n, title=()):
    """Rows as in the official files: class, title, text; escaped and real line ends, quotes."""
    for i in range(n):
        text = f'It is "item" {i % 13}.\\nWould buy again,\nI think!' + " And so on." * (i % 4)
        yield quoted(str(1 + i % 5), *title, text)


def write_set(root, name, layout="plain", n=300, **parts):
    texts = {"train": rows(n, TITLE[name]), "test": rows(20, TITLE[name])} | parts
    packed = name.replace("_full", "_review_full_csv")
    files = {f"{part}.csv": "".join(lines) for part, lines in texts.items()}
    write(root / name, files, layout, f"{packed}.tar.gz", packed)


@pytest.mark.parametrize(("name", "layout"), [("amazon_full", "archive"), ("yelp_full", "gzip")])
def test_every_layout_gives_the_same_reviews(root, name, layout):
    write_set(root, name, layout)
    corpus = load(name)
    assert sum(sizes(corpus)[:2]) == 300
    assert 15 <= len(corpus.dev) <= 50
    assert corpus.class_names == ("1 star", "2 stars", "3 stars", "4 stars", "5 stars")
    # A row takes two lines: its text holds a line end.
    assert list(corpus.test.ids[:3]) == [f"{name}/test/1", f"{name}/test/3", f"{name}/test/5"]
    assert corpus.test.labels.tolist() == [i % 5 for i in range(20)]
    assert " ".join(corpus.test.texts[0]) == 'it is " item " 0 . would buy again , i think !'
    assert corpus.test.sentences[1].tolist() == [7, 7, 4]
    assert {"item", "again"} <= set(corpus.vocabulary.words)
    assert "title" not in corpus.vocabulary.words
    if name == "amazon_full":
        corpus = load("amazon_full", title=True)
        assert corpus.test.texts[0][:3] == ("title", "here", "it")
        assert "Title and text of each review." in corpus.provenance["notes"]


@pytest.mark.parametrize(("name", "sentences", "tokens"), [("amazon_full", 15, 130), ("yelp_full", 43, 200)])
def test_long_reviews_leave_training_only(root, name, sentences, tokens):
    bad = ["Yes. " * (sentences + 1), "word " * (tokens + 1)]
    good = ["Yes. " * sentences, "word " * tokens]
    lines = [quoted(str(1 + i % 5), *TITLE[name], text) for i, text in enumerate([*bad, *good] * 50)]
    write_set(root, name, train=lines, test=lines[:5])
    corpus = load(name)
    assert corpus.train.sentences.counts.max() == sentences
    assert max(cut.max() for cut in corpus.train.sentences) == tokens
    assert corpus.dev.sentences.counts.max() == sentences + 1
    assert len(corpus.test) == 5
    assert abs(2 * len(corpus.train) + len(corpus.dev) - 200) < 30


def test_bad_rows_are_named(root):
    write_set(root, "yelp_full", test=[quoted("1", "two\nlines"), quoted("6", "a text")])
    for name in ("yelp_full", "yelp5"):
        with pytest.raises(DataError, match=r"test\.csv:3: the star rating is '6', not 1, 2, 3, 4 or 5"):
            load(name)


def flat_row(i, repeats):
    """A review with its number as a word; escaped and real line ends, quotes, spaces."""
    text = f'It is "item"  n{i} .\\nAgain,\nplease!' if i % 3 else f"Item n{i} ."
    return quoted(str(1 + i % 5), text + " And so on." * repeats)


def test_of_flat_texts_dev_is_the_start_of_the_shuffled_file_and_the_rest_train(root, monkeypatch):
    monkeypatch.setattr(reviews, "FLAT_DEV", 100)
    repeats = [i % 9 if i % 50 else 36 for i in range(300)]
    fits = [6 < (11 if i % 3 else 3) + 4 * repeats[i] < 150 for i in range(300)]
    # A review without words counts as a row.
    lines = [flat_row(i, repeats[i]) if i != 4 else quoted("5", " \\n ") for i in range(300)]
    fits[4] = False
    write_set(root, "yelp_full", train=lines, test=lines[:60])
    corpus = load("yelp5")
    assert (corpus.name, corpus.class_names[0]) == ("yelp5", "1 star")
    assert reviews.shuffled(10) == [4, 3, 0, 5, 2, 7, 1, 8, 6, 9]  # for ever
    # The released code's steps.
    shuffled = list(range(300))
    random.seed(1357)
    random.shuffle(shuffled)
    expected = {"train": shuffled[100:], "dev": shuffled[:100], "test": range(60)}
    for part, split in corpus.splits.items():
        found = [int(next(t[1:] for t in text if t[0] == "n" and t[1:].isdecimal())) for text in split.texts]
        assert found == sorted(i for i in expected[part] if fits[i])
        assert split.labels.tolist() == [i % 5 for i in found]
        assert split.sentences is None
    # Row 1 is a review of two lines after one of one line.
    assert corpus.test.ids[1] == "yelp5/test/2"
    assert " ".join(corpus.test.texts[1]) == 'it is " item " n1 . again , please ! and so on .'
    # Words of at least 20 training texts: all but the numbers.
    assert set(corpus.vocabulary.words) == {*corpus.test.texts[1]} - {"n1"}


# A process begins with its parent's ru_maxrss, and a test worker is large: VmHWM is of the new program alone.
MEASURE = """import attnlib.data
attnlib.data.load("amazon_full")
print(open("/proc/self/status").read().partition("VmHWM:")[2].split()[0])"""


def measured(folder, n):
    """Peak resident memory in bytes of a process that reads n reviews of one sentence and four tokens."""
    lines = (quoted(str(1 + i % 5), "A title", f"It is a{i % 5000}.") for i in range(n))
    write_set(folder, "amazon_full", train=lines, test=[quoted("1", "A title", "So.")] * 9)
    environment = {**os.environ, "ATTNLIB_DATA": str(folder), "ATTNLIB_CACHE": str(folder)}
    return 1024 * int(subprocess.check_output([sys.executable, "-c", MEASURE], env=environment))


@pytest.mark.slow
def test_three_million_reviews_stay_within_two_gigabytes(tmp_path):
    n, base = 80_000, 10_000
    low, high = measured(tmp_path, base), measured(tmp_path, n)
    # Four bytes for a token and for a sentence; what a row needs besides is the same for long and short ones.
    besides = (high - low) / (n - base) - 4 * (4 + 1)
    assert besides < 150
    # 3 million reviews of the paper's mean, 73 words and 4.3 sentences, and a million words of 150 bytes.
    assert low + 3e6 * (4 * 73 + 4 * 4.3 + besides) + 150e6 < 2 * 2**30


def review(stars, text):
    fields = {"unique_id": "x", "rating": stars, "title": "A title", "review_text": text}
    held = "".join(f"<{name}>\n{value}\n</{name}>\n" for name, value in fields.items())
    return f"<review>\n{held}</review>\n"


@pytest.mark.parametrize("layout", ["plain", "archive"])
def test_reviews_of_four_domains_have_four_ratings(root, layout):
    stars = {"negative": ("1.0", "2.0"), "positive": ("4.0", "5.0")}
    made = {}
    for path in (item.path for item in DATA_SETS["amazon_multidomain"].files):
        domain, kind = path.removesuffix(".review").split("/")
        texts = [f"It is &quot;item&quot; {i} of\n{domain}. I saw {kind}!" for i in range(30)]
        made[path] = "".join(review(stars[kind][i % 2], text) for i, text in enumerate(texts))
    # Two repeats, and one without words.
    made["books/positive.review"] += review("4.0", "It  is &quot;item&quot; 0 of books. I saw negative!") * 2
    made["books/positive.review"] += review("4.0", " ")
    folder = root / "amazon_multidomain" / ("" if layout == "archive" else "sorted_data_acl")
    write(folder, made, layout, "domain_sentiment_data.tar.gz", "sorted_data_acl")
    corpus = load("amazon_multidomain", verify=False)
    # 240: a fifth to test, a tenth of the rest, rounded up, to dev.
    assert sizes(corpus) == [172, 20, 48]
    assert corpus.class_names == ("1 star", "2 stars", "4 stars", "5 stars")
    assert np.bincount(corpus.test.labels).tolist() == [12] * 4
    for name, (text, label) in everything(corpus).items():
        _, domain, kind, number = name.split("/")
        assert text[2:6] == ('"', "item", '"', str(int(number) - 1))
        assert label == 2 * (kind == "positive") + (int(number) - 1) % 2
        assert domain.split("_")[0] in "".join(text)
    assert "title" not in corpus.vocabulary.words
    left_out = "2 reviews whose text occurred before", "1 documents without a sentence"
    assert {f"{what} are left out." for what in left_out} < set(corpus.provenance["notes"])
    with pytest.raises(DataError, match=r"books/negative\.review is not the official file"):
        load("amazon_multidomain")
