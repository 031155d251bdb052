"""Models of texts and pairs, after Jain & Wallace: one call for a corpus, a trained model and its Readout."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

import torch

from attnlib import data
from attnlib.cache import file_checksum
from attnlib.cache.sources import function_digest
from attnlib.data.imposed import Weights, impose, impose_on
from attnlib.models.build import Architecture, build
from attnlib.models.reading import head_of, read
from attnlib.models.vectors import embedding_matrix, vectors_file
from attnlib.prepare.run import Plan, Prepared, analyse, check_seed, chosen, resolve_device, train_once
from attnlib.training.fit import Recipe, epochs, fit
from attnlib.training.flat import Training, predict, recipe
from attnlib.training.metrics import metrics


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

    >>> run = prepare("planted", encoder="average", epochs=2, limit=10, progress=False)
    >>> run.readout
    Readout(10 texts, up to 38 tokens, 2 scores per token, linear, torch.float32)
    """
    began = time.perf_counter()
    planned = plan(dataset, encoder, scorer, seed, device=device, **model_settings)
    texts = planned.corpus.test.sample(limit, seed)
    return analyse(planned, train_once(planned, progress), texts, began)


def prepare_like(base: Prepared, *, progress: bool = True, **changes: Any) -> Prepared:
    """What `prepare` gives for the settings of `base` with some changed, on the very texts of `base`.

    changes: arguments of `plan`, such as seed=3, or scorer="uniform"; not of another data set (ValueError).

    >>> run = prepare("planted", encoder="average", epochs=2, limit=10, progress=False)
    >>> other = prepare_like(run, seed=3, progress=False)
    >>> other.texts.ids == run.texts.ids, other.readout.alpha.equal(run.readout.alpha)
    (True, False)
    """
    began, request = time.perf_counter(), base.plan.request
    if changes.get("dataset", request["dataset"]) != request["dataset"]:
        raise ValueError("dataset: the texts under analysis are those of the first model; call prepare")
    planned = plan(**{**request, **changes})
    imposed = planned.request["imposed"]
    texts = base.texts if imposed is None else impose(base.texts, imposed["test"])
    return analyse(planned, train_once(planned, progress), texts, began)


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
    texts = planned.corpus.test.sample(limit, seed)
    history: list[dict[str, float]] = []
    for row in epochs(recipe_of(planned), progress):
        history.append(row)
        began = time.perf_counter()
        yield len(history), analyse(planned, (list(history), planned.measure()), texts, began, kept=False)


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
    given = {"epochs": usual.epochs, "batch_size": usual.batch_size}
    given |= chosen(epochs=epochs, batch_size=batch_size)
    how = Training(**given, variant=variant, patience=patience, seed=seed, selection=selection)
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
        "code": function_digest(fit, recipe, build, embedding_matrix),
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
    model = build(architecture, matrix, seed)
    name = {"dataset": corpus.name, "encoder": encoder, "scorer": scorer, "seed": seed}
    made = Plan(
        corpus,
        model,
        settings,
        {**name, "variant": variant, "vectors": label},
        device,
        fit=lambda progress: fit(recipe_of(made), progress),
        measure=lambda: metrics(corpus.test.labels, predict(model, corpus.test, corpus.vocabulary, device)),
        reading=lambda texts: partial(read, model, texts, corpus.vocabulary, device),
        head=head_of,
        request=request,
    )
    return made


def recipe_of(planned: Plan) -> Recipe:
    """How a planned model is trained."""
    corpus, how = planned.corpus, Training(**planned.settings["training"])
    splits = corpus.train, corpus.splits[how.selection]
    return recipe(planned.model, *splits, corpus.vocabulary, len(corpus.class_names), how, planned.device)


def file_digest(path: str) -> str:
    """The sha256 of a vectors file, so that the cache follows its content."""
    if not Path(path).is_file():
        raise FileNotFoundError(
            f"vectors={path!r}: no such file. Give 'random', 'corpus', the name of a data set, or a GloVe or "
            "fastText text file."
        )
    return file_checksum(Path(path))
