"""One call that every notebook starts with: a corpus, a trained model, and its Readout."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from functools import cached_property, partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch

from attnlib import data
from attnlib.cache import file_checksum
from attnlib.cache.sources import function_digest
from attnlib.data.corpus import Corpus, Split
from attnlib.data.imposed import Weights, impose, impose_on
from attnlib.models.build import Architecture, build
from attnlib.models.classifier import AttentionModel
from attnlib.models.embeddings import embedding_matrix
from attnlib.models.reading import head_of, read
from attnlib.models.vectors import vectors_file
from attnlib.prepare.model_cache import trained_once
from attnlib.prepare.read_once import read_once
from attnlib.readout import Readout
from attnlib.training import fit as training
from attnlib.training.fit import Training


@dataclass(frozen=True)
class Usual:
    """Jain & Wallace's settings for a task."""

    dimension: int
    deviation: float
    epochs: int
    batch_size: int
    hidden: int = 128


# By task; a data set with settings of its own goes by its name.
USUAL = {
    "classification": Usual(300, 0.1, 8, 32),
    "question answering": Usual(50, 1.0, 100, 50, hidden=32),
    "pair classification": Usual(300, 0.1, 25, 128),
    "cnn": Usual(300, 0.1, 25, 90),
}


@dataclass(frozen=True)
class Prepared:
    """What an experiment works on.

    texts: the test texts under analysis, in the row order of `readout`. test_metrics: on the whole test
    split. history: one row per training epoch. settings: everything that decided the model. vectors: what the
    tables call the initial word vectors. request: the arguments of `plan` that make the model as it was
    before training. kept: whether its Readouts are kept in the cache.
    """

    corpus: Corpus
    texts: Split
    model: AttentionModel
    readout: Readout
    test_metrics: dict[str, float]
    history: list[dict[str, float]]
    settings: dict[str, Any]
    vectors: str
    device: str = field(default="cpu")
    began: float = field(default_factory=time.perf_counter, repr=False)
    request: dict[str, Any] = field(default_factory=dict, repr=False)
    kept: bool = field(default=True, repr=False)

    @cached_property
    def readouts(self) -> dict[str, Readout]:
        """The Readouts of the whole splits train, dev and test, by name; read when first asked for."""
        given = (self.corpus, self.model, self.settings, self.device, self.kept)
        return {name: readout_of(*given, split)[0] for name, split in self.corpus.splits.items()}

    @property
    def name(self) -> dict[str, Any]:
        """What tables call this model: dataset, encoder, scorer, seed, variant and vectors."""
        architecture = self.settings["architecture"]
        return {
            "dataset": self.corpus.name,
            "encoder": architecture["encoder"],
            "scorer": architecture["scorer"],
            "seed": self.settings["training"]["seed"],
            "variant": architecture["variant"],
            "vectors": self.vectors,
        }

    def frame(self, **columns: Any) -> pd.DataFrame:
        """One row per text: text (its id), predicted, label, length, max_attention, and the given columns.

        Columns are sequences or tensors [N].
        """
        names = np.array(self.corpus.class_names, dtype=object)
        own = {
            "text": list(self.texts.ids),
            "predicted": names[self.readout.predictions().cpu().numpy()],
            "label": names[self.texts.labels],
            "length": self.readout.mask.sum(dim=1),
            "max_attention": self.readout.alpha.amax(dim=1),
        }
        return pd.DataFrame(
            {
                name: column.detach().cpu().numpy() if isinstance(column, torch.Tensor) else column
                for name, column in (own | columns).items()
            }
        )


def resolve_device(device: str) -> str:
    """ "auto" is CUDA where there is one, else the CPU. ValueError for a device that is not there."""
    if device == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    try:
        kind = torch.device(device).type
    except RuntimeError as error:
        raise ValueError(f"unknown device {device!r}: give 'cpu', 'cuda' or 'auto' ({error})") from None
    if kind == "cuda" and not torch.cuda.is_available():
        raise ValueError("device is 'cuda', but PyTorch sees no GPU here: give 'cpu' or 'auto'")
    return device


def check_seed(seed: int) -> None:
    """ValueError for a seed that is no whole number from 0."""
    if not isinstance(seed, int) or seed < 0:
        raise ValueError(f"seed is {seed!r}: give a whole number, 0 or more")


