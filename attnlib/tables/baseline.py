"""What a bag of words reaches: the figure beside which a model's accuracy is read."""

import json
import time
from collections.abc import Sequence
from importlib.metadata import version
from itertools import pairwise
from pathlib import Path
from typing import Any

from attnlib.cache import cache_folder, digest, file_name, remember, replacing
from attnlib.checks import needed, refuse_string
from attnlib.data.corpus import Corpus, Split
from attnlib.training.metrics import metrics

LEAST_DOCUMENTS = 2
MOST_FEATURES = 200_000
STRENGTHS = (1.0, 10.0, 100.0)  # inverse regularisation; the best on dev is taken
VERSION = 1


def baseline(corpus: Corpus, train_limit: int | None = None, seed: int = 0) -> dict[str, Any]:
    """Tf-idf of words and word pairs with multinomial logistic regression, trained on the training split.

    Features: those of at least 2 training texts, at most 200,000, sublinear term frequency. C is the best of
    three on dev. train_limit: train on so many texts, drawn with the seed as `prepare_documents` draws them
    (None: all). Returns test metrics (accuracy; for two classes f1 and roc_auc too), dev_accuracy, C,
    n_features, n_train and seconds; cached by the corpus' checksum. ValueError when the training texts are of
    one class. Needs scikit-learn.
    """
    needed("sklearn", "the baseline needs", "data")
    train = corpus.train.sample(train_limit, seed)
    drawn = None if len(train) == len(corpus.train) else [len(train), seed]
    name = digest([VERSION, corpus.checksum, drawn, version("scikit-learn")])
    path = cache_folder() / "baselines" / f"{file_name(corpus.name)}-{name}.json"

    def make() -> dict[str, Any]:
        return fit(train, corpus.dev, corpus.test, len(corpus.class_names))

    def save(path: Path, found: dict[str, Any]) -> None:
        with replacing(path) as temporary:
            temporary.write_text(json.dumps(found, indent=1), encoding="utf-8")

    def load(path: Path) -> dict[str, Any]:
        return json.loads(path.read_text(encoding="utf-8"))

    return remember(path, make, save, load)


def fit(train: Split, dev: Split, test: Split, n_classes: int) -> dict[str, Any]:
    """The baseline of `baseline`, without the cache."""
    import numpy as np
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression

    if len(np.unique(train.labels)) < 2:
        raise ValueError("the training split holds one class only: there is nothing to learn")
    start = time.perf_counter()
    features = TfidfVectorizer(
        analyzer=ngrams,
        min_df=LEAST_DOCUMENTS,
        max_features=MOST_FEATURES,
        sublinear_tf=True,
        dtype=np.float32,
    )
    known = features.fit_transform(train.texts)
    unseen = {name: features.transform(split.texts) for name, split in (("dev", dev), ("test", test))}

    def probabilities(model: LogisticRegression, name: str) -> np.ndarray:
        every = np.zeros((unseen[name].shape[0], n_classes))
        every[:, model.classes_] = model.predict_proba(unseen[name])  # a class absent from train has 0
        return every

    models = [LogisticRegression(C=strength, max_iter=300).fit(known, train.labels) for strength in STRENGTHS]
    accuracies = [metrics(dev.labels, probabilities(model, "dev"))["accuracy"] for model in models]
    best = int(np.argmax(accuracies))
    return {
        **metrics(test.labels, probabilities(models[best], "test")),
        "dev_accuracy": accuracies[best],
        "C": STRENGTHS[best],
        "n_features": known.shape[1],
        "n_train": len(train),
        "seconds": time.perf_counter() - start,
    }


def telling_words(corpus: Corpus, n: int = 30, least: int = 3) -> list[str]:
    """The n words that tell the classes apart most, in alphabetical order.

    Those of the largest coefficients, by size, of a logistic regression on which words a training text holds;
    words of fewer than `least` training texts are left out. ValueError where fewer than n are left.
    """
    import numpy as np
    from sklearn.feature_extraction.text import CountVectorizer
    from sklearn.linear_model import LogisticRegression

    counts = CountVectorizer(analyzer=list, binary=True, min_df=least)
    known = counts.fit_transform(corpus.train.texts)
    if known.shape[1] < n:
        raise ValueError(
            f"n is {n}, and {known.shape[1]} words are in {least} training texts or more: ask for fewer"
        )
    sizes = np.abs(LogisticRegression(max_iter=300).fit(known, corpus.train.labels).coef_).max(axis=0)
    return sorted(counts.get_feature_names_out()[np.argsort(-sizes, kind="stable")[:n]])


def ngrams(tokens: Sequence[str]) -> list[str]:
    """Words, and pairs of neighbouring words.

    >>> ngrams(["not", "a", "film"])
    ['not', 'a', 'film', 'not a', 'a film']
    """
    refuse_string(tokens, "tokens")
    return [*tokens, *map(" ".join, pairwise(tokens))]
