import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from attnlib.data import DataError, tokens
from attnlib.data.tokens import Segmenter, clean, collapse, english, split_sentences

CLEAN = [
    ("The Cat\n\t sat. ", ("the", "cat", "sat", ".")),
    ("It's $3.50 at 10am, B2B", ("it", "'s", "$", "qqq", "at", "qqq", "am", ",", "qqq")),
    ("x² Ünïted", ("qqq", "ünïted")),
    (" \n ", ()),
]


@pytest.mark.parametrize(("raw", "found"), CLEAN)
def test_clean_collapses_tokenises_lowers_and_masks_digits(raw, found):
    assert clean(raw) == found


SENTENCES = [
    ("Mr. Smith went to St. Louis, e.g. by car. He slept.", 2),
    ("It was bad.I hate it. So there", 3),
    ("i loved it. it was great! was it? yes", 4),
    ("It costs $3.50 at example.com. Not bad", 2),
    # Left as one by sentencex alone.
    ("Great!!! I loved it... I did. Wow?! i mean it", 5),
    ("It broke!!! then i cried", 2),
    # A pause, a bracket and a quote do not end a sentence.
    ("Well... it broke", 1),
    ('My sister (at last!!!) came, and said "no!!" twice', 1),
    ("!!! ...", 1),
    ("one\ttwo\n\nthree", 1),
    ("word", 1),
    ("", 0),
    (" \n\t ", 0),
]


@pytest.mark.parametrize(("text", "found"), SENTENCES)
def test_sentences_of_reviews(text, found):
    parts = split_sentences(text)
    assert len(parts) == found
    assert all(part == part.strip() != "" for part in parts)
    assert "".join(parts).replace(" ", "") == "".join(text.split())


def test_documents_are_tokens_and_sentence_lengths():
    found = list(map(Segmenter(), ["It's GOOD 2 day. We\nLEFT!!", "  \n", "x"]))
    assert found[0][0] == ("it", "'s", "good", "2", "day", ".", "we", "left", "!", "!")
    assert [lengths.tolist() for _, lengths in found] == [[6, 4], [], [1]]
    assert found[1][0] == ()
    assert found[0][1].dtype == "int64"


SEGMENT = Segmenter()
PIECES = ["don't", "can't", "cannot", "gonna", "U.S.", "e.g.", "i.", "Mr.", "well-known", "x.com", "3.5km", 
          ":)", "a.m", "(so", 'it"', "end.Next", "ok,", "wow!", "no:", "so;", "Vs.", "$5", "--",
          "naïve", "xD", "xD:", "..."]  # fmt: skip


@settings(deadline=None, max_examples=60)
@given(st.lists(st.one_of(st.sampled_from(PIECES), st.text(min_size=1, max_size=8)), min_size=1, max_size=8))
def test_tokens_are_those_of_spacy_on_the_whole_sentence(words):
    text = collapse(" ".join(words))
    words, lengths = SEGMENT(text)
    whole = [t.text.lower() for s in split_sentences(text) for t in english()(s)]
    assert list(words) == whole
    assert sum(lengths) == len(whole)


def test_a_full_memory_changes_nothing(monkeypatch):
    texts = [f"Text {i} isn't long, e.g. it's x{i % 7}y." for i in range(40)]
    expected = list(map(Segmenter(), texts))
    monkeypatch.setattr(tokens, "CACHE", 25)
    segment = Segmenter()
    first = segment._tokenizer
    found = [segment(text) for text in texts]
    assert [words for words, _ in found] == [words for words, _ in expected]
    assert len(segment._known) <= 50
    assert segment._tokenizer is not first


def test_thousands_of_sentences():
    words, lengths = Segmenter()("It was good. " * 5000)
    assert lengths.tolist() == [4] * 5000
    assert len(words) == 20000


@pytest.mark.parametrize("missing", ["sentencex", "spacy"])
def test_without_the_extra_the_message_says_what_to_install(monkeypatch, missing):
    monkeypatch.setitem(sys.modules, missing, None)
    english.cache_clear()
    with pytest.raises(DataError, match=r"pip install 'attnlib\[data\]'"):
        Segmenter()("a")
