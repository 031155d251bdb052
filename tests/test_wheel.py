"""Installed from a wheel, in an empty folder, without its extras: what needs no file works."""

import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SCRIPT = """
import inspect, sys

for extra in ("altair", "attnbook", "captum", "entmax", "gensim", "jupytext", "papermill", "requests",
              "sentencex", "sklearn", "spacy", "tqdm", "transformers"):
    sys.modules[extra] = None  # as good as not installed

import torch
import attnlib
from attnlib import faithfulness, kernels
from attnlib.data.__main__ import main
from attnlib.prepare import prepare

readout = prepare("planted", encoder="average", epochs=1, limit=20).readout
order = kernels.attention_order(readout)
values = {
    "readout": readout,
    "order": order,
    "epsilon": 0.05,
    "n": 2,
    "result": kernels.single_erasure(readout, readout.alpha),
    "ranking_scores": readout.alpha,
    "x": readout.alpha,
    "y": readout.scores[..., 1],
    "mask": readout.mask,
    "states": readout.scores,
    "alpha": readout.alpha[:, None],  # of one head
    "scores": readout.scores[:, None],
    "bias": readout.bias,
    "p": readout.probabilities(),
    "q": readout.probabilities(kernels.uniform_weights(readout)),
}
of_a_pair = attnlib.Readout(
    readout.alpha, readout.scores, readout.bias, readout.mask, torch.nn.Identity(), torch.zeros(20, 2)
)
for name in kernels.__all__:
    kernel = getattr(kernels, name)
    parameters = inspect.signature(kernel).parameters.values()
    needed = [values[each.name] for each in parameters if each.default is each.empty]
    kernel(of_a_pair) if name == "exchanged_logits" else kernel(*needed)
faithfulness.violation_test(
    lambda texts: [[0.4, 0.6] if "good" in text else [0.7, 0.3] for text in texts],
    [["a", "good", "one"], ["no"]],
    [[0.1, 0.9, 0.0], [1.0]],
)
main(["list"])
print(attnlib.__file__)
"""


@pytest.mark.slow
def test_a_wheel_works_alone(tmp_path):
    # What is built in the project itself leaves `build/lib` there.
    shutil.copytree(ROOT / "attnlib", tmp_path / "source/attnlib")
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy2(ROOT / name, tmp_path / "source")
    build = [sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "--no-build-isolation", "-w"]
    subprocess.run([*build, tmp_path, tmp_path / "source"], check=True, capture_output=True)
    (wheel,) = tmp_path.glob("attnlib-*.whl")
    with zipfile.ZipFile(wheel) as file:
        file.extractall(tmp_path / "installed")
    (tmp_path / "empty").mkdir()
    around = {
        **os.environ,
        "PYTHONPATH": str(tmp_path / "installed"),
        "ATTNLIB_CACHE": str(tmp_path / "cache"),
    }
    around.pop("ATTNLIB_DATA", None)
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT], cwd=tmp_path / "empty", env=around, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert "planted" in done.stdout
    assert done.stdout.splitlines()[-1].startswith(str(tmp_path / "installed"))
