"""Removal: sets of tokens against one text at a time, what is asked of the model, and what is refused."""

import numpy as np
import pytest

from attnlib.faithfulness import Removal, delete, removal_of_texts, replace_by

WEIGHTS = {"good": 2.0, "bad": -1.5, "very": 0.4, "not": -0.7, "[MASK]": 0.1}
TEXTS = [["good", "film"], ["bad"], ["not", "very", "good", "film"], ["film", "bad", "very", "bad", "good"]]
WIDTH = 5


def classify(text):
    """Three classes that depend on the words and on the length; fine with no text at all."""
    total = sum(WEIGHTS.get(word, 0.0) for word in text)
    odds = np.exp([total, -total, 0.1 * len(text)])
    return odds / odds.sum()


def predict(texts):
    return np.array([classify(text) for text in texts])


def some_sets(n_sets=6, seed=0):
    """Random sets within the texts, the first empty and the last whole, [N, K, T]."""
    drawn = np.random.default_rng(seed).random((len(TEXTS), n_sets, WIDTH)) < 0.4
    drawn[:, 0], drawn[:, -1] = False, True
    return drawn & (np.arange(WIDTH) < np.array([len(text) for text in TEXTS])[:, None])[:, None]


@pytest.mark.parametrize("batch_size", [1, 3, 1024])
@pytest.mark.parametrize("remove", [delete, replace_by("[MASK]")])
def test_probabilities_without_sets_are_those_of_the_shorter_texts(remove, batch_size):
    removal = removal_of_texts(predict, TEXTS, remove, batch_size=batch_size)
    removed = some_sets()
    found = removal.without(removed)
    assert found.shape == (4, 6, 3)
    for i, text in enumerate(TEXTS):
        assert removal.intact[i] == pytest.approx(classify(text))
        for k, gone in enumerate(removed[i, :, : len(text)]):
            if gone.all():
                assert np.isnan(found[i, k]).all()
            elif remove is delete:
                shorter = [word for word, g in zip(text, gone, strict=True) if not g]
                assert found[i, k] == pytest.approx(classify(shorter), abs=1e-15)
            else:
                masked = ["[MASK]" if g else word for word, g in zip(text, gone, strict=True)]
                assert found[i, k] == pytest.approx(classify(masked), abs=1e-15)


def test_drop_is_of_the_class_predicted_for_the_whole_text():
    removal = removal_of_texts(predict, TEXTS)
    removed = some_sets(seed=1)
    found, without = removal.drop(removed), removal.without(removed)
    for i, text in enumerate(TEXTS):
        before = classify(text)
        assert removal.predicted[i] == before.argmax()
        expected = before[before.argmax()] - without[i, :, before.argmax()]
        assert found[i] == pytest.approx(expected, nan_ok=True)


def test_drop_of_each_is_leave_one_out():
    found = removal_of_texts(predict, TEXTS).drop_of_each()
    assert found.shape == (4, WIDTH)
    for i, text in enumerate(TEXTS):
        chosen = classify(text).argmax()
        for t in range(WIDTH):
            if t >= len(text) or len(text) == 1:
                assert np.isnan(found[i, t])
            else:
                shorter = classify(text[:t] + text[t + 1 :])
                assert found[i, t] == pytest.approx(classify(text)[chosen] - shorter[chosen])


def test_drop_of_each_does_not_depend_on_how_many_are_asked_for_at_a_time(monkeypatch):
    expected = removal_of_texts(predict, TEXTS).drop_of_each()
    monkeypatch.setattr("attnlib.faithfulness.removal._CELLS", 45)  # two tokens of the five
    found = removal_of_texts(predict, TEXTS).drop_of_each()
    np.testing.assert_array_equal(found, expected)


