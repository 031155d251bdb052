"""One call for stock transformers: a corpus of texts or scenes, a trained model, and what it reads.

A model is trained from nothing, on this project's words; or pretrained and fine-tuned, on the pieces of its
own tokenizer, and then scores and removals are of words, which go with all their pieces.
"""

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch
from torch import Tensor

from attnlib import data
from attnlib.checks import is_own, one_of
from attnlib.data.scenes import SceneSplit
from attnlib.explain.transformers import methods as stock
from attnlib.explain.transformers.texts import Encoded, encode, explain_texts, explain_texts_by_layer_and_head
from attnlib.models.kinds import ANY_TEXT, Kind
from attnlib.models.pretrained import fingerprint, library, pretrained_folder
from attnlib.models.transformers import (
    KINDS,
    AnyCorpus,
    PretrainedArchitecture,
    StockArchitecture,
    build_pretrained,
    build_stock,
    embedded,
    inputs_of,
    longest,
)
from attnlib.prepare.run import Plan, Trained, chosen, decided, resolve_device, trained
from attnlib.training.transformers import StockTraining, predict_stock, recipe

# Found on the dev splits of SST and scenes. A question about a scene is answered by looking up, and with the
# library's deviation, .02 for models ten times as wide, attention stays even for many epochs; LXMERT also
# with a higher rate. Words alone are as good a start, and there the wider weights only overfit sooner.
USUAL: dict[str, dict[str, Any]] = {
    "bert": dict(layers=2, dropout=0.1, deviation=0.02, epochs=8, batch_size=32, learning_rate=5e-4),
    "visual_bert": dict(layers=3, dropout=0.0, deviation=0.125, epochs=12, batch_size=64, learning_rate=1e-3),
    "lxmert": dict(layers=2, dropout=0.0, deviation=0.125, epochs=16, batch_size=64, learning_rate=5e-4),
    "pretrained": dict(layers=None, epochs=2, batch_size=32, learning_rate=5e-5),
}
SIZES, SCHEDULES = ("layers", "dropout", "deviation"), ("epochs", "batch_size", "learning_rate")
# Tasks of data sets.
TEXTS, SCENES = ("classification", "pair classification"), ("scenes",)


@dataclass(frozen=True, kw_only=True, repr=False)
class PreparedTransformer(Trained):
    """What an experiment on a stock transformer works on.

    inputs: the model's for `texts`, with word embeddings in place of ids where words are scored. encoded: of
    a pretrained model, the same by words; of a pair those of the first text. units: the word of each
    position, as `faithfulness.transformers.removals` takes it; None where each position is one.
    """

    kind: Kind
    inputs: dict[str, Tensor]
    encoded: Encoded | None = None

    @property
    def units(self) -> Tensor | None:
        """The number of the word at each position, [N, L], -1 for none; None: each position is one."""
        return None if self.encoded is None else self.encoded.word

    def explain(self, methods: Iterable[str] = stock.METHODS, **options: Any) -> dict[str, Any]:
        """Scores of words or regions by method, a row per text; options of `stock.explain`."""
        if self.encoded is None:
            return stock.explain(self.model, self.kind, self.inputs, methods, **options)
        return explain_texts(self.model, None, self.encoded, methods, **options).scores

    def by_layer_and_head(self, **options: Any) -> dict[tuple[int, int | None], dict[str, Any]]:
        """The same for each layer and head, of methods of single layers (`stock.each_layer_and_head`)."""
        if self.encoded is None:
            return stock.each_layer_and_head(self.model, self.kind, self.inputs, **options)
        return explain_texts_by_layer_and_head(self.model, self.encoded, **options)


def prepare_transformer(
    dataset: str | data.Corpus = "scenes",
    kind: str = "visual_bert",
    seed: int = 0,
    *,
    limit: int | None = None,
    progress: bool = True,
    **model_settings: Any,
) -> PreparedTransformer:
    """Load a corpus, train a small stock model on it or take it from the cache, and make its test inputs.

    dataset: as `data.load` takes it for "bert", which reads classification and pairs, and one of
    `data.scene_names()` for the others. limit: analyse so many test instances, drawn with the seed (None:
    all); the metrics are of all. model_settings: as `plan` has them. Two processes that ask for the same
    model train it once. Unknown names and impossible values are refused with a ValueError before anything is
    trained.

    >>> run = prepare_transformer("planted", "bert", layers=1, epochs=1, limit=10, progress=False)
    >>> len(run.texts), run.corpus.class_names
    (10, ('negative', 'positive'))
    """
    began = time.perf_counter()
    planned = plan(cast(str, dataset), kind, seed, **model_settings)
    run = trained(planned, planned.corpus.test.sample(limit, seed), began, progress)
    if (tokenizer := run.request.get("tokenizer")) is not None:
        read = by_words(run.model, tokenizer, run.texts)
        return PreparedTransformer(**vars(run), kind=ANY_TEXT, inputs=dict(read.inputs), encoded=read)
    given = inputs_of(kind, run.texts, run.corpus.vocabulary, np.arange(len(run.texts)))
    inputs = embedded(run.model, {name: value.to(run.device) for name, value in given.items()})
    return PreparedTransformer(**vars(run), kind=KINDS[kind], inputs=inputs)


