"""Standing to random scores on made-up numbers, and the verdicts on it."""

import pandas as pd
import pytest

from attnbook.verdicts.patterns import against_random, compare_patterns


def means(metric="violation", model="a", **values):
    frame = pd.DataFrame({"method": values.keys(), "value": values.values()})
    return frame.assign(model=model, metric=metric)


def standings(table, **options):
    found = against_random(table, ["model"], **options)
    return dict(zip(found["method"], found["standing"], strict=True))


def test_low_violation_and_high_correlation_are_better():
    values = {"random": 0.5, "attention": 0.52, "rollout": 0.1, "relevance": 0.9}
    found = standings(means(**values))
    assert found == {"attention": "like random", "rollout": "better", "relevance": "worse"}
    found = standings(means("rank_correlation", **values))
    assert found == {"attention": "like random", "rollout": "worse", "relevance": "better"}


def test_alike_is_a_share_of_the_range():
    values = {"random": 0.5, "near": 0.455}
    assert standings(means(**values, far=0.1))["near"] == "better"  # range .4, margin .04
    assert standings(means(**values, far=0.0))["near"] == "like random"
    assert standings(means(**values, far=0.0), margin=0.05)["near"] == "better"


def test_every_model_has_a_range_of_its_own_and_none_without_random_scores():
    both = pd.concat([means(random=0.5, near=0.4, far=0.0), means(model="b", random=0.5, near=0.4)])
    assert against_random(both, ["model"])["standing"].tolist() == ["better", "better", "better"]
    assert against_random(means(near=0.4, far=0.0), ["model"]).empty
    with pytest.raises(ValueError, match="several values of one method .*method near"):
        against_random(pd.concat([means(random=0.5, near=0.4), means(near=0.3)]), ["model"])


def test_what_has_no_standing_is_refused_or_left_out():
    with pytest.raises(ValueError, match="unknown metric 'accuracy': known are comprehensiveness"):
        against_random(means("accuracy", random=0.5, near=0.4), ["model"])
    unnamed = means(model=float("nan"), random=0.5, near=0.4)
    found = against_random(pd.concat([means(random=0.5, near=0.4), unnamed]), ["model"])
    assert found["model"].tolist() == ["a"]


def test_verdicts():
    theirs = means(random=0.5, attention=0.51, rollout=0.2, other=0.3)
    ours = means(random=0.4, attention=0.39, rollout=0.5, far=0.0)
    table = compare_patterns(ours, theirs, ["model"]).set_index("method")
    verdicts = {"attention": "pattern holds", "rollout": "pattern differs", "other": "not run"}
    assert table["verdict"].to_dict() == verdicts
    row = table.loc["rollout", ["value", "ours", "standing", "our standing"]]
    assert row.tolist() == [0.2, 0.5, "better", "worse"]
    assert set(compare_patterns(ours[:0], theirs, ["model"])["verdict"]) == {"not run"}
