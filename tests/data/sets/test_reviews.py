import gzip
import io
import os
import subprocess
import sys
import tarfile

import pytest

from attnlib.data import DataError, load


def quoted(*fields):
    return ",".join('"' + field.replace('"', '""') + '"' for field in fields) + "\n"


def rows(n, title=True):
    """Generated rows as in the official files: class, title, text; escaped and real line ends, quotes."""
    for i in range(n):
        text = f'It is "item" {i % 13}.\\nWould buy again,\nI think!' + " And so on." * (i % 4)
        yield (str(1 + i % 5), *(("Title here",) if title else ()), text)


def write(folder, name, lines, how="plain"):
    folder.mkdir(parents=True, exist_ok=True)
    data = "".join(lines).encode()
    if how == "gzip":
        (folder / f"{name}.csv.gz").write_bytes(gzip.compress(data))
    else:
        (folder / f"{name}.csv").write_bytes(data)


def write_set(folder, title, how="plain", n=300):
    parts = {
        part: "".join(quoted(*row) for row in rows(k, title)) for part, k in (("train", n), ("test", 20))
    }
    if how == "archive":
        root = folder.name.replace("_full", "_review_full_csv")
        folder.mkdir()
        with tarfile.open(folder / f"{root}.tar.gz", "w:gz") as packed:
            for part, text in parts.items():
                item = tarfile.TarInfo(f"{root}/{part}.csv")
                item.size = len(text.encode())
                packed.addfile(item, io.BytesIO(text.encode()))
        return
    for part, text in parts.items():
        write(folder, part, [text], how)


@pytest.fixture
def folder(tmp_path, monkeypatch, nowhere):
    monkeypatch.setenv("ATTNLIB_DATA", str(tmp_path))
    return tmp_path


@pytest.mark.parametrize("how", ["plain", "gzip", "archive"])
@pytest.mark.parametrize("name", ["amazon_full", "yelp_full"])
def test_every_layout_gives_the_same_reviews(folder, name, how):
    write_set(folder / name, title=name == "amazon_full", how=how)
    corpus = load(name)
    assert len(corpus.train) + len(corpus.dev) == 300
    assert 15 <= len(corpus.dev) <= 50
    assert len(corpus.test) == 20
    assert corpus.class_names == ("1 star", "2 stars", "3 stars", "4 stars", "5 stars")
    # A row takes two lines: its text holds a line end.
    assert list(corpus.test.ids[:3]) == [f"{name}/test/1", f"{name}/test/3", f"{name}/test/5"]
    assert corpus.test.labels.tolist() == [i % 5 for i in range(20)]
    assert corpus.test.texts[0] == (
        "it", "is", '"', "item", '"', "0", ".", "would", "buy", "again", ",", "i", "think", "!",
    )  # fmt: skip
    assert corpus.test.sentences[1].tolist() == [7, 7, 4]
    assert {"item", "again"} <= set(corpus.vocabulary.words)
    assert "title" not in corpus.vocabulary.words
    assert load(name).checksum == corpus.checksum


def test_titles_of_amazon_are_read_if_asked_for(folder):
    write_set(folder / "amazon_full", title=True)
    corpus = load("amazon_full", title=True)
    assert corpus.test.texts[0][:3] == ("title", "here", "it")
    assert "Title and text of each review." in corpus.provenance["notes"]


@pytest.mark.parametrize(("name", "sentences", "tokens"), [("amazon_full", 15, 130), ("yelp_full", 43, 200)])
def test_long_reviews_leave_training_only(folder, name, sentences, tokens):
    title = ("t",) * (name == "amazon_full")
    bad = ["Yes. " * (sentences + 1), "word " * (tokens + 1)]
    good = ["Yes. " * sentences, "word " * tokens]
    lines = [quoted(str(1 + i % 5), *title, text) for i, text in enumerate([*bad, *good] * 50)]
    write(folder / name, "train", lines)
    write(folder / name, "test", lines[:5])
    corpus = load(name)
    assert corpus.train.sentences.counts.max() == sentences
    assert corpus.train.sentences.largest().max() == tokens
    assert corpus.dev.sentences.counts.max() == sentences + 1
    assert len(corpus.test) == 5
    assert abs(2 * len(corpus.train) + len(corpus.dev) - 200) < 30


