"""From rows to a corpus, the page of corpora, and what the real files must give.

The rows drawn are scikit-learn's; the length filter is strict.
"""

import inspect
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.model_selection import train_test_split

from attnlib.data import LOADERS, DataError, Split, load, names
from attnlib.data.__main__ import set_of
from attnlib.data.catalogue import DATA_SETS, SET_OF
from attnlib.data.columns import Ragged, RowIds
from attnlib.data.corpora import CORPORA, Row, by_class, draws, filter_by_length, held_out, make, random_split
from attnlib.data.corpus import PARTS
from tests.data.sets.writing import sizes

# Sizes of train, dev and test; texts of each class of test; entries of the vocabulary; where they are known
# from a paper, the same. Slow: all but these.
QUICK = ("sst", "sst5", "babi1", "babi2", "babi3", "mrpc")
COUNTS = {
    "sst": ([6355, 821, 1725], [863, 862], 13826),
    # Of 8544, 1101 and 2210 sentences; the vocabulary, of all of train, is as large as the authors'.
    "sst5": ([7816, 1024, 2073], [264, 599, 348, 492, 370], 15324),
    # Before the split 10,854 and 10,643, the authors' counts.
    "imdb": ([17198, 4299, 4359], None, 12521),
    "eraser_movies": ([1600, 200, 199], [100, 99], None),
    # As the paper has them; 9309 words and the four symbols.
    "cad": ([1707, 245, 488], [243, 245], 9313),
    "imdb_ratings": ([22500, 2500, 25000], [5022, 2302, 2541, 2635, 2307, 2850, 2344, 4999], None),
    # 6515 with the spaCy of 2019.
    "20news_sports": ([1145, 278, 357], [179, 178], 6517),
    # The paper: 10,833 in train, and 33,297 words with the spaCy of 2022.
    "20news20": ([10832, 2692, 3382], None, 33311),
    # The official 11,314 and 7532, less 515 posts of only header, quotes and footer, and 310 long ones.
    "20news": ([9602, 1102, 7317], None, None),
    "agnews_subset": ([7119, 1255, 3796], [1899, 1897], None),
    "agnews4_subset": ([14378, 2536, 7598], [1900, 1900, 1900, 1898], None),
    # 16,922 distinct texts outside the test split, less 3 with two labels.
    "agnews_topics": ([15227, 1692, 7600], [1900] * 4, None),
    # 8000 reviews, 148 of them repeats.
    "amazon_multidomain": ([5652, 629, 1571], None, None),
    "ade": ([14037, 2485, 4135], [3296, 839], None),
    "snli_subset": ([20000, 9842, 9824], [3237, 3368, 3219], 5159),
    "mrpc": ([3576, 500, 1725], [578, 1147], 11731),
    "babi1": ([8500, 1500, 1000], None, 24),
    "babi2": ([8500, 1500, 1000], None, 38),
    # Only the file of 1,000 training questions is at hand.
    "babi3": ([850, 150, 1000], None, 39),
}
SUBSETS = {"agnews_subset": "ag_news", "agnews4_subset": "ag_news", "snli_subset": "snli"}


def of_real_files(name):
    folder = SUBSETS.get(name) or SET_OF.get(name, name)
    slow = [] if name in QUICK else [pytest.mark.slow]
    return pytest.param(name, marks=[pytest.mark.data(folder), *slow], id=name)


@pytest.mark.parametrize("name", [of_real_files(name) for name in COUNTS])
def test_counts(name, tmp_path, monkeypatch):
    monkeypatch.setenv("ATTNLIB_CACHE", str(tmp_path))
    corpus = load(name)
    found, classes, words = COUNTS[name]
    assert sizes(corpus) == found
    assert classes is None or np.bincount(corpus.test.labels).tolist() == classes
    assert words is None or len(corpus.vocabulary) == words


# What an entry may say of any corpus, of one of flat texts, and of one of documents.
KEYS = {"by_class", "by_row", "classes", "documents", "evidence", "held_out", "n_classes"}
KEYS |= {"names", "notes", "prefix", "source", "task"}
OF_TEXTS, OF_DOCUMENTS = {"length", "min_documents"}, {"limits"}


def test_every_entry_names_a_data_set_and_says_nothing_that_nothing_reads():
    for name, about in CORPORA.items():
        generated = name in ("babi_generated", "planted", "planted_documents", "scenes")
        assert ("source" not in about) if generated else about["source"] in DATA_SETS, name
        assert about["notes"], name
        assert set(about) <= KEYS | (OF_DOCUMENTS if "documents" in about else OF_TEXTS), name


GIVEN = {name: held for name in names() if (held := set_of(name))}
REMEDIES = {"agnews_subset": "no part of the official release", "adr": "'ade'", "qqp": "'mrpc'"}
REMEDIES |= {"imdb10": "'imdb_ratings'", "yahoo": "'20news'", "diabetes": "credentialed"}


