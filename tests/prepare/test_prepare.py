"""The one call of every notebook: cache, devices, refusals, bit-identical repeats."""

import json
import multiprocessing
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


def test_the_second_call_does_not_train_and_gives_the_same_bits(monkeypatch):
    first = prepare.prepare("toy", **CHEAP)
    monkeypatch.setattr("attnlib.training.fit.epochs", None)
    second = prepare.prepare("toy", **CHEAP)
    pd.testing.assert_frame_equal(tables(first), tables(second), check_exact=True)
    assert first.history == second.history
    assert first.test_metrics == second.test_metrics


@pytest.mark.slow
def test_the_same_seed_in_another_cache_gives_the_same_bits(tmp_path, monkeypatch):
    first = prepare.prepare("toy", **CHEAP)
    monkeypatch.setenv("ATTNLIB_CACHE", str(tmp_path / "other"))
    pd.testing.assert_frame_equal(tables(first), tables(prepare.prepare("toy", **CHEAP)), check_exact=True)
    assert not tables(first).equals(tables(prepare.prepare("toy", seed=1, **CHEAP)))


@pytest.mark.slow
@pytest.mark.parametrize(
    "change",
    [
        {"seed": 1},
        {"epochs": 3},
        {"variant": "published"},
        {"deviation": 1.0},
        {"encoder": "average"},
    ],
)
def test_every_setting_has_its_own_model(change, tmp_path):
    for settings in ({}, change):
        prepare.prepare("toy", **(CHEAP | settings))
    assert len(list((tmp_path / "cache" / "models").glob("*.safetensors"))) == 2


def test_a_broken_cache_file_is_trained_again(tmp_path):
    first = prepare.prepare("toy", **CHEAP)
    (path,) = (tmp_path / "cache" / "models").glob("*.safetensors")
    path.write_bytes(b"half a file")
    pd.testing.assert_frame_equal(tables(first), tables(prepare.prepare("toy", **CHEAP)), check_exact=True)


def test_questions_give_a_readout_with_a_head():
    run = prepare.prepare("questions", **CHEAP)
    assert run.readout.head is not None
    assert run.settings["architecture"]["pair"]
    assert set(run.test_metrics) >= {"accuracy"}


@pytest.mark.parametrize(
    ("name", "task", "pair", "usual"),
    [
        ("toy", "classification", False, (300, 0.1, 8, 32, 128)),
        ("babi1", "question answering", True, (50, 1.0, 100, 50, 32)),
        ("snli", "pair classification", True, (300, 0.1, 25, 128, 128)),
        ("cnn", "question answering", True, (300, 0.1, 25, 90, 128)),
    ],
)
def test_each_task_has_the_papers_settings(name, task, pair, usual, monkeypatch):
    monkeypatch.setattr(data, "load", lambda _: replace(toy.corpus(pair), name=name, task=task))
    settings = prepare.plan(name).settings
    plan, architecture = settings["training"], settings["architecture"]
    assert architecture["pair"] is pair
    found = (architecture["dimension"], settings["deviation"], plan["epochs"], plan["batch_size"])
    found += (architecture["hidden"],)
    assert found == usual


def test_limit_draws_texts_and_keeps_the_metrics_of_all():
    every, some = prepare.prepare("toy", **CHEAP), prepare.prepare("toy", limit=7, **CHEAP)
    assert len(some.readout) == len(some.texts) == len(some.frame()) == 7
    assert set(some.texts.ids) < set(every.texts.ids)
    assert some.test_metrics == every.test_metrics
    whole = every.frame().set_index("text").loc[list(some.texts.ids)].reset_index()
    pd.testing.assert_frame_equal(some.frame(), whole, atol=1e-6)


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"encoder": "lstm"}, ValueError, "unknown encoder 'lstm': known are bilstm"),
        ({"limit": 0}, ValueError, "limit"),
        ({"seed": -1}, ValueError, "seed: must be a whole number ≥ 0, got -1"),
        ({"seed": 0.5}, ValueError, "seed: must be .*got 0.5"),
        ({"epochs": 0}, ValueError, "epochs: must be"),
        ({"device": "gpu"}, ValueError, "unknown device 'gpu'"),
        ({"vectors": "nowhere.txt"}, FileNotFoundError, "vectors='nowhere.txt'"),
        ({"vectors": "adr"}, ValueError, "vectors='adr': .*your own"),
    ],
)
def test_bad_settings_are_refused_and_leave_nothing(change, error, message, tmp_path):
    with pytest.raises(error, match=message):
        prepare.prepare("toy", **(CHEAP | change))
    assert not (tmp_path / "cache" / "models").exists()


def test_cuda_without_a_gpu_is_refused():
    if torch.cuda.is_available():
        assert prepare.resolve_device("auto") == "cuda"
    else:
        assert prepare.resolve_device("auto") == "cpu"
        with pytest.raises(ValueError, match="sees no GPU"):
            prepare.resolve_device("cuda")


def count_work(cache, queue):
    import os

    os.environ["ATTNLIB_CACHE"] = cache
    data.load = lambda name: toy.corpus()
    done = []

    def counted(name, function):
        return lambda *arguments: done.append(name) or function(*arguments)

    shared.fit = counted("training", shared.fit)
    shared.save = counted("reading", shared.save)
    prepare.prepare("toy", **CHEAP)
    queue.put(done)


@pytest.mark.slow
def test_two_processes_train_one_model_once_and_read_it_once(tmp_path):
    context = multiprocessing.get_context("spawn")
    queue = context.Queue()
    workers = [context.Process(target=count_work, args=(str(tmp_path / "c"), queue)) for _ in range(2)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(120)
    assert sorted(queue.get(timeout=5) + queue.get(timeout=5)) == ["reading", "training"]


def test_every_epoch_is_what_prepare_gives_after_so_many():
    epochs = [(epoch, tables(run), run.history) for epoch, run in prepare.every_epoch("toy", **CHEAP)]
    assert [epoch for epoch, _, _ in epochs] == [1, 2]
    # The released variant never selects epoch 1, so that of two epochs the second is kept.
    last = prepare.prepare("toy", **CHEAP)
    pd.testing.assert_frame_equal(epochs[1][1], tables(last), check_exact=True)
    assert not epochs[0][1].equals(epochs[1][1])
    assert [len(history) for _, _, history in epochs] == [1, 2]


@pytest.mark.parametrize(
    ("change", "label"),
    [
        ({}, "random, deviation 0.1"),
        ({"deviation": 1.0}, "random, deviation 1"),
        ({"vectors": "corpus"}, "corpus"),
        ({"vectors": "sst"}, "sst"),
    ],
)
def test_tables_name_the_vectors_and_the_variant(change, label):
    run = prepare.prepare("toy", **(CHEAP | change))
    summary = pd.DataFrame({"metric": ["score"], "value": [1.0]})
    tidy = results.of_run(run, summary, "paper/experiment")
    assert tidy[["variant", "vectors"]].iloc[0].tolist() == ["released", label]


def test_vectors_of_another_data_set_are_trained_once(tmp_path, monkeypatch):
    first = prepare.plan("toy", "average", "additive", 0, vectors="sst", dimension=8)
    (path,) = (tmp_path / "cache" / "vectors").glob("*.txt")
    monkeypatch.setattr("gensim.models.Word2Vec", None)
    second = prepare.plan("toy", "average", "additive", 1, vectors="sst", dimension=8)
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
