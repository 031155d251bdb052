"""20 Newsgroups.

Flat texts: hockey against baseball (Jain & Wallace 2019), or all groups (Liu et al. 2022). Documents: all
groups.
"""

import re

import numpy as np

from attnlib.data import files
from attnlib.data.corpora import CORPORA, Row, classes, make
from attnlib.data.corpus import Corpus
from attnlib.data.kept import keep
from attnlib.data.tokens import clean

SPORTS = ("rec.sport.baseball", "rec.sport.hockey")
PARTS = ("train", "test")

# Lines that scikit-learn takes for quotes or for their introduction.
_QUOTED = re.compile(r"^[>|]|^In article|^Quoted from|writes in|writes:|wrote:|says:|said:")

# Texts by path, ``group/number``, in order.
Posts = dict[str, str]


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


def read(verify: bool) -> tuple[dict[str, Posts], list[str]]:
    """Return the posts of train and test, as stored, and the groups, sorted."""
    posts: dict[str, Posts] = {part: {} for part in PARTS}
    contents = files.locate("20news", [f"20news-bydate-{part}" for part in PARTS], verify)
    for path in sorted(contents, key=lambda path: path.split("/")):
        folder, _, name = path.partition("/")
        posts[folder.removeprefix("20news-bydate-")][name] = contents[path].data.decode("latin-1")
    return posts, sorted({name.split("/")[0] for found in posts.values() for name in found})


def tokenize(post: str) -> tuple[str, ...]:
    """Return the paper's tokens: its cleaner, then of each run of non-word characters the last one only.

    The run may end with the space between two tokens: then all of its punctuation is lost.
    """
    return tuple(re.sub(r"(\W)+", r" \1 ", " ".join(clean(post))).split())


@keep("20news")
def load(name: str, verify: bool = True) -> Corpus:
    """Return 20 Newsgroups as the corpus of that name.

    name: "20news_sports", hockey (1) against baseball (0); "20news20", flat texts, the groups their classes
    (Liu et al. 2022, released code, which still calls it 20News sports); "20news", the same as documents.
    Training posts of the last keep the limits of length that the paper has for Yahoo: without them a few
    encoded files are a third of all tokens.

    Reads the by-date archive, or its two folders; all groups must be there, since the paper's split depends
    on them. `verify` compares the checksums of the two folders. Raises DataError for missing or damaged
    files.
    """
    posts, every = read(verify)
    groups, documents = SPORTS if name == "20news_sports" else every, "documents" in CORPORA[name]

    def row(part: str, path: str, text: str) -> Row:
        text = text.replace("\r", "") if documents else text
        return Row(f"{name}/{part}/{path}", groups.index(path.split("/")[0]), strip_post(text))

    if documents:
        parts = {part: [row(part, *post) for post in posts[part].items()] for part in PARTS}
    else:
        # scikit-learn's order, on which the seeded split depends: each part shuffled, then all of it.
        order = []
        for part in PARTS:
            paths = [(part, path) for path in posts[part]]
            np.random.RandomState(0).shuffle(paths)
            order += paths
        np.random.RandomState(42).shuffle(order)
        # By class: the split draws from each class by itself.
        chosen = [found for group in groups for found in order if found[1].startswith(f"{group}/")]
        parts = {"": [row(part, path, posts[part][path]) for part, path in chosen]}
    names = classes(name) or every
    return make(name, parts, files.folder_sums("20news", verify), tokenize=tokenize, class_names=names)
