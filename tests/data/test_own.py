"""A file of one's own: what is read of it, and what is refused, by file and line."""

import json
import shlex
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest

from attnlib import data
from attnlib.data import Corpus, DataError
from attnlib.data.sets.health import tweets
from attnlib.data.traits import traits_of
from attnlib.models.vectors import read_vectors

ROWS = [(f"it is {word} here", label) for word, label in (("good", "yes"), ("bad", "no")) for _ in range(10)]
HEAD = "text,label\n"
PLAIN = "".join(f"{text},{label}\n" for text, label in ROWS)


def frame(**columns):
    texts, labels = zip(*ROWS, strict=True)
    return pd.DataFrame({"text": texts, "label": labels} | columns)


def row(i, rationale="0 0 1 0"):
    return f"it is good {i},{i % 2},{'train' if i < 6 else 'test'},{rationale},n{i}\n"


# What a file holds, and what is said of it; of csv files less their ending.
BAD = {
    b"text;label\nso good;1\n": r":1: ';' separates its fields, not ','",
    b"sentence,label\n": r":1: no column 'text' among sentence, label",
    b"": r":1: no column 'text'",
    b"text,label,label\n": r":1: 2 columns are called 'label'",
    b"text,label,rationales\n": r":1: column 'rationales' would not be read: call it 'rationale'",
    b"text,label\nso good,1\nso bad,\n": r":3: the label is ''",
    b"text,label\nso good,1\nso bad,0.5\n": r":3: the label is 0\.5: classes are whole numbers",
    b"text,label\nso good,1\nso bad,1.0\n": r"a: all 2 labels are '1'",
    b"text,label\n": r"a: it has no rows",
    b"text,label\nso good,1\n ,0\n": r":3: the text is empty",
    b"text,label\nso good,1\nso b\0d,0\n": r":3: the text holds the character NUL",
    b"text,label\nso good,1\nso b\xe9d,0\n": r":3: not UTF-8 text, .*can't decode",
    "text,label\n".encode("utf-16"): r":1: the text is in UTF-16",
    b"text,label\nso good,1\nso, bad,0\n": r":3: expected 2 comma-separated fields, found 3",
    b'text,label\n"so\ngood",1\n"so bad,0\n': r":4: unexpected end",
    b"text,label,id\nso good,1,x\nso bad,0,x\n": r":3: the id 'x' is that of .*a\.csv:2 too",
    b"text,label,id\nso good,1,\n": r":2: the id is ''",
    b"text,label,rationale\nso good,1,0 1\nso bad,0,1\n": r":3: the rationale has 1 marks for 2",
    b"text,label,rationale\nso good,1,0 2\n": r":2: the rationale holds '2'",
    b"text,label,split\nso good,1,held\n": r":2: the split is 'held'",
    b"text,label,split\nso good,1,train\nso bad,0,train\n": r"a: no row has the split test",
    b"text,label,split\n" + b"good,1,train\n" * 9 + b"bad,0,test\n": r":11: no text of train has",
    b"text,label\nso good,1\nso bad,0\n": r"a: 2 texts are too few to divide",
    b"text,label,text_b\nso good,1,\n": r":2: text_b is empty",
}
LINES = {
    '{"text": "so good", "label": 1}\n{"text": "so bad"}\n': r":2: no column 'label'",
    '{"text": "so good", "label": 1}\n[1]\n': r":2: no JSON object",
    '{"text": "so good", "label": 1}\n{"text\n': r":2: Invalid control character",
    '{"text": ["so good"], "label": 1}\n': r":1: the text has the token 'so good'",
    '{"text": ["so", 1], "label": 1}\n': r":1: the text has 1 \(int\) as token 1",
    '{"text": 3, "label": 1}\n': r":1: the text is 3 \(int\), not a list of tokens",
    '{"text": "\\ud800", "label": 1}\n': r":1: .*surrogates not allowed",
}
FILES = [("a.csv", *pair) for pair in BAD.items()]
FILES += [("a.jsonl", text.encode(), problem) for text, problem in LINES.items()]
FILES += [("a.tsv", b"text,label\nso good,1\n", r":1: ',' separates its fields")]
FILES += [("a.parquet", b"text,label\n", r"a\.parquet: .*Parquet magic bytes")]
FILES += [("a.txt", b"text,label\n", r"unknown data set .*a file of your own is \.csv, \.tsv")]


