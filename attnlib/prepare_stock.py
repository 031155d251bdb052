"""One call for stock transformers: a corpus of texts or scenes, a trained model, and the inputs it reads."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from functools import cache, partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from torch import Tensor, nn

from attnlib import data, results
from attnlib.cache import sources_digest
from attnlib.data.corpus import Corpus, Split
from attnlib.data.scenes import SceneCorpus, SceneSplit
from attnlib.model_cache import trained_once
from attnlib.models.build import one_of
from attnlib.models.stock import (
    KINDS,
    StockArchitecture,
    build_stock,
    embedded,
    scene_inputs,
    text_inputs,
)
from attnlib.models.stock_kinds import Kind
from attnlib.prepare import check_seed, origin_of, resolve_device
from attnlib.training import metrics
from attnlib.training_stock import StockTraining, fit_stock, predict_stock

AnyCorpus = Corpus | SceneCorpus
AnySplit = Split | SceneSplit


@dataclass(frozen=True)
class Usual:
    """A size and a schedule under which a kind of model learns from nothing."""

    layers: int
    dropout: float
    epochs: int
    batch_size: int
    learning_rate: float
    deviation: float


# Found on the dev splits of SST and scenes. A question about a scene is answered by looking up, and with the
# library's deviation, .02 for models ten times as wide, attention stays even for many epochs; LXMERT also
# with a higher rate. Words alone are as good a start, and there the wider weights only overfit sooner.
USUAL = {
    "bert": Usual(2, 0.1, 8, 32, 5e-4, 0.02),
    "visual_bert": Usual(3, 0.0, 12, 64, 1e-3, 0.125),
    "lxmert": Usual(2, 0.0, 16, 64, 5e-4, 0.125),
}
# What the scorer column of the tables says of each kind: whose maps are read.
ATTENTION = {"bert": "self_attention", "visual_bert": "self_attention", "lxmert": "cross_attention"}
# Tasks of data sets.
TEXTS, SCENES = ("classification", "pair classification"), ("scenes",)


@dataclass(frozen=True)
class PreparedStock:
    """What an experiment on a stock transformer works on.

    split: the test instances under analysis. inputs: the model's for them, with word embeddings in place of
    ids where words are scored. test_metrics: on the whole test split. settings: everything that decided the
    model.
    """

    corpus: AnyCorpus
    split: AnySplit
    model: nn.Module
    kind: Kind
    inputs: dict[str, Tensor]
    test_metrics: dict[str, float]
    history: list[dict[str, float]]
    settings: dict[str, Any]
    device: str
    began: float = field(default_factory=time.perf_counter, repr=False)

    @property
    def training_seconds(self) -> float:
        """Time spent on training, whenever that was."""
        return sum(row["seconds"] for row in self.history)

    def tidy(self, summary: pd.DataFrame, experiment: str) -> pd.DataFrame:
        """A summary with the columns that say which run it came from (`results.tidy`)."""
        name = self.settings["architecture"]["kind"]
        return results.tidy(
            summary.assign(variant="stock", vectors="random"),
            paper="violation",
            experiment=experiment,
            dataset=self.corpus.name,
            encoder=name,
            scorer=ATTENTION[name],
            seed=self.settings["training"]["seed"],
        )

    def save(
        self, folder: str | Path, frame: pd.DataFrame, summary: pd.DataFrame, parameters: dict[str, Any]
    ) -> None:
        """The run's tables and where they come from, in a folder (`results.save_run`)."""
        origin = origin_of(parameters, self.settings, self.history, self.began)
        results.save_run(folder, frame, summary, origin)


