"""20 Newsgroups: hockey against baseball (Jain & Wallace 2019), or all groups (Liu et al. 2022)."""

from __future__ import annotations

import re
from collections.abc import Iterator

import numpy as np

from attnlib.data import catalogue, registry
from attnlib.data.building import classification, folder_sums, provenance
from attnlib.data.corpus import Corpus, Split
from attnlib.data.errors import DataError
from attnlib.data.kept import keep
from attnlib.data.splitting import three_way
from attnlib.data.text import clean

SPORTS = ("rec.sport.baseball", "rec.sport.hockey")
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


def read(verify: bool) -> Iterator[tuple[str, str, str]]:
    """Yield the part ("train" or "test"), path (``group/number``) and text of every post, as stored.

    Raises DataError for a file outside the folder of a group, and as `registry.walk` does.
    """
    for content in registry.walk("20news", [f"20news-bydate-{part}" for part in PARTS], verify):
        part, _, path = content.path.removeprefix("20news-bydate-").partition("/")
        if path.count("/") != 1:
            raise DataError(f"{content.where}: a post must lie in the folder of its group. Remove the file.")
        yield part, path, content.data.decode("latin-1")


def tokenize(posts: list[str]) -> list[tuple[str, ...]]:
    """Return the paper's tokens: its cleaner, then of each run of non-word characters the last one only.

    The run may end with the space between two tokens: then all of its punctuation is lost.
    """
    return [tuple(re.sub(r"(\W)+", r" \1 ", " ".join(tokens)).split()) for tokens in clean(posts)]


def _load(name: str, groups: tuple[str, ...] | None, class_names: tuple[str, ...], verify: bool) -> Corpus:
    """Return the posts of these groups as classes, in this order; None: of all groups, sorted."""
    posts: dict[str, dict[str, str]] = {part: {} for part in PARTS}
    for part, path, text in read(verify):
        posts[part][path] = text if groups is None or path.split("/")[0] in groups else ""
    if groups is None:
        groups = class_names = tuple(
            sorted({path.split("/")[0] for found in posts.values() for path in found})
        )
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
    # By class: the split draws from each class by itself.
    chosen = [
        (part, path, y) for y, g in enumerate(groups) for part, path in shuffled if path.startswith(f"{g}/")
    ]
    texts = tokenize([strip_post(posts[part][path]) for part, path, _ in chosen])
    kept = [i for i, text in enumerate(texts) if text]
    labels = np.array([chosen[i][2] for i in kept], dtype=np.int64)
    among = " and ".join(groups) if len(groups) < 3 else f"the {len(groups)} groups"
    if len(set(labels.tolist())) < len(groups):
        raise DataError(f"20news: no post with text in one of {among}; restore the files")
    every = Split(
        ids=tuple(f"{name}/{chosen[i][0]}/{chosen[i][1]}" for i in kept),
        texts=tuple(texts[i] for i in kept),
        labels=labels,
    )
    try:
        train, dev, test = three_way(labels, test=(0.2, SEED), dev=(0.2, SEED))
    except ValueError as error:
        raise DataError(f"20news: too few posts in {among}: {error}") from error
    return classification(
        name,
        {"train": every.select(train), "dev": every.select(dev), "test": every.select(test)},
        class_names,
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


@keep("20news")
def load(verify: bool = True) -> Corpus:
    """Return 20News sports: hockey (1) against baseball (0).

    Reads the by-date archive, or its two folders; the other 18 groups must be there, since the paper's split
    depends on them. `verify` compares the checksums of the two folders. Raises DataError for missing, damaged
    or malformed files.
    """
    return _load("20news_sports", SPORTS, ("baseball", "hockey"), verify)


@keep("20news")
def load_all(verify: bool = True) -> Corpus:
    """Return 20 Newsgroups as flat texts, its groups the classes; files and errors as in `load`.

    Source: Liu et al. 2022, released code, which still calls it 20News sports.
    """
    return _load("20news20", None, (), verify)