@pytest.mark.parametrize(("file", "content", "problem"), FILES)
def test_what_cannot_be_read_is_refused_with_file_and_line(tmp_path, file, content, problem):
    path = tmp_path / file
    path.write_bytes(content)
    with pytest.raises(ValueError, match=problem) as refused:
        data.load(str(path))
    assert len(str(refused.value)) < 600


def test_what_is_not_there_is_refused(tmp_path):
    with pytest.raises(DataError, match=r"/no\.csv: there is no such file"):
        data.load(str(tmp_path / "no.csv"))
    functions = {"nothing.here:load": "No module", "json:load_it": "no attribute", "os:getcwd": "str"}
    for given, problem in functions.items():
        with pytest.raises(DataError, match=problem):
            data.load(given)
    with pytest.raises(DataError, match=r"mine: row 1: the label is ''"):
        Corpus.from_frame(pd.DataFrame({"text": ["a", "b"], "label": [1.0, None]}), "mine")
    with pytest.raises(ValueError, match="unknown option of a.csv 'verify'"):
        data.load("a.csv", verify=False)


def test_the_line_that_mends_semicolons_mends_them(tmp_path):
    folder = tmp_path / "it's mine (2)"
    folder.mkdir()
    path = folder / "a.csv"
    path.write_bytes(b"\xef\xbb\xbftext;label\r\n" + b"".join(f'"{t}, NA";{y}\r\n'.encode() for t, y in ROWS))
    with pytest.raises(DataError) as refused:
        data.load(str(path))
    _, *code = shlex.split(str(refused.value).partition("mends it: ")[2])
    subprocess.run([sys.executable, *code], check=True)
    assert set(data.load(str(path)).vocabulary.words) == {"it", "is", "good", "bad", "here,", "NA"}


@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_csv_as_spreadsheets_write_it(tmp_path, mark, end):
    rows = ['"a ""fine"" film, really",1', '"two lines\n\nhere",0', "", "NA,1", "caf\u00e9 null,0"] * 5
    (tmp_path / "a.csv").write_bytes(
        mark + end.join(["text,label,note", *(f"{r},x" if r else r for r in rows)]).encode()
    )
    corpus = data.load(str(tmp_path / "a.csv"))
    texts = {text for split in corpus.splits.values() for text in split.texts}
    found = {("a", '"fine"', "film,", "really"), ("two", "lines", "here"), ("NA",), ("caf\u00e9", "null")}
    assert texts == found
    # A text of several lines is a document, so all are.
    split = corpus.train
    place = next(i for i, text in enumerate(split.texts) if len(text) == 3)
    assert split.sentences[place].tolist() == [2, 1]
    assert corpus.provenance["notes"][-1] == "not read: the columns note"


def test_all_kinds_of_files_and_a_frame_give_the_same_corpus(tmp_path, capsys):
    given = frame(rationale=["0 0 1 0", "[0, 0, 1, 0]"] * 10, id=[f"n{i}" for i in range(20)])
    given.to_csv(tmp_path / "a.csv", index=False)
    given.to_csv(tmp_path / "a.tsv", index=False, sep="\t")
    lists = given.assign(text=given["text"].str.split(), rationale=[[0, 0, 1, 0]] * 20)
    lists.to_json(tmp_path / "a.jsonl", orient="records", lines=True)
    lists.to_parquet(tmp_path / "a.parquet")
    found = [Corpus.from_csv(tmp_path / f"a.{kind}") for kind in ("csv", "tsv", "jsonl", "parquet")]
    found += [Corpus.from_frame(given, "a"), Corpus.from_frame(lists, "a")]
    assert len({corpus.checksum for corpus in found}) == 1
    corpus = found[0]
    assert (corpus.name, corpus.class_names, corpus.task) == ("a", ("no", "yes"), "classification")
    assert [len(split) for split in corpus.splits.values()] == [14, 2, 4]
    counts = [np.bincount(split.labels).tolist() for split in corpus.splits.values()]
    assert counts == [[7, 7], [1, 1], [2, 2]]
    assert corpus.train.evidence[0].tolist() == [0, 0, 1, 0]
    assert capsys.readouterr().err.splitlines()[0] == (
        "a: no column split: drawn by class with seed 5, 14 train, 2 dev, 4 test"
    )
    assert corpus.test.sentences is None
    assert data.load(corpus) is corpus