def prepare_stock(
    dataset: str = "scenes",
    kind: str = "visual_bert",
    seed: int = 0,
    *,
    device: str = "cpu",
    limit: int | None = None,
    progress: bool = True,
    layers: int | None = None,
    heads: int = 4,
    hidden: int = 64,
    epochs: int | None = None,
    batch_size: int | None = None,
    learning_rate: float | None = None,
) -> PreparedStock:
    """Load a corpus, train a small stock model on it or take it from the cache, and make its test inputs.

    dataset: of `data.names()` for "bert", which reads classification and pairs, and of `data.scene_names()`
    for the others. limit: analyse so many test instances, drawn with the seed (None: all); the metrics are of
    all. layers, epochs, batch_size, learning_rate: None takes those of USUAL. Two processes that ask for the
    same model train it once. Unknown names and impossible values are refused with a ValueError before
    anything is trained.
    """
    began = time.perf_counter()
    one_of("kind", kind, KINDS)
    device = resolve_device(device)
    check_seed(seed)
    usual = USUAL[kind]
    corpus = corpus_for(kind, dataset)
    architecture = StockArchitecture(
        kind,
        n_words=len(corpus.vocabulary),
        n_classes=len(corpus.class_names),
        n_features=corpus.train.features.shape[2] if isinstance(corpus.train, SceneSplit) else 0,
        layers=layers if layers is not None else usual.layers,
        heads=heads,
        hidden=hidden,
        longest=longest(corpus),
        dropout=usual.dropout,
        deviation=usual.deviation,
    )
    how = StockTraining(
        epochs=epochs if epochs is not None else usual.epochs,
        batch_size=batch_size if batch_size is not None else usual.batch_size,
        learning_rate=learning_rate if learning_rate is not None else usual.learning_rate,
        seed=seed,
    )
    decided = {
        "dataset": corpus.name,
        "data": corpus.checksum,
        "architecture": asdict(architecture),
        "training": asdict(how),
        "device": torch.device(device).type,
        "torch": torch.__version__,
        "transformers": transformers_version(),
        "code": code_version(),
    }
    split = corpus.test.sample(limit, seed)
    model, history, scores = train_once(corpus, architecture, how, decided, device, progress)
    given = inputs_of(kind, split, corpus)(np.arange(len(split)))
    inputs = embedded(model, {name: value.to(device) for name, value in given.items()})
    return PreparedStock(corpus, split, model, KINDS[kind], inputs, scores, history, decided, device, began)


def reads(kind: str) -> tuple[str, ...]:
    """The tasks of data sets that a kind of model reads; ValueError for an unknown kind."""
    one_of("kind", kind, KINDS)
    return TEXTS if kind == "bert" else SCENES


def corpus_for(kind: str, dataset: str) -> AnyCorpus:
    """The corpus of that name, if such a model can read it; ValueError says what it reads."""
    if kind != "bert":
        if dataset not in data.scene_names() and dataset in data.names():
            raise ValueError(
                f"data set {dataset!r} is of texts, {kind} reads questions about scenes: "
                f"{', '.join(data.scene_names())}"
            )
        return data.load_scenes(dataset)
    if dataset in data.scene_names():
        raise ValueError(f"{dataset!r} are scenes, bert reads texts: give a name of attnlib.data.names()")
    corpus = data.load(dataset)
    if corpus.task == "question answering":
        raise ValueError(f"data set {corpus.name!r} is {corpus.task}; bert reads classification and pairs")
    return corpus


def longest(corpus: AnyCorpus) -> int:
    """Positions that a model of the corpus needs: of its longest text, pair or question, with the ends."""
    most = 0
    for split in corpus.splits.values():
        if isinstance(split, SceneSplit):
            lengths = [len(question) + 2 for question in split.questions]
        else:
            lengths = [len(text) + 2 for text in split.texts]
            if split.questions is not None:
                lengths = [n + len(q) + 1 for n, q in zip(lengths, split.questions, strict=True)]
        most = max(most, *lengths)
    return most


def inputs_of(kind: str, split: AnySplit, corpus: AnyCorpus) -> Callable[[np.ndarray], dict[str, Tensor]]:
    """A function from rows of the split to the model's inputs."""
    if isinstance(split, SceneSplit):
        return partial(scene_inputs, kind, split, corpus.vocabulary)
    return partial(text_inputs, split, corpus.vocabulary)


def train_once(
    corpus: AnyCorpus,
    architecture: StockArchitecture,
    training: StockTraining,
    decided: dict[str, Any],
    device: str,
    progress: bool,
) -> tuple[nn.Module, list[dict[str, float]], dict[str, float]]:
    """The trained model, its history and its test metrics: from the cache, or trained and put there."""
    name = architecture.kind
    model = build_stock(architecture, training.seed)

    def train_it() -> dict[str, Any]:
        train, dev, test = (
            (inputs_of(name, split, corpus), split.labels) for split in corpus.splits.values()
        )
        history = fit_stock(model, KINDS[name], train, dev, training, device, progress)
        probabilities = predict_stock(model, KINDS[name], test[0], len(test[1]), device)
        return {"history": history, "test_metrics": metrics(test[1], probabilities)}

    known = trained_once(corpus.name, decided, model, train_it)
    return model.to(device).eval(), known["history"], known["test_metrics"]


def transformers_version() -> str:
    """The version of the library that models come from; ImportError says how to get it."""
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version("transformers")
    except PackageNotFoundError:
        raise ImportError("stock models need transformers: pip install 'attnlib[transformers]'") from None


@cache
def code_version() -> str:
    """A digest of the sources that decide what training gives, so that the cache never outlives them."""
    here = Path(__file__).parent
    names = (
        "models/stock.py",
        "models/stock_kinds.py",
        "training_stock.py",
        "data/corpus.py",
        "data/scenes.py",
    )
    return sources_digest(here / name for name in names)
