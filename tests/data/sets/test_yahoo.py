from xml.sax.saxutils import escape

import numpy as np
import pytest

from attnlib.data import DataError, load
from attnlib.data.catalogue import DATA_SETS
from attnlib.data.columns import Builder
from attnlib.data.corpus import Split
from attnlib.data.sets import yahoo
from tests.data.sets.writing import everything, quoted, sizes, write

TOPICS = yahoo.TOPICS


def document(i, topic=None, uri=None):
    """One document as in the Webscope files, with some of the fields that are not read."""
    fields = {
        "uri": str(1000 + i) if uri is None else uri,
        "subject": f"Why is it item{i}?",
        "content": "Tell me.\nPlease" if i % 2 else None,
        "bestanswer": "It is so.<br />Really & truly!",
        "maincat": TOPICS[i % 10] if topic is None else topic,
    }
    given = {name: escape(value) for name, value in fields.items() if value is not None}
    held = "".join(f"<{name}>{value}</{name}>\n" for name, value in given.items())
    others = "<nbestanswers><answer_item>no</answer_item></nbestanswers><qlang>en</qlang>"
    return f'<vespaadd><document type="wisdom">{held}{others}</document></vespaadd>\n'


def whole(n=600, extra=(), first=0):
    parts = [*map(document, range(first, n)), *extra]
    return '<?xml version="1.0" encoding="UTF-8"?>\n<ystfeed>\n' + "".join(parts) + "</ystfeed>\n"


def write_parts(root, *parts, layout="plain"):
    """The two files of Webscope; one text is cut in the middle of a document."""
    if len(parts) == 1:
        cut = int(0.4 * len(parts[0]))
        parts = parts[0][:cut], parts[0][cut:]
    write(root / "yahoo", dict(zip(DATA_SETS["yahoo"].choices["webscope"], parts, strict=True)), layout)


@pytest.mark.parametrize(("piece", "layout"), [(97, "plain"), (1 << 20, "gzip")])
def test_the_two_parts_are_one_text(root, monkeypatch, piece, layout):
    monkeypatch.setattr(yahoo, "PIECE", piece)
    write_parts(root, whole(), layout=layout)
    corpus = load("yahoo")
    assert corpus.class_names == TOPICS
    # 60 documents of each topic: 2 to test, the rest to train and dev.
    assert sizes(corpus) == [522, 58, 20]
    assert np.bincount(corpus.test.labels).tolist() == [2] * 10
    texts = everything(corpus)
    assert len(texts) == 600
    assert " ".join(texts["yahoo/2"][0]) == "why is it item1 ? tell me . please it is so . really & truly !"
    assert all(name == f"yahoo/{1 + int(text[3][4:])}" for name, (text, _) in texts.items())
    write(root / "yahoo", {"FullOct2007.xml": whole()})
    assert load("yahoo", source="whole").checksum == corpus.checksum
    # Parts that are whole texts of their own.
    write_parts(root, whole(300), whole(600, first=300) + "\n", layout=layout)
    assert load("yahoo", source="webscope").checksum == corpus.checksum


@pytest.mark.slow
def test_other_topics_repeats_and_empty_documents_are_left_out(root):
    extra = [document(1, topic="Travel"), document(1, topic=""), document(2, uri="1002")]
    extra.append(document(3, uri="").replace("Why is it item3?", "...").replace("Please", ""))
    write_parts(root, whole(600, extra))
    corpus = load("yahoo")
    assert sum(sizes(corpus)) == 601
    assert "1 questions whose address occurred before are left out." in corpus.provenance["notes"]


def test_as_many_of_each_class_with_test_first(monkeypatch):
    monkeypatch.setattr(yahoo, "TEST", 3)
    monkeypatch.setattr(yahoo, "TRAIN_AND_DEV", 10)
    labels, numbers = np.repeat(np.arange(10), 40), np.arange(1, 401) * 7
    ranks = yahoo.draw(numbers, labels)
    drawn = np.flatnonzero(ranks >= 0)
    # A tenth more than the 13 that are wanted.
    assert np.bincount(labels[drawn // 7 - 1]).tolist() == [14] * 10
    assert sorted(ranks[drawn]) == list(range(140))
    assert (np.diff(ranks[drawn]) < 0).any()

    # One in four has too many sentences.
    long = np.arange(1, 401) % 4 == 1
    texts, cut = Builder(), Builder()
    for is_long in long:
        texts.append([0, 1] * (51 if is_long else 1))
        cut.append([2] * (51 if is_long else 1))
    ids = tuple(f"yahoo/{i}" for i in range(1, 401))
    every = Split(ids, texts.finish(("so", ".")), np.arange(1, 401) % 10, sentences=cut.finish())
    ranks = np.random.RandomState(0).permutation(400)
    parts = yahoo.balanced(every, ranks)
    assert np.bincount(parts["train"].labels).tolist() == [10, 10] * 5
    assert np.bincount(parts["test"].labels).tolist() == [3] * 10
    for label in range(10):
        order = [i for i in np.argsort(ranks) if every.labels[i] == label]
        expected = {"test": order[:3], "train": [i for i in order[3:] if not long[i]][:10]}
        for part, rows in expected.items():
            found = {parts[part].ids[i] for i in np.flatnonzero(parts[part].labels == label)}
            assert found == {ids[i] for i in rows}


def test_the_csv_files_join_title_content_and_answer(root):
    said = ["Say\\nso.", "", ""]
    lines = [quoted(str(1 + i % 10), f"Why {i}?", said[i % 3], 'It "is" so.') for i in range(100)]
    write(root / "yahoo", {"train.csv": "".join(lines), "test.csv": "".join(lines[:10])})
    corpus = load("yahoo")
    assert sizes(corpus) == [90, 10, 10]
    assert corpus.test.ids[1] == "yahoo/test/2"
    assert corpus.test.texts[0] == ("why", "0", "?", "say", "so", ".", "it", '"', "is", '"', "so", ".")
    assert [s.tolist() for s in corpus.test.sentences[:2]] == [[3, 3, 6], [3, 6]]
    assert "6,000 test questions" in " ".join(corpus.provenance["notes"])
    write(root / "yahoo", {"train.csv": quoted("1", "a", "b\nc", "d") + quoted("11", "a", "b", "c")})
    with pytest.raises(DataError, match=r"train\.csv:3: the class is '11', not 1, 2, .* or 10"):
        load("yahoo")


def test_damaged_files_are_named(root):
    for text, problem in (
        (whole(0), "yahoo: too few texts to divide"),
        (whole(20)[:-40], r"part2: the XML text stops in document 2\d"),
        (whole(20).replace("<uri>1005", "<uri>&nothing;"), r"part1: near document \d: undefined entity"),
    ):
        write_parts(root, text)
        with pytest.raises(DataError, match=problem):
            load("yahoo")
