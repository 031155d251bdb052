"""Files of every data set, mutated at random with a seed: each is read, or refused by name; nothing else.

What is read of files that were changed is not judged: `verify=False` asks for it.
"""

import gzip
import inspect
import json
import random
import shutil
import time
from collections import Counter

import pytest

from attnlib import data
from attnlib.data import DataError
from attnlib.data.catalogue import DATA_SETS, SET_OF
from attnlib.data.sets import cad, reviews, sst
from attnlib.data.sets.questions import TASKS
from tests.data import test_own
from tests.data.sets import (
    test_agnews,
    test_cad,
    test_health,
    test_imdb,
    test_movies,
    test_pairs,
    test_questions,
    test_reviews,
    test_sst,
    test_yahoo,
)
from tests.data.sets.writing import write

# Put into a file, or in place of a field: too long, too deep, too large, or of another kind.
HOSTILE = ["9" * 5000, "-1", "1e999", "9" * 19, "nan", "NULL", "", "\0", "\x85", "{}", "[]", *'\t|",\n']
HOSTILE += ["\n\n", "[" * 1_500, '{"a":' * 2_000, "<review>" * 2_000, "(" * 1_000]
BYTES = [*map(str.encode, HOSTILE), b"\xed\xa0\x80"]
BETWEEN = b' \t,|\n"<>()'


def of_texts(name, texts):
    return lambda root: write(root / SET_OF.get(name, name), texts)


STORIES = "\n".join(test_questions.STORY * 9)
TWEETS = [test_health.HEADER, *test_health.tweets(30, "train"), *test_health.tweets(9, "test")]
MINE = test_own.frame()
PAIRS = test_cad.HEAD + "".join(map(test_cad.pair, range(3)))


def domains():
    """Reviews of four domains, no two alike."""
    for item in DATA_SETS["amazon_multidomain"].files:
        texts = ((stars, f"So {n} it is of {item.path}") for n, stars in enumerate(reviews.RATINGS * 4))
        yield item.path, "".join(test_reviews.review(*text) for text in texts)


# What writes the files of each data set below a folder.
WRITERS = {
    "sst": test_sst.write_set,
    "sst5": test_sst.write_set,
    "babi1": of_texts("babi1", {f"en/{TASKS[1]}_{part}.txt": STORIES for part in ("train", "test")}),
    "imdb": test_imdb.write_set,
    "imdb_ratings": test_imdb.write_set,
    "imdb10": of_texts("imdb10", {"data.json": "\n".join(map(json.dumps, test_imdb.jmars(60)))}),
    "eraser_movies": of_texts("eraser_movies", test_movies.texts()),
    "cad": of_texts("cad", dict.fromkeys(cad.FILES.values(), PAIRS)),
    "agnews": test_agnews.write_subsets,
    "agnews_topics": test_agnews.write_subsets,
    "ade": lambda root: test_health.write_ade(root, test_health.POSITIVE, test_health.NEGATIVE),
    "adr": of_texts("adr", {"adr_dataset.csv": "\n".join(TWEETS) + "\n"}),
    "diabetes": lambda root: test_health.write_tables(root, **test_health.tables()),
    "anemia": lambda root: test_health.write_tables(root, **test_health.tables()),
    "snli": test_pairs.write_jsonl,
    "snli_subset": test_pairs.write_tsv,
    "qqp": lambda root: test_pairs.write_qqp(root, list(test_pairs.paraphrases(30, test_pairs.qqp))),
    "cnn": lambda root: write(root, test_questions.question_files()),
    "yahoo": lambda root: test_yahoo.write_parts(root, test_yahoo.whole(60)),
    "amazon_full": lambda root: test_reviews.write_set(root, "amazon_full", n=60),
    "yelp_full": lambda root: test_reviews.write_set(root, "yelp_full", n=60),
    "amazon_multidomain": of_texts("amazon_multidomain", dict(domains())),
    # Files of one's own, one by one.
    "mine.csv": of_texts("mine.csv", {"mine.csv": test_own.HEAD + test_own.PLAIN}),
    "mine.jsonl": of_texts("mine.jsonl", {"mine.jsonl": MINE.to_json(orient="records", lines=True)}),
    "mine.parquet": of_texts("mine.parquet", {"mine.parquet": MINE.to_parquet()}),
}


def how_to_load(name, root):
    """What `data.load` takes for the files of WRITERS: a name or a path, and options."""
    if name not in data.LOADERS:
        return (str(root / name / name),), {}
    verified = "verify" in inspect.signature(data.LOADERS[name]).parameters
    return (name,), {"verify": False} if verified else {}


