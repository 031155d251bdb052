"""The rule for claims: its numbers by hand and by SciPy, its words both ways, and how often it errs,
simulated."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from scipy.special import expit, logit

from attnbook.verdicts import inference
from attnbook.verdicts.inference import hartung_knapp, judge, of_sets
from tests.attnbook.verdicts import made

# Three data sets, two seeds each; the mean is .2.
THREE = {"a": [0.1, 0.14], "b": [0.2, 0.2], "c": [0.26, 0.3]}


def rows(values, **columns):
    return made.rows("tau", values, **columns)


def word(values, relation="<", bound=0.5, **more):
    return judge(rows(values), relation, bound, **more).verdict


class TestErrors:
    rates = inference.error_rates(sets=tuple(range(3, 9)), seeds=(1, 2, 3, 4, 5))

    def test_a_claim_on_its_bound_seldom_gets_a_firm_word_and_no_more_than_one_in_five_points(self):
        assert len(self.rates) == 6 * 5 * 2
        assert self.rates["wrong"].max() <= 0.07
        assert self.rates["wrong pointing"].max() <= 0.17

    def test_an_effect_of_two_deviations_is_found_with_four_data_sets_that_agree(self):
        enough = self.rates[(self.rates["data sets"] >= 4) & (self.rates["spread"] == 0)]
        enough = enough[enough["seeds"] >= 2]
        assert enough["found"].min() >= 0.8

    @pytest.mark.parametrize("spread", [0.0, 0.3, 1.0, 3.0])
    def test_also_where_data_sets_have_different_numbers_of_seeds(self, spread):
        normal = np.random.default_rng(7).standard_normal
        values = normal((20000, 1, 4, 5)) + spread * normal((20000, 1, 4, 1))
        seeds = np.array([5, 2, 1, 1])
        values = np.where(np.arange(5) < seeds[:, None], values, np.nan)
        words = inference.verdicts(*hartung_knapp(*of_sets(values)), 3, ">", 0.0)
        assert np.isin(words, ["holds", "differs"]).mean() <= 0.07

    @pytest.mark.parametrize("spread", [0.0, 0.5, 2.0])
    @pytest.mark.parametrize("share", [0.05, 0.5])
    def test_also_for_shares_whose_mean_is_on_the_logit_scale(self, share, spread):
        normal = np.random.default_rng(8).standard_normal
        values = logit(share) + 0.3 * normal((20000, 1, 4, 3)) + spread * normal((20000, 1, 4, 1))
        shares = expit(values)
        effects = inference.stretched(of_sets(shares)[0], (0, 1))
        _, variances = of_sets(inference.stretched(shares, (0, 1)))
        words = inference.verdicts(*hartung_knapp(effects, variances), 3, ">", logit(share))
        assert np.isin(words, ["holds", "differs"]).mean() <= 0.07

    def test_the_table_is_the_same_every_time(self):
        assert inference.error_rates((3,), (2,)).equals(inference.error_rates((3,), (2,)))


class TestMean:
    def test_one_seed_has_the_variance_that_the_others_of_its_model_have(self):
        effects, variances = of_sets(np.array([[[1.0, 3.0], [4.0, np.nan]]]))
        # One deviation of 2 / sqrt(2) from two seeds.
        assert (effects.tolist(), variances.tolist()) == ([2.0, 4.0], [1.0, 2.0])

    def test_models_of_a_data_set_count_alike_and_a_set_without_one_has_the_other(self):
        values = np.array([[[1.0, 3.0], [4.0, 4.0]], [[6.0, 6.0], [np.nan, np.nan]]])
        effects, variances = of_sets(values)
        assert effects.tolist() == [4.0, 4.0]
        # The first model's pooled variance is 1, the second's 0: (1 / 2 + 0) / 4 and 1 / 2.
        assert variances.tolist() == [0.125, 0.5]

    def test_with_equal_variances_it_is_the_t_test_of_the_effects(self):
        effects = np.array([1.0, 2.0, 4.0, 9.0])
        mean, error = hartung_knapp(effects, np.full(4, 0.3))
        assert (mean, error) == (pytest.approx(4.0), pytest.approx(stats.sem(effects)))

    def test_a_precise_data_set_weighs_more(self):
        # By hand: weights 1 and 4, no variance between sets.
        mean, _ = hartung_knapp(np.array([0.0, 0.1, 0.1]), np.array([1.0, 0.25, 0.25]))
        assert mean == pytest.approx(0.8 / 9)

    def test_data_sets_that_agree_by_chance_are_no_surer_than_their_seeds(self):
        mean, error = hartung_knapp(np.full(4, 0.2), np.full(4, 0.01))
        assert (mean, error) == (pytest.approx(0.2), pytest.approx(0.1 / 2))

    def test_without_any_spread_there_is_no_error(self):
        _, error = hartung_knapp(np.full(4, 0.2), np.zeros(4))
        assert np.isnan(error)


class TestWords:
    @pytest.mark.parametrize(
        ("bound", "expected"),
        [
            # The mean is .2, its error that of (.12, .2, .28): .046; t(2) is 4.30 and 1.89.
            (0.41, "holds"),
            (0.39, "points that way"),
            (0.28, "open"),
            (0.12, "open"),
            (0.01, "points the other way"),
            (-0.01, "differs"),
        ],
    )
    def test_they_follow_from_the_intervals_both_ways(self, bound, expected):
        assert word(THREE, "<", bound) == expected
        assert word({name: [-value for value in of] for name, of in THREE.items()}, ">", -bound) == expected

    def test_the_interval_is_shown_with_its_mean(self):
        judged = judge(rows(THREE), "<", 0.5)
        ends = stats.t.interval(0.95, 2, 0.2, stats.sem([0.12, 0.2, 0.28]))
        assert (judged.value, judged.low, judged.high) == pytest.approx((0.2, *ends))
        assert (judged.units, judged.named, judged.enough) == (3, False, True)

    def test_fewer_than_three_data_sets_are_open_and_no_row_is_not_run(self):
        assert word({"a": [0.1, 0.12], "b": [0.1, 0.12]}) == "open"
        assert word({"a": [np.nan]}) == "open"
        assert word({}) == "not run"
        assert word({"a": [0.1], "b": [0.1], "c": [0.1]}) == "open"  # nothing is known of their spread

    def test_one_data_set_is_judged_over_five_seeds(self):
        seeds = [0.1, 0.12, 0.08, 0.11, 0.09]
        assert word({"a": seeds}, named=True) == "holds"
        assert word({"a": seeds}, ">", named=True) == "differs"
        few = judge(rows({"a": seeds[:4]}), "<", 0.5, named=True)
        assert (few.verdict, few.enough, few.units) == ("open", False, 4)
        assert few.value == pytest.approx(0.1025)

    def test_a_share_keeps_to_its_range(self):
        shares = {"a": [0.9], "b": [0.99], "c": [1.0]}
        free, kept = judge(rows(shares), ">", 0.5), judge(rows(shares), ">", 0.5, (0.0, 1.0))
        assert free.high > 1
        assert 0 < kept.low < kept.value < kept.high < 1
        # The mean is that of the logits, the last of a share half a text of a thousand below 1.
        odds = [0.9 / 0.1, 0.99 / 0.01, 0.9995 / 0.0005]
        assert kept.value == pytest.approx(1 / (1 + 1 / stats.gmean(odds)))

    def test_bins_and_classes_of_a_run_are_one_number(self):
        twice = pd.concat([rows(THREE, bin="low"), rows(THREE, bin="high")])
        assert judge(twice, "<", 0.5) == judge(rows(THREE), "<", 0.5)

    def test_a_bound_belongs_to_where_its_relation_puts_it(self):
        for relation, expected in (("<", False), ("≤", True), (">", False), ("≥", True)):
            assert inference.RELATIONS[relation](0.5, 0.5) == expected
