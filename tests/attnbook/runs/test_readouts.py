"""`attnbook readouts` writes each model once, the same bytes again, and nothing that may not be published."""

import pandas as pd
import pytest

from attnbook.__main__ import main
from attnbook.runs.readouts import publish
from attnlib import data, readouts
from tests import toy

CONFIG = "readouts:\n  - {model: {dataset: toy, encoder: average, epochs: 1, dimension: 8, seed: [0, 1]}}\n"


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setattr(data, "load", {"toy": toy.corpus()}.__getitem__)
    monkeypatch.setenv("ATTNLIB_CACHE", str(tmp_path / "cache"))
    (tmp_path / "models.yaml").write_text(CONFIG)
    return tmp_path


def test_a_file_a_model_and_an_index(folder, capsys):
    out = folder / "out"
    main(["readouts", str(out), "--config", str(folder / "models.yaml")])
    assert capsys.readouterr().out == f"2 Readouts in {out}, 0.01 MiB\n"
    index = readouts.index(out)
    assert sorted(index["file"]) == sorted(path.name for path in out.glob("*.safetensors"))
    for row in index.to_dict("records"):
        assert (out / row["file"]).stat().st_size == row["bytes"]
        found = readouts.load("toy", out, seed=row["seed"])
        assert len(found) == row["texts"]
        assert found.facts["test_metrics"]["accuracy"] == pytest.approx(row["accuracy"], abs=1e-6)
    before = {path.name: readouts.read(path) for path in out.glob("*.safetensors")}
    (out / "old.safetensors").write_bytes(b"stale")
    pd.testing.assert_frame_equal(publish(folder / "models.yaml", out), index, check_dtype=False)
    assert not (out / "old.safetensors").exists()
    for name, found in before.items():
        again = readouts.read(out / name)
        assert again.readout.alpha.equal(found.readout.alpha)
        assert again.readout.scores.equal(found.readout.scores)


def test_what_is_under_an_agreement_is_refused_before_anything_is_trained(folder, monkeypatch):
    monkeypatch.setattr(data, "load", None)
    (folder / "models.yaml").write_text(CONFIG + "  - {model: {dataset: diabetes}}\n")
    with pytest.raises(SystemExit, match="diabetes is made of files .* may not be published"):
        main(["readouts", str(folder / "out"), "--config", str(folder / "models.yaml")])
    assert not (folder / "out").exists()
