"""Stanford Sentiment Treebank: binary as Jain & Wallace 2019 prepared it, five classes as Liu et al. 2022."""

import re
from collections.abc import Iterator, Sequence

from attnlib.data import files
from attnlib.data.corpora import Row, make
from attnlib.data.corpus import PARTS, Corpus
from attnlib.data.rows import one_of, row_at

# Class by the root's label, of each corpus; None: the sentence is left out.
CLASSES = {"sst": (0, 0, None, 1, 1), "sst5": (0, 1, 2, 3, 4)}

# Looked for at the begin of a word alone: a long one without end takes no time.
_LEAF = re.compile(r"(?<![^ ()])([^ ()]+)\)")


def tokenize(text: str) -> tuple[str, ...]:
    """Return the paper's tokens of words with spaces: no bracket symbols or non-word characters, lower case.

    Source: the authors' released preprocessing, less its spaCy step, which changes 2 of 9,613 texts.

    >>> tokenize("-LRB- It 's well-made -RRB- ...")
    ('it', 's', 'well', 'made')
    """
    text = text.replace("-LRB-", "").replace("-RRB-", " ")
    return tuple(re.sub(r"\W", " ", text).lower().split())


def read(
    lines: Sequence[str], classes: Sequence[int | None] = CLASSES["sst"], where: str = ""
) -> Iterator[Row]:
    """Yield the sentences of one file: lines such as ``(3 (2 a) (4 marvel))``, with labels 0 to 4.

    Raises DataError, with file and line, for one that begins otherwise.

    >>> list(read(["(3 (2 A) (4 marvel))", "(2 dull)"]))[0][:3]
    (1, 1, 'A marvel')
    """
    for number, tree in enumerate(lines, start=1):
        with row_at(f"{where}:{number}"):
            label = classes[one_of(tree[1:2], "01234", "the label")]
        if label is not None:
            yield Row(number, label, " ".join(_LEAF.findall(tree)))


def load(name: str, verify: bool = True) -> Corpus:
    """Return SST as the corpus of that name.

    name: "sst", 6355 / 821 / 1725 texts, classes negative and positive, 13,826 vocabulary entries
    (preprocessing of Jain & Wallace 2019, released code); "sst5", all five classes, very negative to very
    positive (Liu et al. 2022, released code; their table gives the size of the binary set). The vocabulary is
    that of all training sentences, the few that the length filter drops included. `verify` checks each file's
    sha256. Raises DataError for missing or damaged files. Source: Socher et al. 2013.
    """
    contents = files.locate("sst", [f"{part}.txt" for part in PARTS], verify)
    held = {part: contents[f"{part}.txt"] for part in PARTS}
    parts = {part: read(content.lines(), CLASSES[name], content.where) for part, content in held.items()}
    return make(name, parts, files.sums(contents), tokenize=tokenize)
