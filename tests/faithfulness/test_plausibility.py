"""Plausibility against scikit-learn and against ERASER's definitions, counted token by token."""

import numpy as np
import pytest
import torch
from sklearn.metrics import average_precision_score

from attnlib.faithfulness import marked_share, plausibility, plausibility_table


def case(seed):
    """Up to five texts with ties among the scores, marks in runs, some texts without any."""
    draw = np.random.default_rng(seed)
    texts = [draw.integers(1, 40) for _ in range(draw.integers(1, 6))]
    scores = [draw.integers(-3, 4, n) / draw.integers(1, 4) + draw.normal(size=n) * (seed % 2) for n in texts]
    return scores, [np.convolve(draw.random(n) < 0.1, np.ones(3))[:n] >= 1 for n in texts]


def runs_of(which):
    """The runs of marked places, each a set of places."""
    found, last = [], None
    for place in sorted(which):
        if last is None or place > last + 1:
            found.append(set())
        found[-1].add(place)
        last = place
    return found


def by_hand(scores, marks, share, match):
    """Average precision, token F1 and IOU F1 of one text, from sets of places."""
    n, marked = len(scores), {t for t, mark in enumerate(marks) if mark}
    count = len(marked) if share is None else max(1, int(np.floor(share * n + 1e-9)))
    chosen = set(sorted(range(n), key=lambda t: (-scores[t], t))[:count])

    def f1(right, of_chosen, of_marked):
        p, r = right / of_chosen, right / of_marked
        return 2 * p * r / (p + r) if right else 0.0

    ours, theirs = runs_of(chosen), runs_of(marked)
    right = sum(max(len(one & other) / len(one | other) for other in theirs) >= match for one in ours)
    area = average_precision_score(marks, scores)
    return area, f1(len(chosen & marked), len(chosen), len(marked)), f1(right, len(ours), len(theirs))


@pytest.mark.parametrize("share", [None, 0.2])
def test_agrees_with_scikit_learn_and_with_sets_of_places(share):
    for seed in range(200):
        scores, marks = case(seed)
        match = (0.5, 0.3, 1.0)[seed % 3]
        found = plausibility(scores, marks, share, match)
        for row, (given, which) in enumerate(zip(scores, marks, strict=True)):
            expected = by_hand(given, which, share, match) if which.any() else [np.nan] * 3
            np.testing.assert_allclose([column[row] for column in found], expected, atol=1e-12, rtol=0)
        wider = np.array([np.pad(given, (0, 40 - len(given)), constant_values=9) for given in scores])
        np.testing.assert_array_equal(plausibility(torch.tensor(wider), marks, share, match), found)


def test_a_set_of_tokens_is_chosen_as_it_is():
    marks = [[0, 1, 1, 0, 0, 1], [1, 0]]
    found = plausibility([np.array([0, 1, 1, 1, 0, 0], bool), np.zeros(2, bool)], marks, share=0.01)
    np.testing.assert_allclose(found.token_f1, [2 * 2 / 6, 0])
    np.testing.assert_allclose(found.iou_f1, [2 * 1 / 3, 0])
    assert found.auprc[1] == 0.5


def test_a_table_has_the_means_of_the_texts_with_a_rationale():
    scores, marks = case(7)
    marks[0][:] = 0
    assert marked_share(marks) == pytest.approx(np.mean([m.mean() for m in marks if m.any()]))
    table = plausibility_table({"mine": scores}, marks).set_index("metric")
    found, own = plausibility(scores, marks, marked_share(marks)), plausibility(scores, marks)
    for metric, values in {**found._asdict(), "evidence_found": own.token_f1}.items():
        assert table.loc[metric, "value"] == pytest.approx(np.nanmean(values))
        assert table.loc[metric, "n"] == sum(m.any() for m in marks)


@pytest.mark.parametrize(
    ("scores", "marks", "problem"),
    [
        ([[1, 2]], [[1, 0, 0]], "row 0 has 2 numbers for 3 tokens"),
        ([[1, np.nan]], [[1, 0]], "token 1 of row 0 is nan"),
        ([[1], []], [[1], []], "rationales: row 1 has no token"),
        ([[1]], [["yes"]], "row 0 is"),
    ],
)
def test_what_does_not_fit_is_refused(scores, marks, problem):
    with pytest.raises(ValueError, match=problem):
        plausibility(scores, marks)
    with pytest.raises(ValueError, match="no token of any text is marked"):
        marked_share([[0, 0]])
