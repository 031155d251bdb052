"""Where finished work lies, damaged or killed at random with a seed: it is whole, or known not to be."""

import os
import random
import shutil
import signal
import time
from collections import Counter
from contextlib import contextmanager
from unittest import mock

import numpy as np
import pytest

from attnbook.runs import results
from attnlib import Readout, cache, data
from attnlib.cache.tensors import load_model, save_model
from attnlib.data import kept
from attnlib.data.generated import planted
from attnlib.models import vectors
from tests import toy
from tests.attnbook.made import ours


@contextmanager
def corpora(folder):
    kept.write(path := folder / "corpus.npz", planted.load(n_train=40, n_dev=10, n_test=10))
    yield lambda: kept.read(path).checksum


@contextmanager
def models(folder):
    save_model(toy.model()[0], path := folder / "model.safetensors", {"epochs": 2})

    def read():
        other, _ = toy.model(seed=1)
        return load_model(other, path), [x.tolist() for x in other.state_dict().values()]

    yield read


@contextmanager
def readouts(folder):
    draw, path = np.random.default_rng(0), folder / "readout.safetensors"
    alpha, mask = draw.dirichlet(np.ones(5), 4), np.ones((4, 5), dtype=bool)
    Readout(alpha, draw.normal(size=(4, 5, 2)), [0.0, 0.5], mask).save(path)
    yield lambda: Readout.load(path).logits().tolist()


@contextmanager
def word_vectors(folder):
    """What is damaged of these, or of their sum, is made again; this stands for word2vec."""
    corpus = planted.load(n_train=20, n_dev=5, n_test=5)
    trained = {word: np.arange(4) / 8 for word in corpus.vocabulary.words[4:]}
    with (
        mock.patch.dict(os.environ, {"ATTNLIB_CACHE": str(folder)}),
        mock.patch.object(data, "load", return_value=corpus),
        mock.patch.object(vectors, "train_vectors", return_value=trained),
        mock.patch.object(vectors, "function_digest", return_value="code"),
    ):
        yield lambda: vectors.vectors_file("planted", 4).read_bytes()


@contextmanager
def runs(folder):
    table = results.validate(ours(0.1, 0.2, 0.3))
    results.save_run(folder, table, table, {"parameters": {}})

    def read():
        tables = [
            results.read(results.check_whole(folder / name)) for name in (results.SUMMARY, results.TEXTS)
        ]
        return [table.to_csv() for table in tables]

    yield read


KINDS = {"corpora": corpora, "models": models, "Readouts": readouts, "runs": runs}
KINDS |= {"word vectors": word_vectors}


def tried(kind, folder, times):
    """What became of finished work, damaged so many times: "right", "refused", or what went wrong."""
    draw, found = random.Random(kind), Counter()
    with KINDS[kind](folder) as read:
        expected = read()
        whole = {
            path: path.read_bytes() for path in folder.rglob("*") if path.is_file() and path.suffix != ".lock"
        }
        tables = [path for path in whole if path.name != results.ORIGIN]
        for _ in range(times):
            path, way = draw.choice(tables), draw.choice(("flip", "flip", "cut", "other", "gone"))
            at, content = draw.randrange(len(whole[path])), whole[path]
            if way == "flip":
                content = content[:at] + bytes([content[at] ^ 1 << draw.randrange(8)]) + content[at + 1 :]
            path.write_bytes({"cut": content[:at], "other": b"other", "gone": b""}.get(way, content))
            try:
                outcome = "right" if read() == expected else f"wrong: {way} {path.name}"
            except ValueError as error:
                outcome = "refused" if path.name in str(error) else f"unnamed: {error!r}"
            except Exception as error:
                outcome = f"unnamed: {error!r}"
            found[outcome] += 1
            for each, bytes_of in whole.items():
                each.write_bytes(bytes_of)
    return found


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_damaged_is_known_to_be(kind, tmp_path):
    found = tried(kind, tmp_path, 60)
    assert found.keys() <= {"right", "refused"}
    # What can be made again is.
    assert found["refused"] == 0 if kind == "word vectors" else found["refused"] > 40


def busy(folder):
    """Write tables of two runs in turn into one folder, and an entry of a cache, until killed."""
    tables = [results.validate(ours(*[0.5] * rows)) for rows in (3, 2)]
    while True:
        for table in tables:
            results.save_run(folder / "run", table, table, {"rows": len(table)})
            with cache.locked(folder / "entry"), cache.replacing(folder / "entry") as temporary:
                temporary.write_bytes(b"whole" * 10_000)


def killed(folder, times):
    """What became of tables and an entry whose writer was killed so many times, as in `tried`."""
    draw, found = random.Random(0), Counter()
    for _ in range(times):
        if not (child := os.fork()):
            try:
                busy(folder)
            finally:
                os._exit(1)
        time.sleep(draw.uniform(0.01, 0.06))
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        whole = not (folder / "entry").exists() or (folder / "entry").read_bytes() == b"whole" * 10_000
        with cache.locked(folder / "entry"):  # no lock is left
            pass
        if (folder / "run" / results.SUMMARY).exists():
            rows = [
                len(results.read(results.check_whole(folder / "run" / name)))
                for name in (results.SUMMARY, results.TEXTS)
            ]
            whole = whole and rows[0] == rows[1]
        found["right" if whole else "wrong: two runs, or half an entry"] += 1
    shutil.rmtree(folder)
    return found


def test_what_is_killed_while_it_writes_leaves_nothing_that_looks_whole(tmp_path):
    assert killed(tmp_path / "killed", 20) == {"right": 20}
