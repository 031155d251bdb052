"""One call for Serrano & Smith's models: a corpus of documents, a trained model, and its Readout."""

from __future__ import annotations

import logging
import time
from dataclasses import asdict
from functools import partial
from typing import Any

import torch
from torch import Tensor

from attnlib import data
from attnlib.cache import cache_folder, digest, locked
from attnlib.cache.sources import function_digest
from attnlib.cache.tensors import load_tensors, save_tensors
from attnlib.data.corpus import Corpus, Split
from attnlib.models.build import one_of
from attnlib.models.documents import DocumentArchitecture, DocumentModel, build_document_model
from attnlib.models.documents_batches import Documents
from attnlib.models.documents_reading import read_documents
from attnlib.models.documents_settings import document_settings, settings_name
from attnlib.models.documents_vectors import random_unit_vectors, train_document_vectors
from attnlib.prepare.model_cache import trained_once
from attnlib.prepare.pooled import Prepared, check_seed, resolve_device
from attnlib.prepare.read_once import read_once
from attnlib.training.documents import DocumentTraining, fit_documents, predict_documents
from attnlib.training.fit import metrics

log = logging.getLogger(__name__)

VECTORS = ("corpus", "random")


def prepare_documents(
    dataset: str,
    architecture: str = "HANrnn",
    seed: int = 0,
    *,
    device: str = "cpu",
    limit: int | None = None,
    train_limit: int | None = None,
    progress: bool = True,
    variant: str = "released",
    vectors: str = "corpus",
    settings: str | None = None,
    epochs: int | None = None,
    patience: int | None = None,
    learning_rate: float | None = None,
) -> Prepared:
    """Load a corpus, train a document model or take it from the cache, and read its last attention.

    architecture: one of DOCUMENT_ENCODERS. The Readout is over the sentences of each test document (HAN) or
    its words (FLAN). limit: analyse so many test documents, drawn with the seed (None: all); the metrics are
    of all. train_limit: train on so many, drawn with the seed (None: all). variant: "released" (dropout on
    the logits) or "no_logit_dropout". vectors: "corpus" (word2vec on train and dev, the same for every seed)
    or "random". settings: whose settings to use, a row of SETTINGS (None: the data set's own or nearest);
    epochs, patience and learning_rate replace theirs. Two processes that ask for the same model train it
    once. Unknown names and impossible values are refused with a ValueError before anything is trained.
    """
    began = time.perf_counter()
    device = resolve_device(device)
    check_seed(seed)
    one_of("vectors", vectors, VECTORS)
    usual = document_settings(settings or settings_name(dataset), architecture, variant)
    how = DocumentTraining(
        epochs=epochs if epochs is not None else usual.epochs,
        patience=patience if patience is not None else usual.patience,
        learning_rate=learning_rate if learning_rate is not None else usual.learning_rate,
        limit=usual.limit,
        seed=seed,
    )
    corpus = data.load(dataset)
    if corpus.task != "classification":
        raise ValueError(f"data set {corpus.name!r} is {corpus.task}; document models read classification")
    texts, train = corpus.test.sample(limit, seed), corpus.train.sample(train_limit, seed)
    made_of = DocumentArchitecture(
        architecture,
        n_classes=len(corpus.class_names),
        n_words=len(corpus.vocabulary),
        variant=variant,
        dropout_words=usual.dropout_words,
        dropout_sentences=usual.dropout_sentences,
        dropout_logits=usual.dropout_logits,
    )
    if made_of.hierarchical and corpus.train.sentences is None:
        raise ValueError(
            f"data set {corpus.name!r} has no sentences, which {architecture} reads: take a FLAN "
            "architecture, or a data set with sentences"
        )
    decided = {
        "dataset": corpus.name,
        "data": corpus.checksum,
        "architecture": asdict(made_of),
        "training": asdict(how),
        "train_limit": None if len(train) == len(corpus.train) else len(train),
        "vectors": vectors,
        "device": torch.device(device).type,
        "torch": torch.__version__,
        "code": function_digest(fit_documents, build_document_model, train_document_vectors),
    }
    model, history, scores = train_once(corpus, train, made_of, how, decided, device, progress)
    reading = partial(read_documents, model, Documents.of(texts, corpus.vocabulary), device)
    readout, _ = read_once(corpus.name, decided, model, texts, reading, device=device)
    return Prepared(
        corpus,
        texts,
        model,  # type: ignore[arg-type]  # Prepared only hands it on
        readout,
        scores,
        history,
        decided,
        vectors if vectors == "corpus" else "random, length 1",
        device,
        began,
    )


def train_once(
    corpus: Corpus,
    train: Split,
    architecture: DocumentArchitecture,
    training: DocumentTraining,
    decided: dict[str, Any],
    device: str,
    progress: bool,
) -> tuple[DocumentModel, list[dict[str, float]], dict[str, float]]:
    """The trained model, its history and its test metrics: from the cache, or trained and put there."""
    model = build_document_model(architecture)

    def train_it() -> dict[str, Any]:
        vectors = initial_vectors(corpus, decided["vectors"], architecture.dimension, training.seed)
        model.load_state_dict(build_document_model(architecture, vectors, training.seed).state_dict())
        parts = (Documents.of(split, corpus.vocabulary) for split in (train, corpus.dev, corpus.test))
        training_part, dev, test = parts
        history = fit_documents(model, training_part, dev, training, device, progress)
        scores = metrics(test.labels, predict_documents(model, test, device))
        return {"history": history, "test_metrics": scores}

    known = trained_once(corpus.name, decided, model, train_it)
    return model.to(device), known["history"], known["test_metrics"]


def initial_vectors(corpus: Corpus, source: str, dimension: int, seed: int) -> Tensor:
    """Initial word vectors [len(vocabulary), dimension]; those of the corpus are trained once and kept."""
    if source == "random":
        return random_unit_vectors(len(corpus.vocabulary), dimension, seed)
    from importlib.metadata import PackageNotFoundError, version

    try:
        gensim = version("gensim")
    except PackageNotFoundError:
        raise ImportError("vectors='corpus' needs gensim: pip install 'attnlib[vectors]'") from None
    code = function_digest(train_document_vectors)
    name = digest({"data": corpus.checksum, "dimension": dimension, "gensim": gensim, "code": code})
    path = cache_folder() / "vectors" / f"{corpus.name}-documents-{name}.safetensors"
    with locked(path):
        if path.exists():
            try:
                return load_tensors(path)[0]["vectors"]
            except ValueError as error:
                log.warning("%s", error)
        # The vectors' seed is always 0: like published ones they are the same for every model.
        table = train_document_vectors((corpus.train, corpus.dev), corpus.vocabulary, dimension)
        save_tensors(path, {"vectors": table}, {})
        return table
