"""Data sets: official files and generators, all returned as a `Corpus`.

`load(name)` is the way in; `names()` lists what it knows. The generated corpora (``planted``,
``babi1_generated`` …) need no file; the others are looked up under ``$ATTNLIB_DATA``, then in the user cache,
then downloaded from the official address (see `attnlib.data.files`); a path stands for a file of one's own
(`attnlib.data.own`). Questions about scenes, for models of vision and language, have a shape and a list of
their own: `load_scenes` and `scene_names`.
"""

import inspect
from collections.abc import Callable, Mapping
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any, TypeVar

from attnlib.checks import ENDINGS, is_own, one_of
from attnlib.data.corpus import Corpus, Split, Vocabulary
from attnlib.data.errors import DataError
from attnlib.data.generated import babi as babi_generator
from attnlib.data.generated import planted, planted_documents
from attnlib.data.generated import scenes as scenes_generated
from attnlib.data.scenes import SceneCorpus, SceneSplit
from attnlib.data.sets import (
    agnews,
    cad,
    health,
    imdb,
    movies,
    newsgroups,
    pairs,
    questions,
    reviews,
    sst,
    yahoo,
)

__all__ = ["LOADERS", "SCENES", "load", "load_scenes", "names", "scene_names"]
__all__ += ["Corpus", "DataError", "SceneCorpus", "SceneSplit", "Split", "Vocabulary"]

Loaded = TypeVar("Loaded")

LOADERS: dict[str, Callable[..., Corpus]] = {
    # Stanford Sentiment Treebank, binary, and all five of its classes: option verify.
    **{name: partial(sst.load, name) for name in ("sst", "sst5")},
    # IMDB film reviews: option verify.
    "imdb": imdb.load,
    # ERASER's film reviews with human rationales: option verify.
    "eraser_movies": movies.load,
    # IMDB film reviews with what people changed to turn the label: option verify.
    "cad": cad.load,
    # 20 Newsgroups, hockey against baseball, and all 20 groups, as flat texts: option verify.
    **{name: partial(newsgroups.load, name) for name in ("20news_sports", "20news20")},
    # AG News, business against world, and all four topics, as flat texts: options train ("official",
    # "subset", None: what is at hand), verify.
    **{name: partial(agnews.load, name) for name in ("agnews", "agnews4")},
    **{f"{name}_subset": partial(agnews.load, name, train="subset") for name in ("agnews", "agnews4")},
    # Adverse drug reactions in tweets, from the user's own csv file: no option.
    "adr": health.load_adr,
    # Adverse drug effects in case reports: option verify.
    "ade": health.load_ade,
    # Diabetes and anemia, from the user's own MIMIC-III tables: no option.
    "diabetes": health.load_diabetes,
    "anemia": health.load_anemia,
    # CNN questions, from the user's own copy: option verify.
    "cnn": questions.load_cnn,
    # SNLI: options train ("official", "subset", None: what is at hand), verify.
    "snli": pairs.load_snli,
    "snli_subset": partial(pairs.load_snli, train="subset"),
    # Do two sentences mean the same: MRPC, option verify; Quora's questions from the user's own files, no
    # option.
    "mrpc": pairs.load_mrpc,
    "qqp": pairs.load_qqp,
    # Stars of Yelp reviews as flat texts, from the user's own files: no option.
    "yelp5": reviews.load_yelp_flat,
    # bAbI tasks 1-3, official files: options size ("10k", "1k"), verify.
    **{f"babi{task}": partial(questions.load_babi, task) for task in (1, 2, 3)},
    # The same tasks simulated, no file needed: options n_train, n_test, seed.
    **{f"babi{task}_generated": partial(babi_generator.load, task) for task in (1, 2, 3)},
    # Artificial reviews with known evidence, no file needed: options as in planted.load.
    "planted": planted.load,
    # From here on documents whose sentences are known, for hierarchical models.
    # IMDB star ratings (8 classes), 20 Newsgroups (20 topics), Amazon reviews of four domains (4 ratings):
    # option verify.
    "imdb_ratings": imdb.load_ratings,
    "20news": partial(newsgroups.load, "20news"),
    "amazon_multidomain": reviews.load_domains,
    # AG News, 4 topics: options train ("official", "subset", None: what is at hand), verify.
    "agnews_topics": partial(agnews.load, "agnews_topics"),
    # From the user's own files: Yahoo! Answers (10 topics): option source; IMDB ratings 1 to 10: no option;
    # Amazon stars: option title; Yelp stars: no option.
    "yahoo": yahoo.load,
    "imdb10": imdb.load_jmars,
    "amazon_full": reviews.load_amazon,
    "yelp_full": reviews.load_yelp,
    # Artificial documents with known evidence, no file needed: options as in planted_documents.load.
    "planted_documents": planted_documents.load,
}

# Generated scenes with known evidence, no file needed: options n_train, n_dev, n_test, seed.
SCENES: dict[str, Callable[..., SceneCorpus]] = {"scenes": scenes_generated.load}


def names() -> tuple[str, ...]:
    """The names that `load` knows.

    >>> "sst" in names(), "planted" in names()
    (True, True)
    """
    return tuple(LOADERS)


def scene_names() -> tuple[str, ...]:
    """The names that `load_scenes` knows."""
    return tuple(SCENES)


def load(name: str | Corpus, **options: Any) -> Corpus:
    """The corpus called `name`; options go to its loader, such as ``verify=False`` or ``seed=1``.

    name: one of `names()`, the path of a file of your own, or package.module:function of a loader
    (`attnlib.data.own`); a corpus is given back. Raises ValueError for an unknown name or option (the message
    lists the known ones), DataError for files that are missing, damaged or malformed.

    >>> corpus = load("planted", n_train=100)
    >>> len(corpus.train), corpus.class_names
    (100, ('negative', 'positive'))
    """
    if isinstance(name, Corpus):
        return name
    if is_own(name):
        for option in options:
            one_of(f"option of {name}", option, ())
        return import_module("attnlib.data.own").load(name)
    if name not in LOADERS and Path(name).suffix:
        raise ValueError(f"unknown data set {name!r}: a file of your own is {', '.join(ENDINGS)}")
    return _load(LOADERS, "data set", name, options)


def load_scenes(name: str, **options: Any) -> SceneCorpus:
    """The scenes and questions called `name`; options and errors as in `load`.

    >>> corpus = load_scenes("scenes", n_train=100)
    >>> len(corpus.train), corpus.class_names
    (100, ('no', 'yes'))
    """
    return _load(SCENES, "scenes", name, options)


def _load(known: Mapping[str, Callable[..., Loaded]], what: str, name: str, given: dict[str, Any]) -> Loaded:
    one_of(what, name, known)
    for option in given:
        one_of(f"option of {name}", option, inspect.signature(known[name]).parameters)
    return known[name](**given)
