"""Rows of random draws on another number of threads and other CPU kernels, with the same model."""

import os
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
import torch

from attnlib.cache.tensors import save_tensors
from tests import toy

ROOT = Path(__file__).parents[2]
WAYS = {
    "one thread": {"OMP_NUM_THREADS": "1"},
    "two threads and other kernels": {"OMP_NUM_THREADS": "2", "ATEN_CPU_CAPABILITY": "default"},
}
SCRIPT = """
import sys
import pandas as pd
import torch
from attnlib import explain, faithfulness
from attnlib.kernels import erase_until_flip, random_orders, single_erasure
from attnlib.models.reading import read
from attnlib.tables import erasure_sets
from attnlib.cache.tensors import load_tensors
from tests import toy

model, vocabulary = toy.model("bilstm", n_classes=2)
model.load_state_dict(load_tensors(sys.argv[1])[0])
texts = toy.split(150, seed=5, shortest=2, longest=12)
readout = read(model, texts, vocabulary)
to = explain.Trained(model, texts, vocabulary, readout)
scores = explain.explain(to, ["random", "signed random"], seed=3)
removals = faithfulness.removals(model, texts, vocabulary, readout)
measured = faithfulness.measure_texts(scores, removals, texts.labels, only_violation=True)
table = faithfulness.summarise_measures(measured)
flips = [erase_until_flip(readout, order) for order in random_orders(readout, 3, 3, texts.ids)]
sets = erasure_sets.removed(erasure_sets.frame({"random orders": flips}))
single = single_erasure(readout, readout.alpha, "drawn", 3, texts.ids)
drawn = pd.DataFrame({"metric": ["delta_js", "flips_other"], "method": "drawn"})
drawn["value"] = [float(single.delta_js.mean()), float(single.flips_other.mean())]
pd.concat([table, sets, drawn]).to_csv(sys.argv[2], index=False)
torch.save(scores, sys.argv[3])
"""


@pytest.mark.slow
def test_rows_of_random_draws_are_the_same_elsewhere(tmp_path):
    model, _ = toy.model("bilstm", n_classes=2)
    save_tensors(tmp_path / "model.safetensors", model.state_dict(), {})
    tables, scores = {}, {}
    for way, around in WAYS.items():
        table, kept = tmp_path / f"{way}.csv", tmp_path / f"{way}.pt"
        command = [sys.executable, "-c", SCRIPT, str(tmp_path / "model.safetensors"), str(table), str(kept)]
        # On a busy machine threads that wait actively take minutes for seconds.
        around = {**os.environ, **around, "OMP_WAIT_POLICY": "passive"}
        subprocess.run(command, cwd=ROOT, env=around, check=True)
        tables[way], scores[way] = pd.read_csv(table), torch.load(kept)
    first, *others = WAYS
    assert len(tables[first]) > 60
    assert tables[first]["value"].notna().mean() > 0.9
    for way in others:
        assert (tables[way]["value"] - tables[first]["value"]).abs().max() <= 1e-6
        assert all(torch.equal(found, scores[first][name]) for name, found in scores[way].items())