def test_splits_and_labels_are_as_the_file_says(tmp_path):
    given = [("train", "so"), ("train", "no")] * 3 + [("validation", "so")] + [("test", "yes")] * 2
    lines = [f"it is {i},{10 - i % 2}.0,{part},{text}\n" for i, (part, text) in enumerate(given)]
    (tmp_path / "sst.csv").write_text("text,label,split,text_b\n" + "".join(lines))
    corpus = data.load(str(tmp_path / "sst.csv"))
    # Not taken for what is known by that name; 9 comes before 10.
    assert (corpus.name, corpus.class_names, corpus.task) == ("sst.csv", ("9", "10"), "pair classification")
    assert [len(split) for split in corpus.splits.values()] == [6, 1, 2]
    assert corpus.test.labels.tolist() == [0, 1]
    assert corpus.test.questions[0] == ("yes",)
    assert list(corpus.test.ids) == ["sst.csv/9", "sst.csv/10"]
    assert "yes" not in corpus.vocabulary.words
    assert {"so", "no", "0"} <= set(corpus.vocabulary.words)


def test_a_file_that_changed_is_another_corpus_and_a_path_may_be_relative(tmp_path, monkeypatch):
    (tmp_path / "a.csv").write_text(HEAD + PLAIN)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path])
    before = data.load("a.csv")
    assert data.load(str(tmp_path / "a.csv")) is before
    assert traits_of("a.csv").fits(["classification"], 2)
    (tmp_path / "a.csv").write_text(HEAD + PLAIN.replace("good", "fine"))
    assert data.load("a.csv").checksum != before.checksum
    (tmp_path / "loader_of_mine.py").write_text(
        "from attnlib.data import Corpus\n\ndef load():\n    return Corpus.from_csv('a.csv')\n"
    )
    assert data.load("loader_of_mine:load").checksum == data.load("a.csv").checksum


def test_every_reader_passes_over_a_byte_order_mark(tmp_path):
    from attnlib.data.places import Content

    rows = tweets(Content("x.csv", "x.csv", "\ufefftext,label,exp_split\nso,1,train\n".encode()))
    assert rows["train"][0].text == "so"
    (tmp_path / "v.txt").write_text("\ufeffgood 1 2\nbad 3 4\n", encoding="utf-8")
    assert set(read_vectors(tmp_path / "v.txt", ["good", "bad"], 2)) == {"good", "bad"}
    lines = "\n".join(json.dumps({"text": t, "label": y}) for t, y in ROWS)
    (tmp_path / "a.jsonl").write_text(f"\ufeff{lines}", encoding="utf-8")
    assert len(data.load(str(tmp_path / "a.jsonl")).train) == 14


# A process begins with its parent's ru_maxrss, and a test worker is large: VmHWM is of the new program alone.
MEASURE = """import sys
from attnlib import data
data.load(sys.argv[1]).checksum
print(open("/proc/self/status").read().partition("VmHWM:")[2].split()[0])"""


def peak(path, n):
    """The peak of a process of its own that reads n texts of 50 tokens, in kB."""
    texts = (" ".join(f"w{(i * 31 + k * k) % 20_000}" for k in range(50)) for i in range(n))
    path.write_text(HEAD + "".join(f"{text},{i % 2}\n" for i, text in enumerate(texts)))
    return int(subprocess.check_output([sys.executable, "-c", MEASURE, path]))


@pytest.mark.slow
def test_a_large_file_is_streamed(tmp_path):
    # As strings two and a half million tokens would take more than 130 MB.
    assert peak(tmp_path / "a.csv", 50_000) - peak(tmp_path / "a.csv", 50) < 100_000