def prepare(
    dataset: str,
    encoder: str = "bilstm",
    scorer: str = "additive",
    seed: int = 0,
    *,
    device: str = "cpu",
    limit: int | None = None,
    progress: bool = True,
    **model_settings: Any,
) -> Prepared:
    """Load a corpus, train the model or take it from the cache, and read its attention on the test split.

    limit: analyse so many test texts, drawn with the seed (None: all); training always uses all.
    model_settings: as `plan` has them. Two processes that ask for the same model train it once. Unknown names
    and impossible values are refused with a ValueError before anything is trained.
    """
    planned = plan(dataset, encoder, scorer, seed, device=device, **model_settings)
    texts = planned.corpus.test.sample(limit, seed)
    return analyse(planned, train_once(planned, progress), texts)


def prepare_like(base: Prepared, *, progress: bool = True, **changes: Any) -> Prepared:
    """What `prepare` gives for the settings of `base` with some changed, on the very texts of `base`.

    changes: arguments of `plan`, such as seed=3, or scorer="uniform"; not of another data set (ValueError).
    """
    if changes.get("dataset", base.request["dataset"]) != base.request["dataset"]:
        raise ValueError("dataset: the texts under analysis are those of the first model; call prepare")
    planned = plan(**{**base.request, **changes})
    imposed = planned.request["imposed"]
    texts = base.texts if imposed is None else impose(base.texts, imposed["test"])
    return analyse(planned, train_once(planned, progress), texts)


def every_epoch(
    dataset: str,
    encoder: str = "bilstm",
    scorer: str = "additive",
    seed: int = 0,
    *,
    device: str = "cpu",
    limit: int | None = None,
    progress: bool = True,
    **model_settings: Any,
) -> Iterator[tuple[int, Prepared]]:
    """Train as `prepare` does, and give (epoch, what `prepare` would give) after every epoch, 1 first.

    The model is the one in training: use what is given before asking for the next. Nothing is cached.
    """
    planned = plan(dataset, encoder, scorer, seed, device=device, **model_settings)
    corpus = planned.corpus
    texts = corpus.test.sample(limit, seed)
    history: list[dict[str, float]] = []
    for row in training.train_epochs(
        planned.model,
        corpus.train,
        corpus.splits[planned.training.selection],
        corpus.vocabulary,
        len(corpus.class_names),
        planned.training,
        planned.device,
        progress,
    ):
        history.append(row)
        yield len(history), analyse(planned, list(history), texts, kept=False)


@dataclass(frozen=True)
class Plan:
    """A model about to be trained; what decides it is in `settings`, which name it in the cache.

    request: the arguments of `plan` that made it.
    """

    corpus: Corpus
    model: AttentionModel
    training: Training
    settings: dict[str, Any]
    vectors: str
    device: str
    request: dict[str, Any]


