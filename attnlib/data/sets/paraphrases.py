"""Pairs of sentences that mean the same or not: Quora's questions as Liu et al. 2022 prepared them, and MRPC.

Attention is over the second sentence of a pair; the first one is the question.
"""

from __future__ import annotations

from collections.abc import Iterator

from attnlib.data import catalogue, registry
from attnlib.data.building import Pair, pair_classification, pair_split, provenance
from attnlib.data.corpus import Corpus
from attnlib.data.errors import DataError
from attnlib.data.kept import keep
from attnlib.data.registry import Content

CLASSES = ("different", "paraphrase")

MRPC_COLUMNS = ("Quality", "#1 ID", "#2 ID", "#1 String", "#2 String")
MRPC_TRAIN, MRPC_TEST = "msr_paraphrase_train.txt", "msr_paraphrase_test.txt"
# The same lines in a public repository, which moved the last 500 training pairs to a file of their own.
MRPC_PARTS = ("msr-para-train.tsv", "msr-para-val.tsv", "msr-para-test.tsv")
MRPC_DEV = 500

QQP_COLUMNS = ("id", "qid1", "qid2", "question1", "question2", "is_duplicate")
QQP_DEV_SHARE = 0.1
# GLUE's train.tsv has a few questions with a line end in them: both halves of such a row lack fields.
QQP_TOLERATED = 100
QQP_MIN_DOCUMENTS = 5


def _fail(content: Content, line: int, problem: str) -> DataError:
    return DataError(f"{content.where}:{line}: {problem}. Restore the official file or mend the line.")


def rows(content: Content, columns: tuple[str, ...]) -> Iterator[tuple[int, list[str]]]:
    """Yield (line, fields) of each row below the header of a tab-separated file; quotes are text.

    Raises DataError for another header.
    """
    for number, line in enumerate(content.lines(), start=1):
        # Some files start with a mark of byte order.
        fields = line.removeprefix("\ufeff").split("\t")
        if number > 1:
            yield number, fields
        elif tuple(fields) != columns:
            raise _fail(content, 1, f"expected the header {', '.join(columns)}, tab-separated")


def label_of(content: Content, line: int, written: str) -> int:
    """Return the class; DataError, with file and line, unless it is written 0 or 1."""
    if written not in ("0", "1"):
        raise _fail(content, line, f"the label is {written!r}, not 0 or 1")
    return int(written)


def parse_mrpc(content: Content, part: str, before: int = 0) -> Iterator[Pair]:
    """Yield the pairs of a file of MRPC; the number in an id is the line in the official file of this part.

    before: how many lines of the official file come before this one's. Raises DataError, with file and line,
    for a wrong header, number of fields or label, or an empty sentence.
    """
    for line, fields in rows(content, MRPC_COLUMNS):
        if len(fields) != len(MRPC_COLUMNS):
            raise _fail(content, line, f"expected {len(MRPC_COLUMNS)} fields, found {len(fields)}")
        label, _, _, first, second = fields
        if not first.strip() or not second.strip():
            raise _fail(content, line, "a sentence is empty")
        yield Pair(f"mrpc/{part}/{before + line}", second, first, label_of(content, line, label))


@keep("mrpc")
def load_mrpc(verify: bool = True) -> Corpus:
    """Return MRPC: the second sentences as texts, the first as questions, classes different and paraphrase.

    Reads the two official files, or the three that a public repository made of them; both give the same
    corpus, in which dev are the last 500 training pairs. `verify` checks sha256 sums where they are known.
    Raises DataError for missing, damaged or malformed files.
    """
    official = registry.find("mrpc", MRPC_TRAIN) is not None or not all(
        registry.find("mrpc", path) for path in MRPC_PARTS
    )
    paths = (MRPC_TRAIN, MRPC_TEST) if official else MRPC_PARTS
    contents = registry.locate("mrpc", paths, verify)
    training: list[Pair] = []
    for path in paths[:-1]:
        training += parse_mrpc(contents[path], "train", len(training))
    if len(training) <= MRPC_DEV:
        raise DataError(
            f"mrpc: {len(training)} training pairs, the last {MRPC_DEV} of them for dev; a file may be cut. "
            "Restore the files."
        )
    return pair_classification(
        "mrpc",
        {
            "train": pair_split(training[:-MRPC_DEV]),
            "dev": pair_split(training[-MRPC_DEV:]),
            "test": pair_split(list(parse_mrpc(contents[paths[-1]], "test"))),
        },
        CLASSES,
        provenance(
            catalogue.MRPC,
            {path: content.sha256 for path, content in contents.items()},
            [
                "The second sentence is the text, over which attention is; the first is the question.",
                "spaCy tokens in lower case, those with a digit as 'qqq'; no limit of length.",
                f"The official test part; dev is the last {MRPC_DEV} pairs of the official training part.",
                "Vocabulary: all words of the training sentences, since they are few. The paper does not use "
                "this set; its preparation of Quora's questions is taken over.",
            ],
        ),
        min_documents=1,
    )


def parse_qqp(content: Content) -> tuple[list[Pair], int, int]:
    """Return the pairs of a file, how many rows have not six fields, and how many an empty question.

    Those two kinds are left out, as in the released code. Raises DataError, with file and line, for a wrong
    header or label, and if more than `QQP_TOLERATED` rows have not six fields.
    """
    name = content.path.removesuffix(".tsv")
    pairs: list[Pair] = []
    broken: list[int] = []
    empty = 0
    for line, fields in rows(content, QQP_COLUMNS):
        if len(fields) != len(QQP_COLUMNS):
            broken.append(line)
            if len(broken) > QQP_TOLERATED:
                raise _fail(
                    content,
                    broken[0],
                    f"the first of more than {QQP_TOLERATED} rows that have not {len(QQP_COLUMNS)} fields",
                )
            continue
        first, second, label = fields[3:]
        if first.strip() and second.strip():
            pairs.append(Pair(f"qqp/{name}/{line}", second, first, label_of(content, line, label)))
        else:
            empty += 1
    return pairs, len(broken), empty


@keep("qqp")
def load_qqp() -> Corpus:
    """Return Quora's question pairs from the user's own files of GLUE, classes different and paraphrase.

    The second questions are the texts. dev is the first tenth of train.tsv, test is dev.tsv, since GLUE's
    test labels are not public. Raises DataError for files that are missing (the message says how to get
    them) or malformed. Source: Liu et al. 2022, released code.
    """
    contents = registry.locate("qqp", ["train.tsv", "dev.tsv"], download=False)
    training, *left_out = parse_qqp(contents["train.tsv"])
    test, *left_out_of_test = parse_qqp(contents["dev.tsv"])
    broken, empty = (a + b for a, b in zip(left_out, left_out_of_test, strict=True))
    n_dev = int(QQP_DEV_SHARE * len(training))
    return pair_classification(
        "qqp",
        {
            "train": pair_split(training[n_dev:]),
            "dev": pair_split(training[:n_dev]),
            "test": pair_split(test),
        },
        CLASSES,
        provenance(
            catalogue.QQP,
            {path: content.sha256 for path, content in contents.items()},
            [
                "The second question is the text, over which attention is; the first is the question.",
                f"{broken} rows without six fields and {empty} with an empty question are left out; dev is "
                "the first tenth of the rest of train.tsv, test is GLUE's dev.tsv, as in the released code.",
                "spaCy tokens in lower case, those with a digit as 'qqq'; no limit of length: the released "
                "code names one of 40 tokens but does not apply it.",
                "Vocabulary: words of at least 5 training questions, first and second each counted.",
            ],
        ),
        QQP_MIN_DOCUMENTS,
    )
