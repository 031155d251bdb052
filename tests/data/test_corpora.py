"""The page of corpora, and what the real files must give."""

import numpy as np
import pytest

from attnlib.data import load
from attnlib.data.catalogue import DATA_SETS, SET_OF
from attnlib.data.corpora import CORPORA, make
from attnlib.data.recipes import Row
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


def test_every_entry_names_a_data_set_and_says_something():
    for name, about in CORPORA.items():
        assert about.get("source") in (*DATA_SETS, None), name
        assert about["notes"], name


def test_notes_take_up_what_a_loader_says():
    said = {"drawn": 1, "csv": 0, "repeats": 7}
    rows = [Row(n, n % 10, f"Text {n}.") for n in range(100)]
    parts = {"train": rows, "dev": rows[:20], "test": rows[:20]}
    notes = make("yahoo", parts, {}, said).provenance["notes"]
    assert notes[1].startswith("5,000 test and")
    assert notes[2] == "7 questions whose address occurred before are left out."
    assert make("mine", parts, {}, {"csv": 1}, entry="yahoo").provenance["notes"][1].startswith("The files")