@pytest.mark.parametrize("name", GIVEN)
def test_what_is_not_on_this_machine_says_how_to_get_it(root, monkeypatch, name):
    monkeypatch.setenv("ATTNLIB_OFFLINE", "1")
    with pytest.raises(DataError, match=f"^{GIVEN[name].name}: .*not (found in|on this machine)") as caught:
        load(name)
    for words in (GIVEN[name].how or GIVEN[name].address, REMEDIES.get(name, "")):
        assert words in str(caught.value)
    if any(item.has_checksum for item in GIVEN[name].files):
        assert inspect.signature(LOADERS[name]).parameters["verify"].default is True


UNKNOWN = {"agnews": {"train": "all"}, "snli": {"train": "all"}, "yahoo": {"source": "xml"}}
UNKNOWN |= {"babi1": {"size": "100k"}}


@pytest.mark.parametrize("name", UNKNOWN)
def test_an_unknown_choice_is_refused(nowhere, name):
    ((option, value),) = UNKNOWN[name].items()
    with pytest.raises(ValueError, match=f"{option} '{value}'.* known"):
        load(name, **UNKNOWN[name])


def test_notes_take_up_what_a_loader_says():
    said = {"drawn": 1, "csv": 0, "repeats": 7}
    rows = [Row(n, n % 10, f"Text {n}.") for n in range(100)]
    parts = {"train": rows, "dev": rows[:20], "test": rows[:20]}
    notes = make("yahoo", parts, {}, said).provenance["notes"]
    assert notes[1].startswith("5,000 test and")
    assert notes[2] == "7 questions whose address occurred before are left out."
    assert make("mine", parts, {}, {"csv": 1}, entry="yahoo").provenance["notes"][1].startswith("The files")


CLASSES = ("no", "yes")
TEXTS = ["Good film. I liked it!", "Bad film. Dull and long."]


def numbered(texts, step=1):
    return [Row(step * i + 1, i % 2, text) for i, text in enumerate(texts)]


@pytest.fixture
def made(monkeypatch):
    """Makes a corpus of parts of two texts each, unless others are given; its settings; options of `make`."""

    def made(parts=None, divide=None, compact=False, also=(), **about):
        about = {"source": "imdb10", "classes": CLASSES, "notes": ["A note."]} | about
        monkeypatch.setitem(CORPORA, "toy", about)
        rows = dict.fromkeys(PARTS, numbered(TEXTS)) | (parts or {})
        return make("toy", rows, ["data.json"], divide=divide, compact=compact, also=also)

    return made


def test_texts_are_cut_named_by_their_line_and_left_out_when_empty(made):
    given = Row("named", 1, ("GIVEN", "2"))
    corpus = made({"test": [Row(3, 0, "Two 2"), Row(4, 1, " \n")], "dev": [given]})
    assert (corpus.test.ids, corpus.test.texts) == (("toy/test/3",), (("two", "qqq"),))
    assert (corpus.dev.ids, corpus.dev.texts) == (("named",), (("GIVEN", "2"),))
    said = corpus.provenance
    assert (said["notes"], said["files"]) == (["A note."], {"data.json": "not known"})
    assert "JMARS" in said["citation"]


def test_a_large_corpus_is_compact_and_the_same(made):
    plain, large = made(), made(compact=True)
    assert (type(large.train.texts), type(large.train.ids)) == (Ragged, RowIds)
    assert plain.checksum == large.checksum
    assert made(prefix="other").train.ids == ("other/train/1", "other/train/2")


def test_pairs_count_both_sentences_and_need_both(made):
    rows = [Row(1, 0, "a b", "a"), Row(2, 1, "c", " "), Row(3, 1, "d a", "b")]
    corpus = made(dict.fromkeys(PARTS, rows), task="pair classification", min_documents=2, also=["z"])
    assert corpus.train.questions == (("a",), ("b",))
    assert corpus.vocabulary.words == ("a", "b", "z")


def test_the_vocabulary_is_of_all_training_texts_and_the_filter_of_every_part(made):
    parts = dict.fromkeys(PARTS, numbered(["a", "a b", "a b c", "a b c d"]))
    corpus = made(parts, length=[1, "longest"])
    assert [len(split) for split in corpus.splits.values()] == [2, 2, 2]
    assert corpus.vocabulary.words == ("a", "b", "c", "d")
    with pytest.raises(DataError, match="toy: none of 4 train texts is left, of lengths within"):
        made(parts, length=[9, "longest"])


def test_evidence_follows_its_text(made):
    row = Row(1, 0, ("a", "b"), ("q",), np.array([0, 1]), np.array([0, 1]))
    corpus = made({part: [row] for part in PARTS}, task="question answering")
    assert corpus.test.evidence[0].tolist() == corpus.test.candidates[0].tolist() == [0, 1]


