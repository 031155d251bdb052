"""Faults, injected: what is killed, full, read-only or damaged leaves finished work alone, and nothing else.

Downloads have theirs in tests/data/test_download.py, notebooks that raise in tests/test_run.py.
"""

import io
import os
import pickle
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

from attnbook.runs import results
from attnlib import Readout, cache, data
from attnlib.cache.tensors import load_tensors, save_tensors
from attnlib.data import kept
from attnlib.data.generated import planted, planted_documents
from attnlib.models import vectors
from attnlib.prepare import flat as prepare
from attnlib.prepare.run import train_once

ROOT = Path(__file__).parents[1]
SMALL = {"encoder": "average", "epochs": 2, "dimension": 8, "progress": False}
TRAIN = [sys.executable, "-m", "attnbook", "train", "prepare", "-p", "dataset", "planted", "-p", "seed", "0"]


def started(words, folder, **more):
    """A process of its own group, with a cache of its own and one thread."""
    environment = os.environ | {"ATTNLIB_CACHE": str(folder), "OMP_NUM_THREADS": "1"} | more
    pipes = {"text": True, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    return subprocess.Popen(words, cwd=ROOT, env=environment, start_new_session=True, **pipes)


def finish(process):
    _, errors = process.communicate(timeout=600)
    assert process.returncode == 0, errors


def kill(process):
    """As the kernel kills what runs out of memory: no clean-up of any kind."""
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def visible(folder):
    """Files below a folder that are neither locks nor hidden."""
    return sorted(
        str(path.relative_to(folder))
        for path in Path(folder).rglob("*")
        if path.is_file() and not path.name.startswith(".") and path.suffix != ".lock"
    )


@contextmanager
def file_system(folder, size):
    """A file system of its own in memory, of so many bytes; needs the right to mount."""
    folder.mkdir()
    done = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(folder)], capture_output=True, text=True
    )
    if done.returncode:
        pytest.skip(f"a small file system needs the right to mount: {done.stderr.strip()}")
    try:
        yield folder
    finally:
        subprocess.run(["umount", str(folder)], check=True)


@pytest.fixture
def corpus(monkeypatch):
    small = planted.load(n_train=80, n_dev=20, n_test=20)
    monkeypatch.setattr(data, "load", lambda name: small)
    return small


def model_of(folder):
    """The one model in a cache."""
    (path,) = (folder / "models").glob("[!.]*.safetensors")
    return path


@pytest.mark.slow
def test_a_training_killed_in_mid_epoch_leaves_no_model_and_is_done_again(tmp_path):
    words = [*TRAIN, "-p", "epochs", "8", "-p", "encoder", "average"]
    process = started(words, tmp_path / "killed")
    next(line for line in process.stderr if line.startswith("epoch 2/8"))
    time.sleep(0.05)
    kill(process)
    assert visible(tmp_path / "killed" / "models") == []
    for folder in ("killed", "undisturbed"):
        finish(started(words, tmp_path / folder))
    first, second = (load_tensors(model_of(tmp_path / name)) for name in ("killed", "undisturbed"))
    assert all(torch.equal(first[0][name], second[0][name]) for name in second[0])


@pytest.mark.slow
def test_a_killed_notebook_leaves_nothing_that_looks_whole(tmp_path):
    words = [sys.executable, "-m", "attnbook", "run", "notebooks/jain_wallace/permutation.py"]
    parameters = ["-p", "encoder", "average", "-p", "epochs", "1", "-p", "limit", "20"]

    def command(name):
        tables = ["-p", "output", str(tmp_path / name)]
        return [*words, str(tmp_path / f"{name}.ipynb"), *parameters, *tables]

    process = started(command("killed"), tmp_path / "cache")
    models = tmp_path / "cache" / "models"
    while not list(models.glob("[!.]*.safetensors")):
        assert process.poll() is None, process.stderr.read()
        time.sleep(0.05)
    kill(process)
    assert not (tmp_path / "killed.ipynb").exists()
    assert not (tmp_path / "killed" / "summary.csv").exists()
    trained = model_of(tmp_path / "cache").stat().st_mtime_ns
    for name in ("killed", "undisturbed"):
        finish(started(command(name), tmp_path / "cache"))
    assert model_of(tmp_path / "cache").stat().st_mtime_ns == trained
    for table in ("summary.csv", "instances.parquet"):
        first, second = ((tmp_path / name / table).read_bytes() for name in ("killed", "undisturbed"))
        assert first == second
    # The second run took away what the first had half written.
    assert not [path for path in tmp_path.glob(".killed*") if path.is_file()]


