"""Models of texts and pairs, after Jain & Wallace: one call for a corpus, a trained model and its Readout."""

import time
from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, cast

from attnlib import data
from attnlib.cache import file_checksum
from attnlib.checks import one_of
from attnlib.data.imposed import Weights, impose, impose_on
from attnlib.models import glove
from attnlib.models.classifier import ENCODERS, FROZEN, Architecture, build
from attnlib.models.frozen import with_states
from attnlib.models.pretrained import PACKAGES, is_pretrained
from attnlib.models.reading import head_of, read
from attnlib.models.vectors import embedding_matrix, vectors_file
from attnlib.prepare.recorded import like, recorded_or_prepared
from attnlib.prepare.run import Plan, Prepared, analysed, chosen, decided, resolve_device, sizes_given
from attnlib.training.fit import Row, epochs, fit
from attnlib.training.flat import Training, predict, recipe

# Jain & Wallace's settings by task; a data set with settings of its own goes by its name.
USUAL: dict[str, dict[str, Any]] = {
    "classification": dict(dimension=300, deviation=0.1, epochs=8, batch_size=32, hidden=128),
    "question answering": dict(dimension=50, deviation=1.0, epochs=100, batch_size=50, hidden=32),
    "pair classification": dict(dimension=300, deviation=0.1, epochs=25, batch_size=128, hidden=128),
    "cnn": dict(dimension=300, deviation=0.1, epochs=25, batch_size=90, hidden=128),
}


def prepare(
    dataset: str | data.Corpus,
    encoder: str = "bilstm",
    scorer: str = "additive",
    seed: int = 0,
    *,
    limit: int | None = None,
    progress: bool = True,
    recorded: str = "never",
    **model_settings: Any,
) -> Prepared:
    """Load a corpus, train the model or take it from the cache, and read its attention on the test split.

    dataset: as `attnlib.data.load` takes it: a name, the path of a file of your own, or a corpus. limit:
    analyse so many test texts, drawn with the seed (None: all); training always uses all.
    model_settings: as `plan` has them. Two processes that ask for the same model train it once. Unknown names
    and impossible values are refused with a ValueError before anything is trained.

    recorded: "only" takes the model's Readout from $ATTNLIB_READOUTS and trains nothing; "auto" does so where
    the data set's files are not at hand and that Readout is recorded (`attnlib.prepare.recorded`).

    >>> run = prepare("planted", encoder="average", epochs=2, limit=10, progress=False)
    >>> run.readout
    Readout(10 texts, up to 38 tokens, 2 scores per token, linear, torch.float32)
    """
    given: dict[str, Any] = {"limit": limit, "progress": progress, **model_settings}
    return recorded_or_prepared(recorded, plan, dataset, encoder, scorer, seed, **given)


def prepare_like(base: Prepared, *, progress: bool = True, **changes: Any) -> Prepared:
    """What `prepare` gives for the settings of `base` with some changed, on the very texts of `base`.

    changes: arguments of `plan`, such as seed=3, or scorer="uniform"; not of another data set (ValueError).

    >>> run = prepare("planted", encoder="average", epochs=2, limit=10, progress=False)
    >>> other = prepare_like(run, seed=3, progress=False)
    >>> other.texts.ids == run.texts.ids, other.readout.alpha.equal(run.readout.alpha)
    (True, False)
    """
    began, request = time.perf_counter(), base.request
    if changes.get("dataset", request["dataset"]) != request["dataset"]:
        raise ValueError("dataset: the texts under analysis are those of the first model; call prepare")
    if base.recorded is not None:
        return like(base, changes)
    planned = plan(**{**request, **changes})
    imposed = planned.request["imposed"]
    texts = base.texts if imposed is None else impose(base.texts, imposed["test"])
    return analysed(planned, texts, began, progress)


def every_epoch(
    dataset: str | data.Corpus,
    *model: Any,
    limit: int | None = None,
    progress: bool = True,
    **model_settings: Any,
) -> Iterator[tuple[int, Prepared]]:
    """Train as `prepare` does, and give (epoch, what `prepare` would give) after every epoch, 1 first.

    model: encoder, scorer and seed, as `prepare` has them. The model is the one in training: use what is
    given before asking for the next. Nothing is cached.
    """
    planned = plan(cast(str, dataset), *model, **model_settings)
    texts = planned.corpus.test.sample(limit, planned.name["seed"])
    history: list[Row] = []
    for row in epochs(planned.recipe(), progress):
        history = [*history, row]
        began = time.perf_counter()
        yield len(history), analysed(planned, texts, began, history=history)


