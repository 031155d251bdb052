"""Wiegreffe & Pinter's results from a small record: sizes checked, trained adversaries side by side."""

import pandas as pd
import pytest

from attnbook.runs import record
from attnbook.verdicts import cells, ledgers, trained_adversaries
from tests.attnbook.made import MODEL, save
from tests.attnbook.verdicts.pages import table

LAMBDAS = (0.0, 0.0005, 0.001, 0.1)
SCORES = {"accuracy": 0.8, "f1": 0.79, "roc_auc": 0.9, "pr_auc": 0.89}
SIZES = {"n_train_negative": 3034, "n_train_positive": 3321, "n_test_negative": 863, "n_test_positive": 862}


def adversary(seed, shift=0.0):
    """TVD and JSD grow with λ; only from .0005 on is the JSD above .4."""
    scores = {"accuracy": 0.82, "f1": 0.81, "roc_auc": 0.9, "kl": 1.0, "epochs": 20.0, "same_class": 0.95}
    for place, strength in enumerate(LAMBDAS):
        tvd, jsd = 0.01 * (place + 1) + shift + seed / 1000, 0.25 * min(place, 2) + 0.17 * (place > 0)
        more = {"method": "trained adversary", "lambda": strength, "epsilon": 0.01}
        yield table({"tvd": tvd}, low=tvd - 0.005, high=tvd + 0.005, **more)
        yield table({"jsd": jsd} | scores, **more)
    far = {"base": (0, 0), "uniform model": (0.1, 0.2), "other seed": (0.09, 0.1)}
    far |= {"published search": (0.008, 0.5), "exact optimum": (0.01, 0.6)}
    for method, (tvd, jsd) in far.items():
        model = {} if method in ("published search", "exact optimum") else {"f1": 0.82}
        yield table({"tvd": float(tvd), "jsd": float(jsd)} | model, method=method, epsilon=0.01)


def uniform(seed):
    yield table(SIZES | {"mean_length": 18.7, "n_words": 13826})
    yield table({name: score + seed / 100 for name, score in SCORES.items()}, method="uniform attention")


def make(sweep, dataset, seed):
    """Runs of two experiments on a data set from a base seed."""
    for experiment, variant, parts in [
        ("uniform", "released", uniform(seed)),
        ("adversary", "released loss", adversary(seed)),
        ("adversary", "published loss", adversary(seed, 0.005)),
        ("adversary", "published loss, reversed", adversary(seed, 0.01)),
    ]:
        run = MODEL | {"dataset": dataset, "seed": seed, "variant": variant, "vectors": "imdb"}
        summary = pd.concat(parts).assign(paper="wiegreffe_pinter", experiment=experiment, **run)
        save(sweep, summary, summary[["value"]])


@pytest.fixture(scope="module")
def recorded(tmp_path_factory):
    """A record of two data sets and three seeds."""
    folder = tmp_path_factory.mktemp("recorded")
    for dataset in ("sst", "agnews_subset"):
        for seed in range(3):
            make(folder / "sweep", dataset, seed)
    record.record(folder / "sweep", folder / "kept")
    return folder / "kept"


@pytest.fixture(scope="module")
def compared(recorded):
    return ledgers.compare("wiegreffe_pinter", folder=recorded)


def of_sst(compared, **where):
    return cells.select(compared.table, dataset="sst", **where)


@pytest.mark.slow
def test_sizes_are_checked_beside_the_released_runs_only(compared):
    assert set(compared.ours["variant"]) == {"released", "released loss"}
    assert set(compared.found["variant"]) > set(compared.ours["variant"])
    assert len(compared.table) == len(compared.published)
    assert set(compared.table["verdict"]) == {"equal", "unequal", "not run"}
    assert set(of_sst(compared, metric=(*SIZES, "n_words"))["verdict"]) == {"equal"}
    part = cells.select(compared.table, dataset="agnews", metric="n_words")
    assert part["ours_dataset"].tolist() == ["agnews_subset"]
    assert part["reason"].str.contains("of about 51,000 training texts").all()
    missing = cells.select(compared.table, dataset="anemia")
    assert missing["reason"].str.startswith("MIMIC-III").all()


@pytest.mark.slow
class TestModels:
    def test_one_row_a_model_with_its_range_over_seeds(self, compared):
        found = trained_adversaries.models(compared.found)
        assert len(found) == 2 * 3 * (len(LAMBDAS) + 5)
        sst = cells.select(found, dataset="sst", variant="released loss")
        trained = sst[sst["method"] == "trained adversary"].set_index("lambda")
        assert list(trained.index) == list(LAMBDAS)
        first = trained.loc[0.0, ["tvd", "tvd_low", "tvd_high", "seeds"]].tolist()
        assert first == pytest.approx([0.011, 0.01, 0.012, 3])
        search = sst[sst["method"] == "published search"].iloc[0]
        assert search["jsd"] == 0.5
        assert search[["lambda", "f1"]].isna().all()
        one = trained_adversaries.models(compared.found.query("seed == 0"))
        assert one["tvd"].notna().all()
        assert one[["tvd_low", "tvd_high", "jsd_low"]].isna().all(axis=None)

    def test_two_values_of_a_seed_are_refused(self, compared):
        found = compared.found
        with pytest.raises(ValueError, match="several results of ours"):
            trained_adversaries.models(pd.concat([found, found.assign(value=found["value"] + 0.1)]))
