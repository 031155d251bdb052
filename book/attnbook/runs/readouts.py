"""Train the models of config/readouts.yaml and publish their Readouts: `attnbook readouts [book/readouts]`.

Writes a file a model and index.csv. Trained models of the cache are used; the same models give the same bytes
on one machine. Data sets under a user agreement are refused.
"""

import argparse
import csv
import json
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial
from importlib import import_module
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pandas as pd
import torch

from attnbook.runs import grid, results
from attnbook.runs.train import PREPARED_BY
from attnbook.runs.values import load_file
from attnlib import readouts
from attnlib.cache import check_output, replacing
from attnlib.cache.tensors import load_tensors
from attnlib.data.catalogue import own_files
from attnlib.data.corpus import Split
from attnlib.data.sets.sst import tokenize
from attnlib.kernels import token_margins
from attnlib.prepare.adversary import prepare_adversary
from attnlib.prepare.run import Prepared
from attnlib.readout import Readout
from attnlib.readouts import Recorded
from attnlib.tables import performance

CONFIG, FOLDER, SENTENCES = "config/readouts.yaml", "book/readouts", "sentences"
# Logits and margins of single words, in millionths: an output is off by some 1e-7.
WORDS, UNIT, CLOSE = "words.npz", 1e-6, 1e-6
PRECISION = {True: torch.float32, False: torch.float16}
# What the facts of a file say of how it was made.
MADE = ("commit", "versions", "device", "processor", "threads", "draws", "date")


def models(config: str | Path) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
    """The models of a configuration: arguments of `prepare`, and what is kept of the model.

    ValueError for a data set that may not be published.
    """
    for block in load_file(config)["readouts"]:
        kept = {name: value for name, value in block.items() if name != "model"}
        for model in grid.combinations({"parameters": block["model"]}):
            if own_files(model["dataset"]):
                raise ValueError(
                    f"{config}: {model['dataset']} is made of files that its users get under an agreement: "
                    "its Readouts may not be published"
                )
            yield model, kept


def recorded(run: Prepared, scores: Sequence[str], limit: int | None, commit: str) -> Recorded:
    """What is published of a trained run. limit: that was asked for; commit: of the code."""
    made = results.provenance(settings=run.settings) | {"commit": commit}
    facts = {
        "dataset": run.corpus.name,
        "class_names": run.corpus.class_names,
        "name": run.name,
        "request": run.request,
        "settings": run.settings,
        "history": run.history,
        "test_metrics": run.test_metrics,
        "limit": limit,
        "sizes": performance.sizes(run.corpus),
        "made": {name: made[name] for name in MADE},
    }
    found = {name: run.scores(name) for name in scores}
    return Recorded(run.readout, tuple(run.texts.ids), run.texts.labels, found, facts)


def own_sentences(path: Path) -> Split:
    """The book's own sentences, as the tokens of SST; what is neither praise nor blame is labelled 0 too."""
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    ids = tuple(f"sentences/{row['id']}" for row in rows)
    labels = np.array([int(row["label"] == "positive") for row in rows])
    return Split(ids=ids, texts=tuple(tokenize(row["text"]) for row in rows), labels=labels)


def of_sentences(run: Prepared, whole: Recorded, sentences: Split) -> Recorded:
    """The book's own sentences as the model of a run reads them."""
    assert run.reading is not None
    texts = tuple(sentences.texts)
    # How the model was trained stands in its file of the data set.
    facts = {**whole.facts, "history": []}
    read = replace(whole, readout=run.reading(sentences)(), scores={}, words=texts, facts=facts)
    return replace(read, ids=tuple(sentences.ids), labels=sentences.labels)


def write_words(path: Path, run: Prepared, least: int, sentences: Recorded) -> None:
    """Write the attention logit and the margin of every word that occurs `least` times in the training texts.

    They are all of a model that reads each word by itself: with them any text of these words has its Readout.
    The words are in alphabetical order. ValueError unless that gives the model's Readout of the sentences.
    """
    assert run.reading is not None
    counts = Counter(word for text in run.corpus.train.texts for word in text)
    words = tuple(sorted(word for word, n in counts.items() if n >= least))
    # All words as one text: the logarithms of its weights are the logits but for a constant.
    readout = run.reading(Split(ids=("words/0",), texts=(words,), labels=np.array([0])))()
    values = readout.alpha[0].log() - readout.alpha[0].log().mean(), token_margins(readout)[0]
    table = pd.DataFrame(dict(zip(("logit", "margin"), values, strict=True)), index=list(words))
    for i, text in enumerate(sentences.words or ()):
        if all(word in table.index for word in text):
            found, known = readout_of(table.loc[list(text)]), sentences.readout.select([i])
            if not torch.allclose(found.probabilities(), known.probabilities(), rtol=0, atol=CLOSE):
                raise ValueError(
                    f"{run.name}: a word of {sentences.ids[i]!r} depends on others: no table of words"
                )
    packed: dict[str, Any] = {"words": np.frombuffer("\n".join(words).encode(), np.uint8)}
    for name in ("logit", "margin"):
        units = (table[name].to_numpy() / UNIT).round().astype("<i4")
        # Byte by byte, which packs to three quarters.
        packed[name] = units.view(np.uint8).reshape(-1, 4).T.copy()
    with replacing(path) as temporary, temporary.open("wb") as file:
        np.savez_compressed(file, **packed)