def test_odd_documents_are_kept_or_left_out(folder):
    odd = ["Yes", ".", "", " \\n ", "It was good. " * 5000, 'said \\"no\\"']
    write_set(folder / "yelp_full", title=False)
    write(folder / "yelp_full", "test", [quoted("2", text) for text in odd])
    corpus = load("yelp_full")
    assert corpus.test.lengths.tolist() == [1, 1, 20000, 4]
    assert [len(s) for s in corpus.test.sentences] == [1, 1, 5000, 1]
    assert corpus.test.texts[3] == ("said", '"', "no", '"')
    notes = corpus.provenance["notes"]
    assert "2 documents without a sentence are left out." in notes
    assert "No document of test has the class 1 star, 3 stars, 4 stars, 5 stars." in notes


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ('"","a text"\n', r"the star rating is '', not 1 to 5"),
        ('"6","a text"\n', "the star rating is '6'"),
        ('"3"\n', "expected 2 comma-separated fields, found 1"),
        ("3,a text, and more\n", "expected 2 comma-separated fields, found 3"),
        ('"3","a text" more\n', "expected after"),
        ('"3","open\n', "unexpected end of data"),
    ],
)
def test_bad_rows_are_named(folder, line, problem):
    write_set(folder / "yelp_full", title=False)
    write(folder / "yelp_full", "test", ['"1","two\nlines and ""quotes"""\n', '"2","b"\n', line])
    with pytest.raises(DataError, match=rf"yelp_full/test\.csv:4: .*{problem}"):
        load("yelp_full")


def test_other_bad_files_are_named(folder):
    with pytest.raises(DataError, match=r"(?s)yelp_full: train\.csv not found in .*Crepe.*imdb_ratings"):
        load("yelp_full")
    write_set(folder / "yelp_full", title=False)
    (folder / "yelp_full" / "test.csv").write_bytes(b'"1","a"\n"2","caf\xe9"\n')
    with pytest.raises(DataError, match=r"test\.csv:2: not UTF-8"):
        load("yelp_full")
    (folder / "yelp_full" / "test.csv").unlink()
    (folder / "yelp_full" / "test.csv.gz").write_bytes(gzip.compress(quoted("1", "so " * 9999).encode())[:-9])
    with pytest.raises(DataError, match=r"test\.csv\.gz cannot be read .*truncated"):
        load("yelp_full")
    write(folder / "yelp_full", "train", [quoted("1", "Good."), quoted("2", "Bad.")] * 60)
    with pytest.raises(DataError, match="cannot be read"):
        load("yelp_full")
    (folder / "yelp_full" / "test.csv.gz").unlink()
    write(folder / "yelp_full", "test", [quoted("1", "Good.")])
    with pytest.raises(DataError, match="yelp_full: no training document of class 3 stars, 4 stars, 5 stars"):
        load("yelp_full")


# A process begins with its parent's ru_maxrss, and a test worker is large: VmHWM is of the new program alone.
MEASURE = """
from pathlib import Path
from attnlib.data import load
corpus = load("amazon_full")
tokens = sum(int(split.lengths.sum()) for split in corpus.splits.values())
sentences = sum(int(split.sentences.counts.sum()) for split in corpus.splits.values())
status = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
print(1024 * int(status["VmHWM"].split()[0]), tokens, sentences)
"""


def measured(folder, n):
    """Peak resident memory in bytes, tokens and sentences of a process that reads n short reviews."""
    lines = (quoted(str(1 + i % 5), "A title", f"It is a{i % 5000}.") for i in range(n))
    write(folder / "amazon_full", "train", lines)
    write(folder / "amazon_full", "test", [quoted("1", "A title", "So.")] * 9)
    environment = {**os.environ, "ATTNLIB_DATA": str(folder), "ATTNLIB_CACHE": str(folder)}
    done = subprocess.run(
        [sys.executable, "-c", MEASURE], env=environment, capture_output=True, text=True, check=True
    )
    return map(int, done.stdout.split())


@pytest.mark.slow
def test_three_million_reviews_stay_within_two_gigabytes(tmp_path):
    n, base = 150_000, 10_000
    low, few_tokens, few_sentences = measured(tmp_path, base)
    high, tokens, sentences = measured(tmp_path, n)
    # Four bytes for a token and for a sentence; what a row needs besides is the same for long and short ones.
    numbers = 4 * (tokens - few_tokens + sentences - few_sentences)
    besides = (high - low - numbers) / (n - base)
    assert besides < 150
    # 3 million reviews of the paper's mean, 73 words and 4.3 sentences, and a million words of 150 bytes.
    assert low + 3e6 * (4 * 73 + 4 * 4.3 + besides) + 150e6 < 2 * 2**30
