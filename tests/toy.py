"""Small corpora and models that many tests share."""

import numpy as np
import torch

from attnlib.data.corpus import Corpus, Split, Vocabulary
from attnlib.models import Architecture, AttentionModel, build

WORDS = ("bad", "dull", "good", "great", "the", "film", "was", "plot", "is", "a")


def split(n: int = 60, seed: int = 0, pair: bool = False, shortest: int = 1, longest: int = 9) -> Split:
    """Texts of random words; class 1 when the good words outnumber the bad."""
    generator = np.random.default_rng(seed)
    texts, labels = [], []
    for _ in range(n):
        words = tuple(generator.choice(WORDS, size=generator.integers(shortest, longest + 1)))
        texts.append(words)
        labels.append(int(sum((w in WORDS[2:4]) - (w in WORDS[:2]) for w in words) > 0))
    questions = tuple((str(generator.choice(WORDS)), "is") for _ in texts) if pair else None
    ids = tuple(f"toy/{seed}/{i}" for i in range(n))
    return Split(ids, tuple(texts), np.array(labels, dtype=np.int64), questions)


def corpus(pair: bool = False) -> Corpus:
    """Train, dev and test of the above."""
    train, dev, test = (split(n, seed, pair) for seed, n in enumerate((160, 60, 60)))
    return Corpus(
        name="toy",
        task="question answering" if pair else "classification",
        train=train,
        dev=dev,
        test=test,
        vocabulary=Vocabulary.build([*train.texts, *(train.questions or ())]),
        class_names=("negative", "positive"),
        provenance={"source": "generated for the tests"},
    )


def model(
    encoder: str = "bilstm",
    scorer: str = "additive",
    n_classes: int = 2,
    pair: bool = False,
    seed: int = 0,
    variant: str = "released",
) -> tuple[AttentionModel, Vocabulary]:
    """An untrained model with large random vectors, so that its outputs differ between texts."""
    vocabulary = Vocabulary.build([WORDS])
    architecture = Architecture(encoder, scorer, n_classes, len(vocabulary), variant, pair, dimension=12)
    built = build(architecture, seed=seed)
    with torch.no_grad():
        for parameter in built.head.parameters():
            parameter.mul_(8)
    return built.eval(), vocabulary