def test_documents_without_a_sentence_are_left_out_and_counted(made):
    texts = ("Good film. I liked it!", "", "Bad", "So so. Dull. Long. Sad.", " \n ")
    corpus = made({"train": numbered(texts)}, documents=True)
    assert list(corpus.train.ids) == ["toy/train/1", "toy/train/3", "toy/train/4"]
    assert [s.tolist() for s in corpus.train.sentences] == [[3, 4], [1], [3, 2, 2, 2]]
    assert corpus.train.texts[1] == ("bad",)
    assert "2 documents without a sentence are left out." in corpus.provenance["notes"]


def test_the_vocabulary_of_documents_has_words_with_five_occurrences_in_train_and_dev(made):
    texts = ["Good good good.", "Bad nor."], ["good good bad.", ". . so"], ["so so so so so so so", "so"]
    corpus = made(dict(zip(PARTS, map(numbered, texts), strict=True)), documents=True)
    assert corpus.vocabulary.words == (".", "good")


def test_a_class_may_be_absent_from_test_but_not_from_train(made):
    one = [Row(1, 0, "A."), Row(2, 0, "B.")]
    notes = made({"test": one}, documents=True).provenance["notes"]
    assert "No document of test has the class yes." in notes
    for bad in ({"train": one}, {"train": [Row(1, 0, " ")]}, {"test": []}):
        with pytest.raises(DataError, match="toy: no document in t.* of class"):
            made(bad, documents=True)


def test_limits_apply_to_training_only(made):
    texts = ["Yes. No. So."] * 30 + ["one two three four"] * 30 + ["Yes."] * 60
    limits = {"sentences": 2, "tokens": 3}
    corpus = made({"train": numbered(texts)}, documents=True, held_out={}, limits=limits)
    dropped = 120 - len(corpus.train) - len(corpus.dev)
    assert set(corpus.train.lengths.tolist()) == {2}
    assert dropped == 60 - sum(corpus.dev.lengths > 2)
    assert any(f"left out, {dropped} of them" in note for note in corpus.provenance["notes"])
    assert sum(corpus.dev.lengths > 2) > 0


def split_of(labels):
    n = len(labels)
    return Split(RowIds("toy", np.arange(1, n + 1)), (("w",),) * n, np.array(labels))


def test_what_is_drawn_for_a_row_depends_on_its_number_alone():
    split = split_of([0] * 200)
    some = split.select(np.arange(0, 200, 3))
    assert draws(some).tolist() == draws(split)[::3].tolist()
    assert len(set(draws(split))) == 200
    assert (draws(replace(split, ids=tuple(split.ids))) == draws(split)).all()


@settings(deadline=None, max_examples=30)
@given(st.integers(2, 60), st.sampled_from([0.15, 0.2, 0.3, 0.5]), st.integers(0, 2**32 - 1))
def test_random_split_draws_the_rows_of_scikit_learn(n, share, seed):
    kept, held = train_test_split(range(n), test_size=share, random_state=seed)
    assert [part.tolist() for part in random_split(n, share, seed)] == [sorted(kept), sorted(held)]


def test_by_class_draws_test_first_and_then_dev_of_the_rest():
    every = split_of(np.random.RandomState(5).randint(0, 2, 301))
    found = by_class({"": every}, test=(0.2, 13), dev=(0.15, 14))
    rest, test = train_test_split(range(301), test_size=0.2, random_state=13, stratify=every.labels)
    train, dev = train_test_split(rest, test_size=0.15, random_state=14, stratify=every.labels[rest])
    rows = {"train": train, "dev": dev, "test": test}
    assert {part: (split.ids.lines - 1).tolist() for part, split in found.items()} == {
        part: sorted(index) for part, index in rows.items()
    }
    # The same on every machine and for ever: the recorded runs rest on it.
    assert found["dev"].ids.lines[:6].tolist() == [4, 27, 43, 53, 57, 58]


def test_too_few_texts_to_divide_are_named(made):
    with pytest.raises(DataError, match=r"toy: too few texts to divide: cannot hold 10% out of 1 text\(s\)"):
        made({"train": [Row(1, 0, "One.")]}, documents=True, divide=held_out)
    rows = [Row(1, 0, "a"), Row(2, 0, "b"), Row(3, 1, "c")]
    with pytest.raises(DataError, match="toy: too few texts to divide: .*class"):
        made({"train": rows}, divide=lambda parts: by_class({"": parts["train"]}, (0.2, 0), (0.2, 0)))


def test_length_filter_is_strict_on_both_ends():
    lengths = (2, 4, 5, 6, 9, 12, 12)
    split = replace(split_of([0] * 7), texts=tuple(("w",) * n for n in lengths))
    for bounds, kept in {(5,): [6, 9], (None, 9): [4, 5, 6], (): [4, 5, 6, 9], (4, 10): [5, 6, 9]}.items():
        assert filter_by_length(split, *bounds).lengths.tolist() == kept
    assert len(filter_by_length(split.select([]), 1, 2)) == 0
