"""The one call of every notebook: cache, devices, refusals, bit-identical repeats."""

import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pandas as pd
import pytest
import torch

from attnbook.runs import results
from attnlib import data
from attnlib.prepare import flat as prepare
from attnlib.prepare import run as shared
from tests import toy

CHEAP = {"epochs": 2, "dimension": 8, "progress": False}


@pytest.fixture(autouse=True)
def _toy_data(tmp_path, monkeypatch):
    monkeypatch.setenv("ATTNLIB_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(data, "load", lambda name: toy.corpus(pair=name == "questions"))


def tables(run):
    return run.frame(score=run.readout.logits()[:, 1])


@pytest.mark.parametrize(
    ("name", "task", "pair", "usual"),
    [
        ("toy", "classification", False, (300, 0.1, 128, 8, 32)),
        ("babi1", "question answering", True, (50, 1.0, 32, 100, 50)),
        ("snli", "pair classification", True, (300, 0.1, 128, 25, 128)),
        ("cnn", "question answering", True, (300, 0.1, 128, 25, 90)),
    ],
)
def test_each_task_has_the_papers_settings(name, task, pair, usual, monkeypatch):
    monkeypatch.setattr(data, "load", lambda _: replace(toy.corpus(pair), name=name, task=task))
    settings = prepare.plan(name).settings
    plan, architecture = settings["training"], settings["architecture"]
    assert architecture["pair"] is pair
    assert (architecture["dimension"], settings["deviation"], architecture["hidden"]) == usual[:3]
    assert (plan["epochs"], plan["batch_size"]) == usual[3:]


def test_cuda_without_a_gpu_is_refused(monkeypatch):
    for there, chosen in {True: "cuda", False: "cpu"}.items():
        monkeypatch.setattr(torch.cuda, "is_available", lambda there=there: there)
        assert prepare.resolve_device("auto") == chosen
    with pytest.raises(ValueError, match="sees no GPU"):
        prepare.resolve_device("cuda")


@pytest.mark.slow
def test_two_that_ask_for_a_model_train_it_once_and_read_it_once(monkeypatch):
    done = []
    for name in ("fit", "save"):
        work = getattr(shared, name)
        monkeypatch.setattr(shared, name, lambda *a, n=name, work=work: done.append(n) or work(*a))
    with ThreadPoolExecutor() as pool:
        list(pool.map(lambda _: prepare.prepare("toy", **CHEAP), range(2)))
    assert sorted(done) == ["fit", "save"]


@pytest.mark.slow
def test_every_epoch_is_what_prepare_gives_after_so_many():
    epochs = [(epoch, tables(run), run.history) for epoch, run in prepare.every_epoch("toy", **CHEAP)]
    # The released variant never selects epoch 1, so that of two epochs the second is kept.
    last = prepare.prepare("toy", **CHEAP)
    pd.testing.assert_frame_equal(epochs[1][1], tables(last), check_exact=True)
    assert not epochs[0][1].equals(epochs[1][1])
    assert [(epoch, len(history)) for epoch, _, history in epochs] == [(1, 1), (2, 2)]


def test_vectors_of_another_data_set_are_trained_once(tmp_path, monkeypatch):
    first = prepare.plan("toy", "average", "additive", 0, vectors="sst", dimension=8)
    (path,) = (tmp_path / "cache" / "vectors").glob("*.txt")
    assert prepare.plan("toy", dimension=8, vectors="corpus").name["vectors"] == "corpus, 8-d"
    monkeypatch.setattr("gensim.models.Word2Vec", None)
    second = prepare.plan("toy", "average", "additive", 1, vectors="sst", dimension=8)
    assert first.name["vectors"] == "sst, 8-d"
    assert first.settings["vectors"] == second.settings["vectors"] == prepare.file_digest(str(path))
    word = first.corpus.vocabulary.encode(["film"])[1]
    line = next(line for line in path.read_text().splitlines() if line.startswith("film "))
    written = [float(number) for number in line.split()[1:]]
    for planned in (first, second):
        assert planned.model.embedding.weight[word].tolist() == pytest.approx(written)


def test_a_saved_run_tells_the_seconds_of_training_from_the_others(tmp_path):
    run = prepare.prepare("toy", **CHEAP)
    summary = results.of_run(run, pd.DataFrame({"metric": ["score"], "value": [1.0]}), "paper/experiment")
    results.keep(tmp_path, run, tables(run), summary, {"seed": 0})
    facts = json.loads((tmp_path / "provenance.json").read_text())
    assert facts["training_seconds"] == pytest.approx(sum(row["seconds"] for row in run.history))
    assert facts["seconds"] > 0