def plan(
    dataset: str,
    encoder: str = "bilstm",
    scorer: str = "additive",
    seed: int = 0,
    *,
    device: str = "cpu",
    train_limit: int | None = None,
    variant: str = "released",
    vectors: str = "random",
    dimension: int | None = None,
    hidden: int | None = None,
    deviation: float | None = None,
    epochs: int | None = None,
    batch_size: int | None = None,
    patience: int | None = None,
    layers: int = 0,
    selection: str = "dev",
    imposed: Mapping[str, Weights] | None = None,
) -> Plan:
    """A corpus and its model with initial word vectors, not yet trained.

    encoder: one of ENCODERS, or a pretrained model that stays as it is: "minilm", a folder, owner/name of the
    hub. Of that the states of the words are computed once and kept (`attnlib.models.frozen`), attention and
    head are trained on them, for classification alone, and vectors stay "random", as there are none.
    train_limit: train on so many texts, the same for every seed (None: all).

    vectors: "random", "corpus" (word2vec on the training texts, drawn with the seed), "glove50" (GloVe's of
    50 numbers, `models.glove`), the name of another data set (word2vec on its training texts, `vectors_file`)
    or the path of a GloVe or fastText text file; deviation: of random vectors. None takes Jain & Wallace's
    setting for the task: 300-d vectors, 8 epochs of batches of 32 for classification; 50-d vectors drawn from
    N(0, 1), 100 epochs of batches of 50 for question answering; 300-d vectors, 25 epochs of batches of 128
    for pairs of sentences, of 90 for the CNN questions. Where they used pretrained vectors the deviation
    without them is 0.1. dimension: of the word vectors, 50 with "glove50"; one that is not the task's is part
    of the vectors' name. hidden: the size that the encoder's others follow from (`Architecture`). layers: of
    the head (`Architecture`). selection: of the epoch (`Training`). imposed: attention weights by split and
    text id (`attnlib.data.imposed`), for the scorer "imposed" and only for it.
    """
    request = dict(locals())
    device = resolve_device(device)
    if (scorer == "imposed") != (imposed is not None):
        raise ValueError(
            f"scorer is {scorer!r}, imposed weights are {'not ' if imposed is None else ''}given: the scorer "
            "'imposed' needs weights by split and text id, and no other takes them"
        )
    frozen = encoder not in ENCODERS and is_pretrained(encoder)
    if not frozen:
        one_of("encoder", encoder, (*ENCODERS, *PACKAGES))
    corpus = data.load(dataset)
    if train_limit is not None:
        corpus = replace(corpus, train=corpus.train.sample(train_limit))
    if imposed is not None:
        corpus = impose_on(corpus, imposed)
    usual = USUAL.get(corpus.name, USUAL[corpus.task])
    usual = usual | chosen(deviation=deviation, epochs=epochs, batch_size=batch_size)
    width = glove.DIMENSION if vectors == glove.NAME else usual["dimension"]
    usual |= {"dimension": width, **sizes_given(dimension=dimension, hidden=hidden)}
    more: dict[str, Any] = {}
    if frozen:
        if corpus.paired or vectors != "random" or dimension is not None:
            raise ValueError(
                f"encoder={encoder!r} is frozen: it reads classification (data set {corpus.name!r} is "
                f"{corpus.task}) and has words of its own, so leave vectors and dimension out"
            )
        corpus, usual["dimension"], more["encoder"] = with_states(corpus, encoder, device)
    dimension, deviation, hidden = (usual[size] for size in ("dimension", "deviation", "hidden"))
    words, classes, kind = corpus.vocabulary, len(corpus.class_names), FROZEN if frozen else encoder
    sizes: dict[str, Any] = {"dimension": dimension, "hidden": hidden, "layers": layers}
    made_of = Architecture(kind, scorer, classes, len(words), variant, corpus.paired, **sizes)
    way: dict[str, Any] = {"variant": variant, "patience": patience, "selection": selection, "seed": seed}
    how = Training(usual["epochs"], usual["batch_size"], **way)
    label = f"random, deviation {deviation:g}" if vectors == "random" else Path(vectors).name
    label += "" if dimension == width else f", {dimension}-d"
    if vectors in data.names():
        vectors = str(vectors_file(vectors, dimension))
    start = vectors if vectors in ("random", "corpus") else file_digest(vectors)
    code = (fit, recipe, build, embedding_matrix)
    missing = "zero" if variant == "released" else "random"
    drawn: dict[str, Any] = {"dimension": dimension, "deviation": deviation, "missing": missing, "seed": seed}
    matrix = None if frozen else embedding_matrix(words, vectors, texts=corpus.train.texts, **drawn)
    model = build(made_of, matrix, seed)
    name = {"dataset": corpus.name, "encoder": Path(encoder).name, "scorer": scorer, "seed": seed}
    return Plan(
        corpus=corpus,
        model=model,
        settings=decided(corpus, made_of, how, device, code, vectors=start, deviation=deviation, **more),
        name={**name, "variant": variant, "vectors": FROZEN if frozen else label},
        device=device,
        recipe=lambda: recipe(model, corpus, how, device),
        predict=lambda split: predict(model, split, words, device),
        reading=lambda texts: partial(read, model, texts, words, device),
        head=head_of,
        request=request,
    )


def file_digest(path: str) -> str:
    """The sha256 of a vectors file, so that the cache follows its content."""
    if path == glove.NAME:
        return glove.CHECKSUMS[glove.VECTORS]  # checked where they are read
    if not Path(path).is_file():
        raise FileNotFoundError(
            f"vectors={path!r}: no such file. Give 'random', 'corpus', 'glove50', the name of a data set, or "
            "a GloVe or fastText text file."
        )
    return file_checksum(Path(path))
