"""Removal: sets of tokens against one text at a time, what is asked of the model, and what is refused."""

import numpy as np
import pytest

from attnlib.faithfulness import Removal, delete, removal_of_texts, replace_by
from tests.faithfulness.cases import classify, predict

TEXTS = [list("hc"), ["b"], list("adhc"), list("cbdbh")]
LENGTHS = np.array([2, 1, 4, 5])
WIDTH = 5


def some_sets(n_sets=6, seed=0):
    """Random sets within the texts, the first empty and the last whole, [N, K, T]."""
    drawn = np.random.default_rng(seed).random((len(TEXTS), n_sets, WIDTH)) < 0.4
    drawn[:, 0], drawn[:, -1] = False, True
    return drawn & (np.arange(WIDTH) < LENGTHS[:, None])[:, None]


@pytest.mark.parametrize("batch_size", [1, 3, 1024])
@pytest.mark.parametrize("remove", [delete, replace_by("_")])
def test_probabilities_without_sets_are_those_of_the_shorter_texts(remove, batch_size):
    removal, removed = removal_of_texts(predict, TEXTS, remove, batch_size=batch_size), some_sets()
    found, drop = removal.without(removed), removal.drop(removed)
    assert found.shape == (4, 6, 3)
    for i, text in enumerate(TEXTS):
        assert removal.intact[i] == pytest.approx(classify(text))
        assert removal.predicted[i] == (top := classify(text).argmax())
        for k, gone in enumerate(removed[i, :, : len(text)]):
            if gone.all():
                assert np.isnan([*found[i, k], drop[i, k]]).all()
                continue
            kept = [word if not g else "_" for word, g in zip(text, gone, strict=True)]
            expected = classify([word for word in kept if word != "_"] if remove is delete else kept)
            assert found[i, k] == pytest.approx(expected, abs=1e-15)
            assert drop[i, k] == pytest.approx(classify(text)[top] - expected[top], abs=1e-15)


def test_drop_of_each_is_leave_one_out_however_many_are_asked_for_at_a_time(monkeypatch):
    found = removal_of_texts(predict, TEXTS).drop_of_each()
    assert np.isnan(found).tolist() == [[t >= n or n == 1 for t in range(WIDTH)] for n in LENGTHS]
    for i, t in np.argwhere(~np.isnan(found)):
        text, chosen = TEXTS[i], classify(TEXTS[i]).argmax()
        shorter = classify(text[:t] + text[t + 1 :])
        assert found[i, t] == pytest.approx(classify(text)[chosen] - shorter[chosen])
    monkeypatch.setattr("attnlib.faithfulness.removal._CELLS", 45)  # two tokens of the five
    np.testing.assert_array_equal(removal_of_texts(predict, TEXTS).drop_of_each(), found)


def test_one_long_text_among_short_ones_costs_no_more_than_alone(monkeypatch):
    asked, answers = [], Removal._answers
    monkeypatch.setattr(
        Removal, "_answers", lambda self, rows, sets: asked.append(len(rows)) or answers(self, rows, sets)
    )
    long = list("abcdefgh") * 20
    found = removal_of_texts(predict, [*TEXTS, long]).drop_of_each()
    assert sum(asked) == LENGTHS.sum() + len(long)
    np.testing.assert_array_equal(found[-1], removal_of_texts(predict, [long]).drop_of_each()[0])
    np.testing.assert_array_equal(found[:-1, :WIDTH], removal_of_texts(predict, TEXTS).drop_of_each())


def test_no_set_is_asked_for_twice_nor_whole_nor_empty_texts():
    asked = []

    def evaluate(rows, removed):
        now = [(row, tuple(gone)) for row, gone in zip(rows.tolist(), removed.tolist(), strict=True)]
        asked.extend(now)
        return predict([delete(TEXTS[row], gone[: len(TEXTS[row])]) for row, gone in now])

    removal, removed = Removal("deletion", predict(TEXTS), LENGTHS, evaluate), some_sets()
    first = removal.without(removed)
    proper = {(i, tuple(s.tolist())) for i in range(4) for s in removed[i] if 0 < s.sum() < LENGTHS[i]}
    assert set(asked) == proper
    np.testing.assert_array_equal(removal.without(removed[:, ::-1])[:, ::-1], first)
    twice = np.concatenate([removed, removed], axis=1)
    np.testing.assert_array_equal(removal.without(twice), np.concatenate([first, first], axis=1))
    assert len(asked) == len(proper)
    removal.drop_of_each()
    assert len(asked) == len(set(asked)) > len(proper)


def test_the_name_is_that_of_the_function_or_what_is_given():
    assert removal_of_texts(predict, TEXTS).name == "delete"
    assert removal_of_texts(predict, TEXTS, replace_by("?"), name="question mark").name == "question mark"


@pytest.mark.parametrize(
    ("shape", "dtype"), [((4, 5), bool), ((3, 1, 5), bool), ((4, 1, 6), bool), ((4, 1, 5), int)]
)
def test_sets_of_another_shape_are_refused(shape, dtype):
    with pytest.raises(ValueError, match=r"removed: expected bool \[4, K, 5\], got"):
        removal_of_texts(predict, TEXTS).without(np.zeros(shape, dtype))


def test_removing_beyond_the_text_is_refused():
    removed = np.zeros((4, 2, WIDTH), dtype=bool)
    removed[2, 1, 4] = True
    with pytest.raises(ValueError, match="row 2 removes something beyond its 4 tokens"):
        removal_of_texts(predict, TEXTS).without(removed)


@pytest.mark.parametrize(
    "bad", [[np.nan, 0.5, 0.5], [-0.1, 0.6, 0.5], [2.0, -1.0, 0.5], [0.3, 0.3, 0.3], [np.inf, 0.0, 0.0]]
)
@pytest.mark.parametrize(("row", "where"), [(2, TEXTS[2]), (3, list("bdbh"))])
def test_what_is_no_probability_is_refused_with_its_text(bad, row, where):
    def answer(texts):
        return np.array([bad if text == where else classify(text) for text in texts])

    with pytest.raises(ValueError, match=f"delete: the probabilities of text {row} are .*sum to 1"):
        removal_of_texts(answer, TEXTS).drop_of_each()


@pytest.mark.parametrize(
    "wrong",
    [lambda p: p.argmax(1), lambda p: p[:, :1], lambda p: p[:-1], lambda p: p[None]],
    ids=["labels", "one class", "a row too few", "three axes"],
)
def test_an_array_of_another_shape_is_refused(wrong):
    with pytest.raises(ValueError, match=r"delete: expected probabilities \[4, C\] of at least two classes"):
        removal_of_texts(lambda texts: wrong(predict(texts)), TEXTS)


@pytest.mark.parametrize(("texts", "message"), [([], "there are none"), (["h", []], "row 1 has no token")])
def test_no_texts_and_texts_without_tokens_are_refused(texts, message):
    with pytest.raises(ValueError, match=message):
        removal_of_texts(predict, [list(text) for text in texts])
