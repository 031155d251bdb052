"""Standing to random scores on made-up numbers, and how far two tables of standings agree."""

import numpy as np
import pandas as pd
import pytest

from attnbook.verdicts.patterns import against_random, agreement, beside


def ratios(model="a", **values):
    return pd.DataFrame({"method": values.keys(), "value": values.values()}).assign(model=model)


def standings(table, **options):
    found = against_random(table, ["model"], **options)
    return dict(zip(found["method"], found["standing"], strict=True))


def test_a_low_ratio_is_better():
    found = standings(ratios(random=0.5, attention=0.52, rollout=0.1, relevance=0.9))
    assert found == {"attention": "like", "rollout": "better", "relevance": "worse"}


def test_alike_is_a_share_of_the_range():
    values = {"random": 0.5, "near": 0.455}
    assert standings(ratios(**values, far=0.1))["near"] == "better"  # range .4, margin .04
    assert standings(ratios(**values, far=0.0))["near"] == "like"
    assert standings(ratios(**values, far=0.0), margin=0.05)["near"] == "better"


def test_every_model_has_a_range_of_its_own_and_none_without_random_scores():
    both = pd.concat([ratios(random=0.5, near=0.4, far=0.0), ratios("b", random=0.5, near=0.4)])
    assert against_random(both, ["model"])["standing"].tolist() == ["better", "better", "better"]
    assert against_random(ratios(near=0.4, far=0.0), ["model"]).empty
    unnamed = ratios(float("nan"), random=0.5, near=0.4)
    assert against_random(pd.concat([both, unnamed]), ["model"])["model"].tolist() == [*"aab"]
    with pytest.raises(ValueError, match="several values of one method .*method near"):
        against_random(pd.concat([ratios(random=0.5, near=0.4), ratios(near=0.3)]), ["model"])


def test_theirs_stand_beside_ours_where_both_have_the_method():
    theirs = pd.concat(
        [
            ratios(random=0.5, attention=0.51, rollout=0.2, other=0.3).assign(source="figure"),
            ratios(random=0.1, rollout=0.2).assign(source="notebook"),
        ]
    )
    ours = ratios(random=0.4, attention=0.39, rollout=0.5, far=0.0)
    table = beside(ours, theirs, ["model"])
    found = table[["source", "method", "value", "ours", "standing", "our standing"]].to_numpy().tolist()
    assert found == [
        ["figure", "attention", 0.51, 0.39, "like", "like"],
        ["figure", "rollout", 0.2, 0.5, "better", "worse"],
        ["notebook", "rollout", 0.2, 0.5, "worse", "worse"],
    ]
    assert beside(ours[:0], theirs, ["model"]).empty


@pytest.mark.parametrize(
    ("counts", "agree", "constant", "kappa"),
    [
        # Rows are our standing, columns theirs: better, worse. By chance .6 · .7 + .4 · .3 = .54.
        ([[5, 1], [2, 2]], 0.7, 0.7, (0.7 - 0.54) / 0.46),
        ([[3, 0], [0, 3]], 1, 0.5, 1),
        ([[4, 2], [2, 1]], 5 / 9, 2 / 3, 0),
    ],
)
def test_agreement_beyond_chance(counts, agree, constant, kappa):
    names = pd.MultiIndex.from_product([["better", "worse"]] * 2, names=["our standing", "standing"])
    pairs = names.to_frame(index=False).loc[np.repeat(range(4), np.ravel(counts))]
    expected = {"pairs": len(pairs), "agree": agree, "constant": constant, "kappa": kappa}
    assert agreement(pairs) == pytest.approx(expected)


def test_one_answer_on_both_sides_has_no_kappa():
    found = agreement(pd.DataFrame({"our standing": ["better"] * 3, "standing": ["better"] * 3}))
    assert found["agree"] == found["constant"] == 1
    assert np.isnan(found["kappa"])
    assert np.isnan(agreement(pd.DataFrame(columns=["our standing", "standing"]))["agree"])