def by_words(model: Any, tokenizer: Any, texts: data.Split) -> Encoded:
    """The texts as a pretrained model reads them; of pairs only the words of the first are scored."""
    pairs = None if texts.questions is None else [list(text) for text in texts.questions]
    read = encode(model, tokenizer, [list(text) for text in texts.texts], pairs)
    if pairs is None:
        return read
    first = torch.from_numpy(read.second).to(read.word.device).unsqueeze(1)
    words = [words[:n] for words, n in zip(read.words, read.second, strict=True)]
    return replace(read, words=words, word=read.word.where(read.word < first, -1))


def plan(
    dataset: str = "scenes",
    kind: str = "visual_bert",
    seed: int = 0,
    *,
    device: str = "cpu",
    layers: int | None = None,
    heads: int = 4,
    hidden: int = 64,
    epochs: int | None = None,
    batch_size: int | None = None,
    learning_rate: float | None = None,
    transformer: str | None = None,
) -> Plan:
    """A corpus and a stock model, not yet trained.

    layers, epochs, batch_size, learning_rate: None takes those of USUAL. transformer: fine-tune a pretrained
    model that reads texts, for the kind "bert": "minilm", a folder, owner/name of the hub
    (`attnlib.models.pretrained`); layers: its first ones, heads and hidden are its own.
    """
    one_of("kind", kind, KINDS)
    device = resolve_device(device)
    corpus = corpus_for(kind, dataset)
    train, words, n_classes = corpus.train, corpus.vocabulary, len(corpus.class_names)
    given = chosen(layers=layers, epochs=epochs, batch_size=batch_size, learning_rate=learning_rate)
    usual = USUAL[kind if transformer is None else "pretrained"] | given
    how = StockTraining(**{name: usual[name] for name in SCHEDULES}, seed=seed)
    architecture: StockArchitecture | PretrainedArchitecture
    code: tuple[Callable, ...]
    tokenizer = None
    if transformer is None:
        variant, called, vectors = "stock", kind, "random"
        architecture = StockArchitecture(
            kind,
            n_words=len(words),
            n_classes=n_classes,
            n_features=train.features.shape[2] if isinstance(train, SceneSplit) else 0,
            heads=heads,
            hidden=hidden,
            longest=max(map(longest, corpus.splits.values())),
            **{name: usual[name] for name in SIZES},
        )
        code, model = (recipe, build_stock), build_stock(architecture, seed)
    elif (heads, hidden) != (4, 64):
        raise ValueError(f"transformer={transformer!r} has heads and a size of its own: leave both out")
    elif kind != "bert":
        raise ValueError(f"transformer={transformer!r} reads texts, as the kind 'bert' does; not {kind!r}")
    else:
        # With a fresh head, and all of it is trained.
        folder, called = pretrained_folder(transformer), Path(transformer).name
        variant, vectors = "pretrained", called
        architecture = PretrainedArchitecture(fingerprint(folder), n_classes, usual["layers"])
        code = (recipe, build_pretrained)
        model, tokenizer = build_pretrained(folder, architecture, seed)
    read_by = words if tokenizer is None else tokenizer
    # Whose maps are read.
    scorer = "cross_attention" if kind == "lxmert" else "self_attention"
    name = {"dataset": corpus.name, "encoder": called, "scorer": scorer, "seed": seed}
    return Plan(
        corpus=corpus,
        model=model,
        settings=decided(corpus, architecture, how, device, code, transformers=library().__version__),
        name={**name, "variant": variant, "vectors": vectors},
        device=device,
        recipe=lambda: recipe(model, kind, corpus, how, device, tokenizer),
        predict=lambda split: predict_stock(model, kind, split, read_by, device),
        request=chosen(tokenizer=tokenizer),
    )


def reads(kind: str) -> tuple[str, ...]:
    """The tasks of data sets that a kind of model reads; ValueError for an unknown kind."""
    one_of("kind", kind, KINDS)
    return TEXTS if kind == "bert" else SCENES


def corpus_for(kind: str, dataset: str) -> AnyCorpus:
    """The corpus of that name, if such a model can read it; ValueError says what it reads."""
    if kind != "bert":
        if dataset not in data.scene_names() and (dataset in data.names() or is_own(dataset)):
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