WRITER = """
import os, signal, sys
from pathlib import Path
from attnlib import cache
path = Path(sys.argv[1])
with cache.locked(path), cache.replacing(path) as temporary:
    temporary.write_bytes(b"half")
    os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.slow
def test_the_kernel_of_a_killed_notebook_ends_too(tmp_path):
    source, mark = tmp_path / "busy.py", tmp_path / "kernel"
    source.write_text(
        '# %% tags=["parameters"]\nmark: str = ""\n\n'
        "# %%\nimport os, pathlib\npathlib.Path(mark).write_text(f'{os.getpid()} ')\nwhile True: pass\n"
    )
    words = [sys.executable, "-m", "attnbook", "run", str(source), str(tmp_path / "out.ipynb")]
    process = started([*words, "-p", "mark", str(mark)], tmp_path)
    while not (mark.exists() and mark.read_text().endswith(" ")):
        assert process.poll() is None, process.stderr.read()
        time.sleep(0.05)
    kernel = Path("/proc") / mark.read_text().strip()
    assert kernel.exists()
    kill(process)
    until = time.monotonic() + 30
    while kernel.exists() and "\nState:\tZ" not in (kernel / "status").read_text():
        assert time.monotonic() < until, "the kernel goes on"
        time.sleep(0.1)


def test_a_write_that_is_killed_leaves_what_was_there_and_its_rest_goes(tmp_path):
    path = tmp_path / "entry[1].safetensors"
    path.write_bytes(b"whole")
    done = subprocess.run([sys.executable, "-c", WRITER, str(path)], cwd=ROOT)
    assert done.returncode == -signal.SIGKILL
    assert path.read_bytes() == b"whole"
    assert len(list(tmp_path.glob(".entry*"))) == 1
    other = tmp_path / ".entry-of-another.txt"
    other.write_text("kept")
    with cache.locked(path), cache.replacing(path) as temporary:
        temporary.write_bytes(b"new")
    assert path.read_bytes() == b"new"
    assert [p.name for p in tmp_path.glob(".entry*")] == [other.name]


ASKER = """
import sys
from pathlib import Path
from attnlib import cache
print("asks", flush=True)
with cache.locked(Path(sys.argv[1])):
    print("has it")
