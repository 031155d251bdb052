import gzip
from xml.sax.saxutils import escape

import numpy as np
import pytest

from attnlib.data import DataError, load
from attnlib.data.documents import Collector
from attnlib.data.sets import yahoo

TOPICS = yahoo.TOPICS


def document(i, topic=None, uri=None, best="It is so.<br />Really & truly!"):
    """One document as in the Webscope files, with some of the fields that are not read."""
    fields = {
        "uri": str(1000 + i) if uri is None else uri,
        "subject": f"Why is it item{i}?",
        "content": "Tell me.\nPlease" if i % 2 else None,
        "bestanswer": best,
        "maincat": TOPICS[i % 10] if topic is None else topic,
    }
    inside = "".join(
        f"<{name}>{escape(value)}</{name}>\n" for name, value in fields.items() if value is not None
    )
    return (
        f'<vespaadd><document type="wisdom">{inside}<nbestanswers><answer_item>no</answer_item>'
        "</nbestanswers><qlang>en</qlang></document></vespaadd>\n"
    )


def whole(n=600, extra=()):
    parts = [document(i) for i in range(n)]
    return '<?xml version="1.0" encoding="UTF-8"?>\n<ystfeed>\n' + "".join([*parts, *extra]) + "</ystfeed>\n"


@pytest.fixture
def folder(tmp_path, monkeypatch, nowhere):
    monkeypatch.setenv("ATTNLIB_DATA", str(tmp_path))
    (tmp_path / "yahoo").mkdir()
    return tmp_path / "yahoo"


def write_parts(folder, text, at=0.4, pack=False):
    data = text.encode()
    cut = int(at * len(data))
    for name, part in zip(yahoo.SOURCES["webscope"], (data[:cut], data[cut:]), strict=True):
        path = folder / (name + ".gz" * pack)
        path.write_bytes(gzip.compress(part) if pack else part)


@pytest.mark.parametrize("piece", [1 << 20, 97])
@pytest.mark.parametrize("pack", [False, True])
def test_the_two_parts_are_one_text(folder, monkeypatch, piece, pack):
    monkeypatch.setattr(yahoo, "PIECE", piece)
    # The first part ends in the middle of a document.
    write_parts(folder, whole(), pack=pack)
    corpus = load("yahoo")
    assert corpus.class_names == TOPICS
    # 60 documents of each topic: 2 to test, the rest to train and dev.
    assert [len(split) for split in corpus.splits.values()] == [522, 58, 20]
    assert np.bincount(corpus.test.labels).tolist() == [2] * 10
    texts = {name: text for s in corpus.splits.values() for name, text in zip(s.ids, s.texts, strict=True)}
    assert len(texts) == 600
    assert texts["yahoo/2"] == (
        "why", "is", "it", "item1", "?", "tell", "me", ".", "please", "it", "is", "so", ".",
        "really", "&", "truly", "!",
    )  # fmt: skip
    assert all(name.endswith(str(1 + int(text[3][4:]))) for name, text in texts.items())
    for part in yahoo.SOURCES["webscope"]:
        (folder / (part + ".gz" * pack)).unlink()
    (folder / "FullOct2007.xml").write_text(whole())
    assert load("yahoo").checksum == corpus.checksum


def test_parts_that_are_whole_texts_of_their_own_are_read_one_by_one(folder):
    (folder / "FullOct2007.xml.part1").write_text(whole(300))
    (folder / "FullOct2007.xml.part2").write_text(
        "<ystfeed>" + "".join(document(i) for i in range(300, 600)) + "</ystfeed>\n\n"
    )
    first = load("yahoo")
    (folder / "FullOct2007.xml").write_text(whole(600))
    assert load("yahoo", source="whole").checksum == first.checksum


def test_other_topics_repeats_and_empty_documents_are_left_out(folder):
    extra = [
        document(1, topic="Travel"),
        document(1, topic=""),
        document(2, uri="1002"),
        document(3, uri="").replace("Why is it item3?", "...").replace("Please", ""),
    ]
    write_parts(folder, whole(600, extra))
    corpus = load("yahoo")
    assert sum(map(len, corpus.splits.values())) == 601
    assert "1 questions whose address occurred before are left out." in corpus.provenance["notes"]