def read_words(path: str | Path) -> pd.DataFrame:
    """What `write_words` wrote: logit and margin in units of UNIT, whole numbers, by word."""
    with np.load(path) as found:
        words = found["words"].tobytes().decode().split("\n")
        units = {name: found[name].T.copy().view("<i4")[:, 0] for name in ("logit", "margin")}
    return pd.DataFrame(units, index=words)


def readout_of(words: pd.DataFrame) -> Readout:
    """The Readout of one text from the logit and the margin of each of its words, a row a word."""
    logits, margins = (
        torch.tensor(words[name].to_numpy(), dtype=torch.float64) for name in ("logit", "margin")
    )
    scores = torch.stack([torch.zeros_like(margins), margins], dim=1)[None]
    alpha = logits.softmax(0)[None]
    return Readout(alpha, scores, torch.zeros(2), torch.ones_like(alpha, dtype=torch.bool))


def row(path: Path, dataset: str, found: Recorded) -> dict[str, Any]:
    """A file's line in the index."""
    tested = found.facts["test_metrics"]
    named = dict.fromkeys(readouts.NAMES, "") | readouts.named(found.facts["request"]) | {"dataset": dataset}
    says = {"texts": len(found), "accuracy": round(tested["accuracy"], 6), "scores": " ".join(found.scores)}
    return {"file": path.name, **named, **says, "bytes": path.stat().st_size}


def same(made: Path, published: Path) -> bool:
    """Whether a file that is published says the same already: all but the commit and day it was made at."""
    try:
        (tensors, facts), (others, known) = load_tensors(made), load_tensors(published)
        told = [json.loads(each["facts"]) | {"made": None} for each in (facts, known)]
    except (OSError, ValueError, KeyError):
        return False
    equal = partial(np.array_equal, equal_nan=True)
    numbers = tensors.keys() == others.keys() and all(equal(tensors[name], others[name]) for name in tensors)
    return numbers and told[0] == told[1]


def publish(config: str | Path = CONFIG, folder: str | Path = FOLDER) -> pd.DataFrame:
    """Train or take from the cache every model, write its Readout, then the index; returns the index.

    A file whose numbers would be the same stays as it is, with the day it was made.
    """
    folder = Path(folder)
    check_output(folder)
    rows: list[dict[str, Any]] = []
    # Before the first file is written, which changes the working tree.
    commit = results.commit()
    wanted = list(models(config))
    folder.mkdir(parents=True, exist_ok=True)

    def write(dataset: str, found: Recorded, single: bool) -> None:
        asked = readouts.named(found.facts["request"])
        name = "-".join(
            str(asked[part]) for part in ("encoder", "scorer", "seed", "strength") if asked[part] != ""
        )
        path = folder / f"{dataset}-{name}.safetensors"
        if path.name in [row["file"] for row in rows]:
            raise ValueError(f"{config}: two models would be {path.name}")
        with TemporaryDirectory(dir=folder) as beside:
            readouts.write(made := Path(beside, path.name), found, PRECISION[single], PRECISION[single])
            if not same(made, path):
                made.replace(path)
        rows.append(row(path, dataset, found))

    for model, kept in wanted:
        limit, strength = model.get("limit"), model.pop("strength", None)
        function = kept.get("prepared_by", "prepare")
        run = getattr(import_module(PREPARED_BY[function][0]), function)(**model)
        if strength is not None:
            run = prepare_adversary(run, strength, **kept["adversary"])
        found = recorded(run, kept.get("scores", ()), limit, commit)
        write(model["dataset"], found, kept.get("single", False))
        if kept.get("sentences"):
            sentences = own_sentences(folder / f"{SENTENCES}.csv")
            write(SENTENCES, read := of_sentences(run, found, sentences), single=True)
            if kept.get("words"):
                write_words(folder / WORDS, run, kept["words"], read)
    table = pd.DataFrame(rows)
    with replacing(folder / readouts.INDEX) as temporary:
        table.to_csv(temporary, index=False, lineterminator="\n")
    for stale in set(folder.glob("*.safetensors")) - {folder / name for name in table["file"]}:
        stale.unlink()
    return table


def main(arguments: list[str] | None = None) -> None:
    """Entry point of `attnbook readouts`."""
    parser = argparse.ArgumentParser(prog="attnbook readouts", description=__doc__)
    parser.add_argument("folder", nargs="?", default=FOLDER, help="folder of the files")
    parser.add_argument("--config", default=CONFIG, help="which models")
    options = parser.parse_args(arguments)
    table = publish(options.config, options.folder)
    print(f"{len(table)} Readouts in {options.folder}, {table['bytes'].sum() / 2**20:.2f} MiB")
