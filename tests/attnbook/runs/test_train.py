"""Training ahead of the runs: which model a notebook asks for, and that it then trains none."""

from pathlib import Path

import pytest

from attnbook.__main__ import main
from attnbook.runs import run, train
from attnbook.runs.grid import run_name

ROOT = Path(__file__).parents[3]
NOTEBOOKS = ROOT / "notebooks"


def model(notebook, **parameters):
    return train.model_of(NOTEBOOKS / f"{notebook}.py", parameters)


def test_the_model_is_what_the_parameters_and_the_defaults_say():
    given = {"dataset": "sst", "encoder": "average", "seed": 3, "limit": 5, "epsilon": 0.1, "output": "x"}
    assert model("jain_wallace/adversary", **given) == (
        "prepare",
        {"dataset": "sst", "encoder": "average", "scorer": "additive", "seed": 3}
        | {"device": "cpu", "vectors": "random", "variant": "released", "layers": 0, "selection": "dev"},
    )
    kind, settings = model("violation/regions", kind="lxmert", epochs=2)
    assert kind == "prepare_transformer"
    assert settings == (
        {"dataset": "scenes", "kind": "lxmert", "seed": 0, "device": "cpu", "heads": 4, "hidden": 64}
        | {"epochs": 2}
    )
    kind, settings = model("serrano_smith/sets", architecture="HANconv", train_limit=10)
    assert kind == "prepare_documents"
    assert settings["architecture"] == "HANconv"
    assert settings["train_limit"] == 10


def test_notebooks_of_one_run_share_a_model_and_other_settings_do_not():
    same = {"dataset": "sst", "vectors": "imdb"}
    shared = [model(f"jain_wallace/{name}", **same) for name in ("base", "correlation", "permutation")]
    assert shared[0] == shared[1] == shared[2]
    assert model("jain_wallace/base", **same, seed=1) != shared[0]
    # Those of other papers too, whose parameters are others.
    assert model("violation/methods", **same, scorer="additive", encoder="bilstm") == shared[0]
    assert run_name(model("wiegreffe_pinter/diagnostic", **same)[1]) == run_name(shared[0][1])


@pytest.mark.parametrize(
    "name",
    [
        "jain_wallace/summary",
        "jain_wallace/initialisation",  # a model per epoch, none kept
        "violation/depth",
        "violation/transformer_depth",
        "serrano_smith/contextualisation",
        "violation/own_model",
    ],
)
def test_a_page_of_no_model_or_several_has_none(name):
    assert model(name) is None


@pytest.mark.slow
def test_unknown_settings_and_impossible_ones_are_refused():
    with pytest.raises(SystemExit, match="prepare: unknown parameter 'encodr': .* Did you mean 'encoder'"):
        main(["train", "prepare", "-p", "encodr", "average"])
    with pytest.raises(SystemExit, match="prepare: parameter seed is '010': it must be int, such as 10"):
        main(["train", "prepare", "-p", "dataset", "planted", "-p", "seed", "010"])
    with pytest.raises(SystemExit, match="unknown encoder 'averag'"):
        main(["train", "prepare", "-p", "dataset", "planted", "-p", "encoder", "averag"])


SMALL = {
    "jain_wallace/permutation": {"dataset": "planted", "encoder": "average", "epochs": 1, "limit": 10},
    "violation/evidence": {"dataset": "planted", "encoder": "average", "epochs": 1, "limit": 10},
    "serrano_smith/single": {
        "dataset": "planted_documents",
        "architecture": "FLANnoenc",
        "epochs": 1,
        "limit": 10,
    },
    "violation/regions": {"dataset": "scenes", "layers": 1, "epochs": 1, "limit": 10},
}


@pytest.mark.slow
@pytest.mark.parametrize("name", list(SMALL))
def test_after_training_ahead_the_notebook_trains_nothing(name, tmp_path, monkeypatch):
    monkeypatch.setenv("ATTNLIB_CACHE", str(tmp_path / "cache"))
    prepared_by, settings = model(name, **SMALL[name])
    words = [word for key, value in settings.items() for word in ("-p", key, str(value))]
    main(["train", prepared_by, *words])
    models = tmp_path / "cache" / "models"
    before = {path.name: path.stat().st_mtime_ns for path in models.glob("*.safetensors")}
    assert len(before) == 1
    run.run(NOTEBOOKS / f"{name}.py", tmp_path / "out.ipynb", SMALL[name])
    assert {path.name: path.stat().st_mtime_ns for path in models.glob("*.safetensors")} == before