def test_as_many_of_each_class_with_test_first(monkeypatch):
    monkeypatch.setattr(yahoo, "TEST", 3)
    monkeypatch.setattr(yahoo, "TRAIN_AND_DEV", 10)
    labels = np.repeat(np.arange(10), 40)
    numbers = np.arange(1, 401) * 7
    drawn = yahoo.draw(numbers, labels)
    # A tenth more than the 13 that are wanted.
    assert np.bincount(labels[drawn // 7 - 1]).tolist() == [14] * 10
    assert len(set(drawn.tolist())) == 140
    assert drawn.tolist() == yahoo.draw(numbers, labels).tolist()
    assert (np.diff(drawn) < 0).any()

    long = "So. " * 51
    rows = [yahoo.Row(i, i % 10, long if i % 4 == 1 else "So it is.") for i in range(1, 401)]
    every = Collector().collect("yahoo", rows)
    ranks = np.random.RandomState(0).permutation(400)
    training, test = yahoo.balanced(every, ranks)
    assert np.bincount(training.labels).tolist() == [10, 10] * 5
    assert np.bincount(test.labels).tolist() == [3] * 10
    assert training.sentences.counts.max() == 1
    for label in range(10):
        order = [every.ids[i] for i in np.argsort(ranks) if every.labels[i] == label]
        assert set(order[:3]) == {name for name, y in zip(test.ids, test.labels, strict=True) if y == label}
        fits = [name for name in order[3:] if int(name.split("/")[1]) % 4 != 1]
        mine = {name for name, y in zip(training.ids, training.labels, strict=True) if y == label}
        assert set(fits[:10]) == mine


def quoted(*fields):
    return ",".join('"' + field.replace('"', '""') + '"' for field in fields) + "\n"


def write_csv(folder, train=None):
    rows = [(str(1 + i % 10), f"Why {i}?", "" if i % 3 else "Say\\nso.", 'It "is" so.') for i in range(100)]
    (folder / "train.csv").write_text(train or "".join(quoted(*row) for row in rows))
    (folder / "test.csv").write_text("".join(quoted(*row) for row in rows[:10]))


def test_the_csv_files_join_title_content_and_answer(folder):
    write_csv(folder)
    corpus = load("yahoo")
    assert [len(split) for split in corpus.splits.values()] == [90, 10, 10]
    assert corpus.test.ids[1] == "yahoo/test/2"
    assert corpus.test.texts[0] == ("why", "0", "?", "say", "so", ".", "it", '"', "is", '"', "so", ".")
    assert [s.tolist() for s in corpus.test.sentences[:2]] == [[3, 3, 6], [3, 6]]
    assert "6,000 test questions" in " ".join(corpus.provenance["notes"])
    with pytest.raises(ValueError, match="unknown source 'xml'; known: webscope, whole, csv"):
        load("yahoo", source="xml")
    write_csv(folder, train=quoted("1", "a", "b\nc", "d") + quoted("11", "a", "b", "c"))
    with pytest.raises(DataError, match=r"train\.csv:3: the class is '11', not 1 to 10"):
        load("yahoo")


def test_damaged_files_are_named(folder):
    with pytest.raises(DataError, match=r"(?s)part1 not found in .*Webscope.*'20news'"):
        load("yahoo")
    (folder / "FullOct2007.xml.part1").write_text(whole(1))
    (folder / "FullOct2007.xml.part2").write_text("")
    with pytest.raises(DataError, match="yahoo: too few training documents"):
        load("yahoo")
    write_parts(folder, whole(20)[:-40])
    with pytest.raises(DataError, match=r"part2: the XML text stops within document 2\d"):
        load("yahoo")
    write_parts(folder, whole(20).replace("<uri>1005", "<uri>&nothing;"))
    with pytest.raises(DataError, match=r"part1: near document \d: undefined entity"):
        load("yahoo")
    (folder / "FullOct2007.xml.part1").write_text(whole(0))
    (folder / "FullOct2007.xml.part2").write_text("")
    with pytest.raises(DataError, match="no document of the ten topics"):
        load("yahoo")
