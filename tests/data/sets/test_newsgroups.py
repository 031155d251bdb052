import itertools

import numpy as np
import pytest
from sklearn.datasets import _twenty_newsgroups as sk

from attnlib.data import DataError, load
from attnlib.data.sets import newsgroups
from tests.data.sets.writing import everything, sizes, write

HEADER = "From: a@b\nSubject: game\n\n"
POSTS = [
    HEADER + "In article <1> x writes:\n> old words\n| older\nThe goalie saved 32 shots, really!\n--\nJoe\n",
    HEADER + "One line only",
    HEADER + "\n\nFirst paragraph.\nHe wrote: yes\n\nLast paragraph taken for a footer\n\n\n",
    "no header at all",
    HEADER + "--\nonly a footer",
    HEADER + "a\n----\nb\n   \nc writes in d\n",
    "",
]
GROUPS = {"rec.sport.baseball": "pitcher", "rec.sport.hockey": "goalie", "sci.med": "x"}


@pytest.mark.parametrize("post", POSTS)
def test_posts_are_stripped_as_scikit_learn_does(post):
    expected = sk.strip_newsgroup_quoting(sk.strip_newsgroup_footer(sk.strip_newsgroup_header(post)))
    assert newsgroups.strip_post(post) == expected


def test_of_a_run_of_symbols_the_last_is_kept():
    assert newsgroups.tokenize("Go, 3-2 win (again)!!") == ("go", "qqq", "qqq", "win", "again", "!")
    assert newsgroups.tokenize("...") == (".",)
    assert newsgroups.tokenize("") == ()


@pytest.fixture(params=["plain", "archive"])
def written(root, request):
    """By-date files of three groups; every post of the two on sports has 8 to 20 words."""
    made = {}
    for part, (group, word), i in itertools.product(newsgroups.PARTS, GROUPS.items(), range(40)):
        text = f"{HEADER}the {word} was good " + "and so on " * (2 + i % 4)
        made[f"20news-bydate-{part}/{group}/{9990 + i}"] = text
    made["20news-bydate-train/rec.sport.hockey/10100"] = HEADER + "> only a quote"
    made["20news-bydate-test/rec.sport.hockey/10101"] = f"{HEADER}café goalie is here now and so on again"
    made["20news-bydate-test/sci.med/7"] = f"{HEADER}> x\nCafé is open. It's good!\r\n> only a quote"
    made["20news-bydate-train/sci.med/8"] = HEADER + "So. " * 51
    encoded = {path: text.encode("latin-1") for path, text in made.items()}
    write(root / "20news", encoded, request.param, "20news-bydate.tar.gz")


def test_sports(written):
    corpus = load("20news_sports", verify=False)
    # 161 posts: the one with nothing but a quote is dropped. 33 test, 26 of the rest dev.
    assert sizes(corpus) == [102, 26, 33]
    assert corpus.class_names == ("baseball", "hockey")
    assert all(abs(split.labels.mean() - 0.5) < 0.02 for split in corpus.splits.values())
    every = everything(corpus)
    assert all(label == int("hockey" in name) for name, (_, label) in every.items())
    assert every["20news_sports/test/rec.sport.hockey/10101"][0][0] == "café"
    assert "20news_sports/train/rec.sport.hockey/10100" not in every
    with pytest.raises(DataError, match=r"20news-bydate-train in .* is not as published"):
        load("20news_sports")


def test_all_groups_as_flat_texts(written):
    corpus = load("20news20", verify=False)
    assert (corpus.name, corpus.class_names) == ("20news20", tuple(GROUPS))
    every = everything(corpus)
    assert all(name.split("/")[2] == corpus.class_names[label] for name, (_, label) in every.items())
    for split in corpus.splits.values():
        assert np.ptp(np.bincount(split.labels)) <= 2
        assert split.sentences is None


def test_all_groups_as_documents(written):
    corpus = load("20news", verify=False)
    assert corpus.class_names == tuple(GROUPS)
    # 121 training posts with text, 13 of them to dev, unless that is the long one; 122 test posts.
    assert sum(sizes(corpus)[:2]) in (120, 121)
    assert sizes(corpus)[1:] == [13, 122]
    found = everything(corpus)
    assert all(name.split("/")[2] == corpus.class_names[label] for name, (_, label) in found.items())
    assert found["20news/test/sci.med/7"][0] == ("café", "is", "open", ".", "it", "'s", "good", "!")
    assert corpus.train.sentences.counts.max() < 51
    assert "1 documents without a sentence are left out." in corpus.provenance["notes"]
