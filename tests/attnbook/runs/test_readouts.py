"""`attnbook readouts` writes each model once, the same bytes again, and nothing that may not be published."""

from dataclasses import replace

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


def test_a_file_a_model_and_an_index(folder, capsys, monkeypatch):
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
    before = {path: path.read_bytes() for path in sorted(out.glob("*.safetensors"))}
    (out / "old.safetensors").write_bytes(b"stale")
    kept, damaged = before
    damaged.write_bytes(b"damaged")
    monkeypatch.setattr("attnbook.runs.results.commit", lambda: "another")
    again = publish(folder / "models.yaml", out).drop(columns="bytes")
    pd.testing.assert_frame_equal(again, index.drop(columns="bytes"), check_dtype=False)
    assert sorted(out.glob("*")) == sorted([*before, out / "index.csv"])
    assert kept.read_bytes() == before[kept]
    again = readouts.read(damaged)
    assert again.facts["made"]["commit"] == "another"
    # Other numbers: another file.
    found = readouts.read(kept)
    readouts.write(kept, replace(found, labels=1 - found.labels))
    publish(folder / "models.yaml", out)
    assert readouts.read(kept).facts["made"]["commit"] == "another"
    assert (readouts.read(kept).labels == found.labels).all()


def test_what_is_under_an_agreement_is_refused_before_anything_is_trained(folder, monkeypatch):
    monkeypatch.setattr(data, "load", None)
    (folder / "models.yaml").write_text(CONFIG + "  - {model: {dataset: diabetes}}\n")
    with pytest.raises(SystemExit, match="diabetes is made of files .* may not be published"):
        main(["readouts", str(folder / "out"), "--config", str(folder / "models.yaml")])
    assert not (folder / "out").exists()
