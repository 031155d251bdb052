"""Training ahead of the runs: which model a notebook asks for, and that it then trains none."""

import pytest

from attnbook import NOTEBOOKS
from attnbook.__main__ import main
from attnbook.runs import run, train
from attnbook.runs.grid import run_name


def model(notebook, **parameters):
    return train.model_of(NOTEBOOKS / f"{notebook}.py", parameters)


def test_the_model_is_what_the_parameters_and_the_defaults_say():
    given = {"dataset": "sst", "encoder": "average", "seed": 3, "limit": 5, "epsilon": 0.1, "output": "x"}
    settings = {"dataset": "sst", "encoder": "average", "scorer": "additive", "seed": 3, "device": "cpu"}
    settings |= {"vectors": "random", "variant": "released", "layers": 0, "selection": "dev"}
    assert model("jain_wallace/adversary", **given) == ("prepare", settings)
    settings = {"dataset": "scenes", "kind": "lxmert", "seed": 0, "device": "cpu", "heads": 4, "hidden": 64}
    found = model("violation/regions", kind="lxmert", epochs=2)
    assert found == ("prepare_transformer", settings | {"epochs": 2})
    kind, settings = model("serrano_smith/sets", architecture="HANconv", train_limit=10)
    found = (kind, settings["architecture"], settings["train_limit"])
    assert found == ("prepare_documents", "HANconv", 10)


def test_notebooks_of_one_run_share_a_model_and_other_settings_do_not():
    same = {"dataset": "sst", "vectors": "imdb"}
    base = model("jain_wallace/base", **same)
    for name in ("jain_wallace/correlation", "jain_wallace/permutation", "violation/methods"):
        assert model(name, **same, scorer="additive", encoder="bilstm") == base
    assert model("jain_wallace/base", **same, seed=1) != base
    assert run_name(model("wiegreffe_pinter/diagnostic", **same)[1]) == run_name(base[1])


def test_a_page_of_no_model_or_several_has_none():
    several = ["violation/depth", "violation/transformer_depth", "serrano_smith/contextualisation"]
    # The second trains a model per epoch, none of which is kept; the third has no data set.
    several += ["jain_wallace/initialisation", "chapters/playground"]
    for name in ("beyond/ledger", *several, "violation/own_model"):
        assert model(name) is None


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("encodr", "average", "prepare: unknown parameter 'encodr': .* Did you mean 'encoder'"),
        ("seed", "010", "prepare: parameter seed is '010': it must be int, such as 10"),
        ("encoder", "averag", "unknown encoder 'averag'"),
    ],
)
def test_unknown_settings_and_impossible_ones_are_refused(name, value, message):
    with pytest.raises(SystemExit, match=message):
        main(["train", "prepare", "-p", "dataset", "planted", "-p", name, value])


SMALL = {
    "jain_wallace/permutation": {"dataset": "planted", "encoder": "average"},
    "serrano_smith/single": {"dataset": "planted_documents", "architecture": "FLANnoenc"},
    "violation/regions": {"dataset": "scenes", "layers": 1},
}


@pytest.mark.slow
@pytest.mark.parametrize("name", list(SMALL))
def test_after_training_ahead_the_notebook_trains_nothing(name, tmp_path, monkeypatch):
    monkeypatch.setenv("ATTNLIB_CACHE", str(tmp_path / "cache"))

    def models():
        found = (tmp_path / "cache" / "models").glob("*.safetensors")
        return {path.name: path.stat().st_mtime_ns for path in found}

    given = SMALL[name] | {"epochs": 1, "limit": 10}
    prepared_by, settings = model(name, **given)
    words = [word for key, value in settings.items() for word in ("-p", key, str(value))]
    main(["train", prepared_by, *words])
    before = models()
    assert len(before) == 1
    run.run(NOTEBOOKS / f"{name}.py", tmp_path / "out.ipynb", given)
    assert models() == before