"""


def test_another_process_waits_for_the_lock(tmp_path):
    with cache.locked(tmp_path / "entry"):
        other = started([sys.executable, "-c", ASKER, str(tmp_path / "entry")], tmp_path)
        assert other.stdout.readline() == "asks\n"
        with pytest.raises(subprocess.TimeoutExpired):
            other.wait(0.5)
    assert other.communicate(timeout=60)[0] == "has it\n"


def test_a_full_disk_is_an_error_that_names_the_place_and_keeps_the_rest(tmp_path):
    with file_system(tmp_path / "small", 1 << 20) as folder:
        kept = folder / "kept.safetensors"
        save_tensors(kept, {"a": torch.zeros(100)}, {})
        with pytest.raises(Exception, match=r"No space left|28"):
            save_tensors(folder / "large.safetensors", {"a": torch.zeros(1 << 20)}, {})
        assert visible(folder) == ["kept.safetensors"]
        assert not list(folder.glob(".*.safetensors"))
        assert torch.equal(load_tensors(kept)[0]["a"], torch.zeros(100))


@pytest.mark.parametrize("room", ["for no model", "for a model and no Readout"])
def test_a_run_on_a_full_disk_is_an_error_and_goes_on_from_what_is_whole(room, tmp_path, corpus, monkeypatch):
    with file_system(tmp_path / "small", 1 << 20) as folder:
        monkeypatch.setenv("ATTNLIB_CACHE", str(folder))
        if room == "for a model and no Readout":
            planned = prepare.plan("planted", "average", "additive", 0, epochs=2, dimension=8)
            train_once(planned, progress=False)
        before = visible(folder)
        assert len(before) == (room != "for no model")
        filling = folder / "filling"
        with pytest.raises(OSError, match="No space left"):
            filling.write_bytes(bytes(2 << 20))
        with pytest.raises(Exception, match="No space left|28"):
            prepare.prepare("planted", **SMALL)
        filling.unlink()
        assert visible(folder) == before
        assert not list(folder.rglob(".*.safetensors"))
        again = prepare.prepare("planted", **SMALL)
        monkeypatch.setenv("ATTNLIB_CACHE", str(tmp_path / "roomy"))
        undisturbed = prepare.prepare("planted", **SMALL)
        assert torch.equal(again.readout.scores, undisturbed.readout.scores)
        assert again.test_metrics == undisturbed.test_metrics


def test_a_read_only_cache_gives_what_it_has_and_says_what_it_cannot_take(tmp_path, corpus, monkeypatch):
    with file_system(tmp_path / "shared", 1 << 24) as folder:
        monkeypatch.setenv("ATTNLIB_CACHE", str(folder))
        first = prepare.prepare("planted", **SMALL)
        subprocess.run(["mount", "-o", "remount,ro", str(folder)], check=True)
        try:
            again = prepare.prepare("planted", **SMALL)
            assert again.test_metrics == first.test_metrics
            # Of a model that is there, other texts are read now and not kept.
            some = prepare.prepare("planted", limit=5, **SMALL)
            assert len(some.readout) == 5
            assert some.test_metrics == first.test_metrics
            with pytest.raises(OSError, match="cannot be written: set ATTNLIB_CACHE"):
                prepare.prepare("planted", seed=1, **SMALL)
        finally:
            subprocess.run(["mount", "-o", "remount,rw", str(folder)], check=True)


def of_words():
    path = vectors.vectors_file("planted", 8)
    return path, path.read_text()


def of_documents():
    table = vectors.document_vectors(planted_documents.load(n_train=20, n_dev=10, n_test=10), 8)
    (path,) = (cache.cache_folder() / "vectors").glob("*.safetensors")
    return path, table.tolist()


@pytest.mark.parametrize("make", [of_words, of_documents])
def test_flipped_bytes_in_vectors_are_noticed(make, tmp_path, corpus, monkeypatch, caplog):
    monkeypatch.setenv("ATTNLIB_CACHE", str(tmp_path))
    monkeypatch.setattr("attnlib.models.vectors.WORDS_READ", 1)
    path, first = make()
    whole = path.read_bytes()
    path.write_bytes(whole[:-5] + bytes([whole[-5] ^ 1]) + whole[-4:])
    assert make() == (path, first)
    assert "is damaged" in caplog.text
    assert path.read_bytes() == whole


def test_tables_on_a_full_disk_do_not_look_finished(tmp_path):
    frame = pd.DataFrame({"text": [f"t{i}" for i in range(100_000)], "predicted": "a", "label": "a"})
    frame["value"] = np.random.default_rng(0).random(len(frame))
    of_run = {"paper": "p", "experiment": "e", "dataset": "d", "encoder": "average", "scorer": "additive"}
    score = pd.DataFrame({"metric": ["score"], "value": [1.0], "variant": "", "vectors": ""})
    summary = results.validate(score.assign(seed=0, **of_run))
    with file_system(tmp_path / "small", 1 << 19) as folder:
        with pytest.raises(OSError, match="No space left"):
            results.save_run(folder / "run", frame, summary, {})
        assert visible(folder) == []
        assert not [path for path in folder.rglob("*") if path.is_file()]
        results.save_run(folder / "run", frame[:100], summary, {})
        assert visible(folder / "run") == ["instances.parquet", "provenance.json", "summary.csv"]


class Evil:
    """What runs a command when it is unpickled."""

    def __init__(self, mark):
        self.mark = mark

    def __reduce__(self):
        return os.system, (f"touch {self.mark}",)


@pytest.mark.slow
def test_a_pickle_in_place_of_a_file_is_refused_and_never_loaded(tmp_path, corpus, monkeypatch, caplog):
    """In place of whatever this package reads again: each would run a command, were it unpickled."""
    monkeypatch.setenv("ATTNLIB_CACHE", str(tmp_path / "cache"))
    mark = tmp_path / "it_ran"
    files, objects = [io.BytesIO() for _ in range(4)], np.array([Evil(mark)], dtype=object)
    pickle.dump(Evil(mark), files[0])
    torch.save({"alpha": Evil(mark)}, files[1])
    np.savez(files[2], meta=objects)
    np.save(files[3], objects, allow_pickle=True)
    pickle.loads(files[0].getvalue())
    assert mark.exists(), "it is no danger"
    mark.unlink()

    first = prepare.prepare("planted", **SMALL)
    for content in map(io.BytesIO.getvalue, files):
        for path in (tmp_path / "cache").rglob("*.safetensors"):
            path.write_bytes(content)
        again = prepare.prepare("planted", **SMALL)
        assert torch.equal(again.readout.scores, first.readout.scores)
        refused, tables = (ValueError, OSError, KeyError), ("instances.parquet", "summary.csv")
        readers = {"r.safetensors": Readout.load, "t.safetensors": load_tensors, "corpus.npz": kept.read}
        for name, load in (readers | dict.fromkeys(tables, results.read)).items():
            (tmp_path / name).write_bytes(content)
            with pytest.raises(ValueError if name in readers else refused) as found:
                load(tmp_path / name)
            assert name not in readers or "damaged" in str(found.value)
    assert caplog.text.count("is no file of this model's parameters") == len(files)
    assert not mark.exists()