def test_no_set_is_asked_for_twice_nor_whole_nor_empty_texts():
    asked = []

    def evaluate(rows, removed):
        now = [(row, tuple(gone)) for row, gone in zip(rows.tolist(), removed.tolist(), strict=True)]
        asked.extend(now)
        return predict([delete(TEXTS[row], gone[: len(TEXTS[row])]) for row, gone in now])

    lengths = np.array([len(text) for text in TEXTS])
    removal = Removal("deletion", predict(TEXTS), lengths, evaluate)
    removed = some_sets()
    first = removal.without(removed)
    proper = {
        (i, tuple(gone.tolist()))
        for i in range(len(TEXTS))
        for gone in removed[i]
        if 0 < gone.sum() < lengths[i]
    }
    assert set(asked) == proper
    assert len(asked) == len(proper)
    np.testing.assert_array_equal(removal.without(removed), first)
    np.testing.assert_array_equal(removal.without(removed[:, ::-1])[:, ::-1], first)
    twice = np.concatenate([removed, removed], axis=1)
    np.testing.assert_array_equal(removal.without(twice), np.concatenate([first, first], axis=1))
    assert len(asked) == len(proper)
    removal.drop_of_each()
    assert len(asked) == len(set(asked)) > len(proper)


def test_two_removals_do_not_share_what_they_know():
    by_deletion, by_mask = (removal_of_texts(predict, TEXTS, r) for r in (delete, replace_by("[MASK]")))
    removed = some_sets()
    by_deletion.without(removed)
    expected = removal_of_texts(predict, TEXTS, replace_by("[MASK]")).without(removed)
    np.testing.assert_array_equal(by_mask.without(removed), expected)


def test_the_name_is_that_of_the_function_or_what_is_given():
    assert removal_of_texts(predict, TEXTS).name == "delete"
    assert removal_of_texts(predict, TEXTS, replace_by("?"), name="question mark").name == "question mark"


@pytest.mark.parametrize(
    "removed",
    [
        np.zeros((4, WIDTH), dtype=bool),
        np.zeros((3, 1, WIDTH), dtype=bool),
        np.zeros((4, 1, WIDTH + 1), dtype=bool),
        np.zeros((4, 1, WIDTH), dtype=int),
    ],
)
def test_sets_of_another_shape_are_refused(removed):
    with pytest.raises(ValueError, match=r"removed: expected bool \[4, K, 5\], got"):
        removal_of_texts(predict, TEXTS).without(removed)


def test_removing_beyond_the_text_is_refused():
    removed = np.zeros((4, 2, WIDTH), dtype=bool)
    removed[2, 1, 4] = True
    with pytest.raises(ValueError, match="row 2 removes something beyond its 4 tokens"):
        removal_of_texts(predict, TEXTS).without(removed)


BAD = {
    "NaN": [np.nan, 0.5, 0.5],
    "negative": [-0.1, 0.6, 0.5],
    "logits": [2.0, -1.0, 0.5],
    "sum too small": [0.3, 0.3, 0.3],
    "infinite": [np.inf, 0.0, 0.0],
}


@pytest.mark.parametrize("bad", BAD.values(), ids=BAD)
def test_what_is_no_probability_is_refused_with_its_text(bad):
    def whole(texts):
        return np.array([bad if text == TEXTS[2] else classify(text) for text in texts])

    with pytest.raises(ValueError, match="delete: the probabilities of text 2 are .*sum to 1"):
        removal_of_texts(whole, TEXTS)

    def shorter(texts):
        return np.array([bad if text == ["bad", "very", "bad", "good"] else classify(text) for text in texts])

    removal = removal_of_texts(shorter, TEXTS)
    with pytest.raises(ValueError, match="delete: the probabilities of text 3 are"):
        removal.drop_of_each()


@pytest.mark.parametrize(
    "wrong",
    [
        lambda texts: predict(texts).argmax(1),
        lambda texts: predict(texts)[:, :1],
        lambda texts: predict(texts)[:-1],
        lambda texts: predict(texts)[None],
    ],
    ids=["labels", "one class", "a row too few", "three axes"],
)
def test_an_array_of_another_shape_is_refused(wrong):
    with pytest.raises(
        ValueError, match=r"delete: expected probabilities \[4, C\] of at least two classes, got"
    ):
        removal_of_texts(wrong, TEXTS)


def test_no_texts_and_texts_without_tokens_are_refused():
    with pytest.raises(ValueError, match="there are none"):
        removal_of_texts(predict, [])
    with pytest.raises(ValueError, match="row 1 has no token"):
        removal_of_texts(predict, [["good"], [], ["bad"]])


def test_delete_and_replace_by():
    gone = np.array([False, True, False, True])
    assert delete("abcd", gone) == ["a", "c"]
    assert replace_by("_")("abcd", gone) == ["a", "_", "c", "_"]
    assert delete(("a",), np.array([True])) == []