def mutated(content, draw):
    """The bytes of a file with one thing changed."""
    at = draw.randrange(len(content) + 1)
    kind = draw.choice(("flip", "cut", "put in", "field", "field", "double"))
    if kind == "flip" and at < len(content):
        return content[:at] + bytes([content[at] ^ (1 << draw.randrange(8))]) + content[at + 1 :]
    if kind == "cut":
        return content[:at]
    if kind == "double":
        return content + content[at:]
    hostile = draw.choice(BYTES)
    if kind == "put in":
        return content[:at] + hostile + content[at:]
    end = next((i for i in range(at, len(content)) if content[i] in BETWEEN), len(content))
    begin = next((i + 1 for i in range(at - 1, -1, -1) if content[i] in BETWEEN), 0)
    return content[:begin] + hostile + content[end:]


def tried(name, root, times):
    """What became of so many mutated files of a data set: "right", "refused", or what went wrong.

    root: the folder of $ATTNLIB_DATA. What takes ten seconds is wrong too.
    """
    draw, found = random.Random(name), Counter()
    folder, kept = root / SET_OF.get(name, name), root / "kept"
    given, how = how_to_load(name, root)
    WRITERS[name](root)
    data.load(*given, **how)
    folder.rename(kept)
    shutil.copytree(kept, folder)
    paths = sorted(path for path in kept.rglob("*") if path.is_file())
    named = {name, *(path.stem for path in paths)}
    for _ in range(times):
        path = draw.choice(paths)
        target = folder / path.relative_to(kept)
        target.write_bytes(mutated(path.read_bytes(), draw))
        began = time.perf_counter()
        try:
            data.load(*given, **how)
            outcome = "right"
        except DataError as error:
            outcome = "refused" if any(word in str(error) for word in named) else f"unnamed: {error}"
        except Exception as error:
            outcome = f"unnamed: {error!r}"
        found[outcome if time.perf_counter() - began < 10 else "unnamed: it takes too long"] += 1
        shutil.copy(path, target)
    return found


@pytest.mark.slow
@pytest.mark.parametrize("name", WRITERS)
def test_a_mutated_file_is_read_or_refused_by_name(name, root):
    found = tried(name, root, 16)
    assert found.keys() <= {"right", "refused"}
    assert found["refused"]


LONG = "9" * 5000
# A file of a set, what is put behind it, and what is said of it.
NAMED = [
    ("sst", "train.txt", "no tree", r":6: the label is 'o'"),
    ("babi1", f"en/{TASKS[1]}_train.txt", "\n8 Where?\tnowhere\t1", ":64: the answer is 'nowhere'"),
    ("babi1", f"en/{TASKS[1]}_train.txt", "\n1 Where?\toffice\t1", ":64: the question or its story is empty"),
    ("ade", "DRUG-AE.rel", f"\n1|A rash|rash|{LONG}|6|A|0|1", ":31: Exceeds the limit"),
    ("ade", "ADE-NEG.txt", "\nNEG", ":61: no field list index"),
    ("imdb10", "data.json", '{"a":' * 9_000, ": object 61: maximum recursion depth"),
    ("amazon_multidomain", "dvd/negative.review", "<review>so", ": review 17: review has no begin or no end"),
    ("amazon_multidomain", "dvd/negative.review", "<review>so</review>", ": review 17: rating has no begin"),
    ("agnews", "train_subset_b.csv", 'so,"9"\n', ":21: no field '9'"),
    ("imdb_ratings", "train/neg/99_5.txt", "so", "99_5.*: the number of stars is '5'"),
    ("imdb", "train/neg/x_5.txt", "so", "x_5.txt: invalid literal"),
    ("diabetes", "DIAGNOSES_ICD.csv", f"7,{LONG},1,1,1\n", "DIAGNOSES_ICD.csv: SUBJECT_ID of rows"),
]


@pytest.mark.parametrize(("name", "path", "more", "message"), NAMED)
def test_what_cannot_be_read_is_named_with_its_place(name, path, more, message, root):
    WRITERS[name](root)
    place = next((p for p in root.rglob(f"{path}*")), root / "imdb/aclImdb" / path)
    given, how = how_to_load(name, root)
    unpack, pack = (gzip.decompress, gzip.compress) if place.suffix == ".gz" else (bytes, bytes)
    place.write_bytes(pack((unpack(place.read_bytes()) if place.exists() else b"") + more.encode()))
    with pytest.raises(DataError, match=message) as raised:
        data.load(*given, **how)
    assert place.stem in str(raised.value)


def test_what_lacks_its_end_takes_no_longer_than_others():
    began = time.perf_counter()
    with pytest.raises(DataError, match="here: review 1: review has no begin or no end"):
        list(reviews.read_domain("books/negative.review", "<review>\n" * 60_000, "here"))
    assert next(sst.read(["(3 " + "a" * 2_000_000], where="here")).text == ""
    assert time.perf_counter() - began < 5
