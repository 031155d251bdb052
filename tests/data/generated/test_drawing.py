import pytest

from attnlib.data import load, load_scenes
from attnlib.data.generated import drawing
from attnlib.data.generated.drawing import Draw

SMALL = {"n_train": 20, "n_dev": 10, "n_test": 10}
CHECKSUMS = {"planted": "ac63def8", "planted_documents": "8aae41ee", "scenes": "98ef96e5"}


def test_draws_are_the_same_for_ever():
    draw = Draw("a name")
    assert [draw.below(10) for _ in range(8)] == [0, 1, 7, 6, 0, 8, 1, 0]
    assert [draw.zipf("abcdef") for _ in range(8)] == list("aacaeaaa")
    assert {draw.one("abc", but="b") for _ in range(20)} == {"a", "c"}
    assert {draw.between((3, 5)) for _ in range(40)} == {3, 4, 5}
    items = list(range(6))
    draw.shuffle(items)
    assert items == [2, 3, 1, 0, 5, 4]


@pytest.mark.parametrize(("name", "checksum"), CHECKSUMS.items())
def test_corpora_are_the_same_for_ever(name, checksum):
    made = load_scenes(name, **SMALL) if name == "scenes" else load(name, **SMALL)
    assert made.checksum.startswith(checksum)


def test_lists_are_read_as_words_and_arrays_as_they_are():
    lists = drawing.word_lists("planted_documents")
    assert lists["slots"]["{negator}"] == ("not", "never", "hardly")
    assert lists["denied"][0] == "it is {negator} about the {noun} ."


SHARES = {"label_noise": [-0.1, float("nan")]}
BOUNDS = {"length": [(3, 10), (10, 9)], "redundancy": [(0, 2), (3, 2)]}
OUT_OF_RANGE = {
    "planted": {**BOUNDS, "negation": [1.5], "conflict": [-0.1], **SHARES},
    "planted_documents": {"sentences": [(0, 3), (4, 3)], **SHARES},
    "scenes": {"n_train": [0]},
    "babi1_generated": {"n_train": [0, 1]},
}


@pytest.mark.parametrize("name", OUT_OF_RANGE)
def test_options_out_of_range_are_refused(name):
    call = load_scenes if name == "scenes" else load
    sizes = {"n_train": 5, "n_test": 5} | ({} if "babi" in name else {"n_dev": 5})
    for option, values in (OUT_OF_RANGE[name] | {"n_test": [0]}).items():
        for value in values:
            with pytest.raises(ValueError, match=option):
                call(name, **sizes | {option: value})
