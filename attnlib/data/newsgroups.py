"""20 Newsgroups, hockey against baseball, as Jain & Wallace 2019 prepared it."""

from __future__ import annotations

import re

import numpy as np

from attnlib.data import catalogue, registry
from attnlib.data.building import classification, folder_sums, provenance
from attnlib.data.corpus import Corpus, Split
from attnlib.data.errors import DataError
from attnlib.data.splitting import three_way
from attnlib.data.text import clean

GROUPS = ("rec.sport.baseball", "rec.sport.hockey")
PARTS = ("train", "test")
SEED = 13478
MIN_LENGTH, MAX_LENGTH = 6, 500

# Lines that scikit-learn takes for quotes or for their introduction.
_QUOTED = re.compile(r"^[>|]|^In article|^Quoted from|writes in|writes:|wrote:|says:|said:")


def strip_post(text: str) -> str:
    """Return a post without header, quotes and footer, by scikit-learn's rules, in its order.

    The header ends at the first empty line. The footer starts at the last line that is blank or made of
    hyphens, unless that is the first line of the post.
    """
    _, _, body = text.partition("\n\n")
    lines = body.strip().split("\n")
    breaks = [number for number, line in enumerate(lines) if not line.strip().strip("-")]
    last = breaks[-1] if breaks else 0
    body = "\n".join(lines[:last]) if last > 0 else body
    return "\n".join(line for line in body.split("\n") if not _QUOTED.search(line))


def tokenize(posts: list[str]) -> list[tuple[str, ...]]:
    """Return the paper's tokens: its cleaner, then of each run of non-word characters the last one only.

    The run may end with the space between two tokens: then all of its punctuation is lost.
    """
    return [tuple(re.sub(r"(\W)+", r" \1 ", " ".join(tokens)).split()) for tokens in clean(posts)]


def load(verify: bool = True) -> Corpus:
    """Return 20News sports: hockey (1) against baseball (0).

    Reads the by-date archive, or its two folders; the other 18 groups must be there, since the paper's split
    depends on them. `verify` compares the checksums of the two folders. Raises DataError for missing, damaged
    or malformed files.
    """
    posts: dict[str, dict[str, str]] = {part: {} for part in PARTS}
    for content in registry.walk("20news", [f"20news-bydate-{part}" for part in PARTS], verify):
        part, _, path = content.path.removeprefix("20news-bydate-").partition("/")
        group = path.split("/")[0]
        text = content.data.decode("latin-1") if group in GROUPS else ""
        posts[part][path] = text
    # scikit-learn's order, on which the seeded split depends: each part shuffled, then all of it.
    paths: list[tuple[str, str]] = []
    for part in PARTS:
        stored = sorted(posts[part], key=lambda path: tuple(path.split("/")))
        order = np.arange(len(stored))
        np.random.RandomState(0).shuffle(order)
        paths += [(part, stored[i]) for i in order]
    order = np.arange(len(paths))
    np.random.RandomState(42).shuffle(order)
    shuffled = [paths[i] for i in order]
    chosen = [
        (part, path, y) for y, g in enumerate(GROUPS) for part, path in shuffled if path.startswith(f"{g}/")
    ]
    texts = tokenize([strip_post(posts[part][path]) for part, path, _ in chosen])
    kept = [i for i, text in enumerate(texts) if text]
    labels = np.array([chosen[i][2] for i in kept], dtype=np.int64)
    if len(set(labels.tolist())) < len(GROUPS):
        raise DataError(f"20news: no post with text in one of {' and '.join(GROUPS)}; restore the files")
    every = Split(
        ids=tuple(f"20news_sports/{chosen[i][0]}/{chosen[i][1]}" for i in kept),
        texts=tuple(texts[i] for i in kept),
        labels=labels,
    )
    try:
        train, dev, test = three_way(labels, test=(0.2, SEED), dev=(0.2, SEED))
    except ValueError as error:
        raise DataError(f"20news: too few posts in {' and '.join(GROUPS)}: {error}") from error
    return classification(
        "20news_sports",
        {"train": every.select(train), "dev": every.select(dev), "test": every.select(test)},
        ("baseball", "hockey"),
        provenance(
            catalogue.NEWS20,
            folder_sums(catalogue.NEWS20, verify),
            [
                "Headers, footers and quotes removed by scikit-learn's rules; spaCy tokens in lower case, "
                "those with a digit as 'qqq'; of each run of non-word characters the last one is kept, so "
                "most punctuation goes. Posts left empty are dropped.",
                "Both by-date parts together, in scikit-learn's order; test 20 % by class, dev 20 % of the "
                "rest, seed 13478, as in the released code.",
                "Texts with 7 to 499 tokens. Vocabulary: words of at least 2 training texts before that "
                "filter.",
            ],
        ),
        min_documents=2,
        minimum=MIN_LENGTH,
        maximum=MAX_LENGTH,
    )