def plan(
    dataset: str,
    encoder: str,
    scorer: str,
    seed: int,
    *,
    device: str = "cpu",
    variant: str = "released",
    vectors: str = "random",
    dimension: int | None = None,
    deviation: float | None = None,
    epochs: int | None = None,
    batch_size: int | None = None,
    patience: int | None = None,
    layers: int = 0,
    selection: str = "dev",
    imposed: Mapping[str, Weights] | None = None,
) -> Plan:
    """A corpus and its model with initial word vectors, not yet trained.

    vectors: "random", "corpus" (word2vec on the training texts, drawn with the seed), the name of another
    data set (word2vec on its training texts, `vectors_file`) or the path of a GloVe or fastText text file;
    deviation: of random vectors. None takes Jain & Wallace's setting for the task: 300-d vectors, 8 epochs
    of batches of 32 for classification; 50-d vectors drawn from N(0, 1), 100 epochs of batches of 50 for
    question answering; 300-d vectors, 25 epochs of batches of 128 for pairs of sentences, of 90 for the CNN
    questions. Where they used pretrained vectors the deviation without them is 0.1. layers: hidden layers of
    the head (`Architecture`). selection: of the epoch (`Training`). imposed: attention weights by split and
    text id (`attnlib.data.imposed`), for the scorer "imposed" and only for it.
    """
    request = dict(locals())
    device = resolve_device(device)
    check_seed(seed)
    if (scorer == "imposed") != (imposed is not None):
        raise ValueError(
            f"scorer is {scorer!r}, imposed weights are {'not ' if imposed is None else ''}given: the scorer "
            "'imposed' needs weights by split and text id, and no other takes them"
        )
    corpus = data.load(dataset)
    if imposed is not None:
        corpus = impose_on(corpus, imposed)
    usual = USUAL.get(corpus.name, USUAL[corpus.task])
    dimension = dimension or usual.dimension
    deviation = deviation if deviation is not None else usual.deviation
    architecture = Architecture(
        encoder,
        scorer,
        n_classes=len(corpus.class_names),
        n_words=len(corpus.vocabulary),
        variant=variant,
        pair=corpus.paired,
        dimension=dimension,
        hidden=usual.hidden,
        layers=layers,
    )
    how = Training(
        epochs=epochs if epochs is not None else usual.epochs,
        batch_size=batch_size if batch_size is not None else usual.batch_size,
        variant=variant,
        patience=patience,
        seed=seed,
        selection=selection,
    )
    trained_here = vectors in ("random", "corpus")
    label = f"random, deviation {deviation:g}" if vectors == "random" else Path(vectors).name
    if vectors in data.names():
        vectors = str(vectors_file(vectors, dimension))
    settings = {
        "dataset": corpus.name,
        "data": corpus.checksum,
        "architecture": asdict(architecture),
        "training": asdict(how),
        "vectors": vectors if trained_here else file_digest(vectors),
        "deviation": deviation,
        "device": torch.device(device).type,
        "torch": torch.__version__,
        "code": function_digest(training.fit, build, embedding_matrix),
    }
    matrix = embedding_matrix(
        corpus.vocabulary,
        vectors,
        dimension=dimension,
        deviation=deviation,
        missing="zero" if variant == "released" else "random",
        texts=corpus.train.texts,
        seed=seed,
    )
    return Plan(corpus, build(architecture, matrix, seed), how, settings, label, device, request)


def analyse(planned: Plan, history: list[dict[str, float]], texts: Split, kept: bool = True) -> Prepared:
    """What an experiment works on, from a trained model and the texts under analysis.

    kept: in the cache (`Prepared`).
    """
    began = time.perf_counter()
    corpus, model, device = planned.corpus, planned.model.to(planned.device), planned.device
    test = corpus.test

    def measure() -> dict[str, float]:
        return training.metrics(test.labels, training.predict(model, test, corpus.vocabulary, device))

    readout, scores = readout_of(corpus, model, planned.settings, device, kept, texts, measure)
    return Prepared(
        corpus,
        texts,
        model,
        readout,
        scores,
        history,
        planned.settings,
        planned.vectors,
        device,
        began,
        planned.request,
        kept,
    )


def readout_of(
    corpus: Corpus,
    model: AttentionModel,
    settings: dict[str, Any],
    device: str,
    kept: bool,
    texts: Split,
    measure: Callable[[], dict[str, float]] | None = None,
) -> tuple[Readout, dict[str, float]]:
    """The Readout of some texts and what `measure` finds (`read_once`), or read now where it is not kept."""
    reading = partial(read, model, texts, corpus.vocabulary, device)
    if not kept:
        return reading(), measure() if measure else {}
    return read_once(corpus.name, settings, model, texts, reading, measure, head_of(model), device)


def file_digest(path: str) -> str:
    """The sha256 of a vectors file, so that the cache follows its content."""
    if not Path(path).is_file():
        raise FileNotFoundError(
            f"vectors={path!r}: no such file. Give 'random', 'corpus', the name of a data set, or a GloVe or "
            "fastText text file."
        )
    return file_checksum(Path(path))


def train_once(planned: Plan, progress: bool) -> list[dict[str, float]]:
    """Fill the model from the cache, or train it and put it there. Returns the training history."""
    corpus = planned.corpus

    def train() -> dict[str, Any]:
        history = training.fit(
            planned.model,
            corpus.train,
            corpus.splits[planned.training.selection],
            corpus.vocabulary,
            len(corpus.class_names),
            planned.training,
            planned.device,
            progress,
        )
        return {"history": history}

    return trained_once(corpus.name, planned.settings, planned.model, train)["history"]
