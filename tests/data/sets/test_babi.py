import os
import tarfile
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from sklearn.model_selection import train_test_split

from attnlib.data import DataError, load
from attnlib.data.sets import babi

ROOT = os.environ.get("ATTNLIB_DATA")
needs_data = pytest.mark.skipif(not ROOT, reason="set ATTNLIB_DATA to a folder with the real data sets")

STORY = [
    "1 John went to the office.",
    "2 Mary took the apple there.",
    "3 Where is John? \toffice\t1",
    "4 Mary moved to the garden.",
    "5 Where is the apple? \tgarden\t2 4",
    "1 Daniel journeyed to the kitchen.",
    "2 Where is Daniel? \tkitchen\t1",
]


def test_answers_are_the_words_of_the_three_tasks():
    assert len(babi.ANSWERS) == 36
    assert list(babi.ANSWERS) == sorted(babi.ANSWERS)
    assert {"office", "Where", ".", "before"} <= set(babi.ANSWERS)


def test_parse_gives_each_question_its_story_so_far():
    questions = babi.parse(STORY, "qa.txt")
    assert [q.answer for q in questions] == ["office", "garden", "kitchen"]
    assert questions[1] == babi.Question(
        ("John went to the office", "Mary took the apple there", "Mary moved to the garden"),
        "Where is the apple",
        "garden",
        (1, 2),
        5,
    )
    assert questions[2].statements == ("Daniel journeyed to the kitchen",)


def test_split_joins_sentences_and_marks_supporting_facts():
    split = babi.split_from_lines(STORY, "toy", "qa.txt")
    assert split.ids == ("toy/3", "toy/5", "toy/7")
    assert " ".join(split.texts[0]) == "John went to the office . Mary took the apple there"
    assert split.evidence[0].tolist() == [1, 1, 1, 1, 1, 0, 0, 0, 0, 0, 0]
    assert split.evidence[1].tolist() == [0] * 6 + [1] * 5 + [0] + [1] * 5
    assert split.questions[1] == ("Where", "is", "the", "apple")
    assert [babi.ANSWERS[label] for label in split.labels] == ["office", "garden", "kitchen"]


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("Mary moved to the garden.", "expected a number"),
        ("4", "expected a number"),
        ("", "expected a number"),
        ("6 Mary moved to the garden.", "number 6 follows 3; expected 4"),
        ("4 Mary moved to the garden", "full stop"),
        ("4 .", "full stop"),
        ("4 Where is Mary? \tgarden", "found 2"),
        ("4 Where is Mary? \tgarden\t2\t1", "found 4"),
        ("4 Where is Mary \tgarden\t2", "question mark"),
        ("4 Where is Mary? \t\t2", "no answer"),
        ("4 Where is Mary? \tgarden\t", "supporting facts ''"),
        ("4 Where is Mary? \tgarden\t3", "supporting facts '3'"),
        ("4 Where is Mary? \tgarden\t2 9", "supporting facts '2 9'"),
        ("4 Where is Mary? \tgarden\ttwo", "supporting facts 'two'"),
        ("1 Where is Mary? \tgarden\t1", "before any statement"),
        ("4 Where is Mary? \tcellar\t2", "answer 'cellar'"),
    ],
)
def test_malformed_lines_are_refused_with_file_and_line(line, problem):
    with pytest.raises(DataError, match=r"^qa\.txt:4: ") as caught:
        babi.split_from_lines([*STORY[:3], line], "toy", "qa.txt")
    assert problem in str(caught.value)


def test_a_file_without_questions_is_refused():
    with pytest.raises(DataError, match=r"qa\.txt: no question"):
        babi.split_from_lines(STORY[:2], "toy", "qa.txt")


@pytest.mark.parametrize("n", [2, 7, 20, 1000])
def test_dev_is_the_papers_draw(n):
    split = babi.split_from_lines((STORY[:3] * n), "toy", "qa.txt")
    train, dev = babi.divide(split)
    rows = train_test_split(np.arange(n), test_size=0.15, random_state=16377)
    assert train.ids == tuple(split.ids[i] for i in np.sort(rows[0]))
    assert dev.ids == tuple(split.ids[i] for i in np.sort(rows[1]))


def write_tasks(folder, sizes):
    """Official layout with stories of ours."""
    for size in sizes:
        (folder / size).mkdir(parents=True)
        for part in ("train", "test"):
            lines = STORY * (5 if size == "en" else 9)
            (folder / size / f"qa3_three-supporting-facts_{part}.txt").write_text("\n".join(lines) + "\n")


def test_the_largest_size_at_hand_is_taken_and_the_smaller_one_noted(tmp_path, monkeypatch, nowhere):
    monkeypatch.setenv("ATTNLIB_DATA", str(tmp_path))
    write_tasks(tmp_path / "babi" / "tasks_1-20_v1-2", ["en"])
    corpus = load("babi3", verify=False)
    assert len(corpus.train) + len(corpus.dev) == 15
    assert "1,000 of 'en'" in corpus.provenance["notes"][-1]
    with pytest.raises(DataError, match="nothing was kept"):
        load("babi3", verify=False, size="10k")
    write_tasks(tmp_path / "babi" / "tasks_1-20_v1-2", ["en-10k"])
    corpus = load("babi3", verify=False)
    assert len(corpus.train) + len(corpus.dev) == 27
    assert set(corpus.provenance["files"]) == {
        f"en-10k/{babi.FILES[3]}_{part}.txt" for part in ("train", "test")
    }
    assert len(load("babi3", verify=False, size="1k").test) == 15


def test_unknown_task_and_size_are_refused():
    with pytest.raises(ValueError, match=r"task 4; known: 1, 2, 3"):
        babi.load(4)
    with pytest.raises(ValueError, match="size '100k'"):
        load("babi1", size="100k")


@pytest.mark.data
@needs_data
@pytest.mark.parametrize(
    ("task", "words", "mean", "longest"), [(1, 24, 36.2, 67), (2, 38, 94.1, 421), (3, 39, 307.0, 1874)]
)
def test_the_10k_files_have_the_papers_statistics(task, words, mean, longest):
    corpus = load(f"babi{task}")
    assert len(corpus.vocabulary) == words
    assert len(corpus.class_names) == 36
    assert len(corpus.test) == 1000
    lengths = [len(text) for split in (corpus.train, corpus.dev) for text in split.texts]
    if any(path.startswith("en-10k") for path in corpus.provenance["files"]):
        assert (len(corpus.train), len(corpus.dev)) == (8500, 1500)
        assert round(np.mean(lengths), 1) == mean
        assert max(lengths) == longest
    else:  # only the 1,000 questions of task 3
        assert (len(corpus.train), len(corpus.dev)) == (850, 150)
        assert abs(np.mean(lengths) - mean) < 0.05 * mean
        assert "1,000 of 'en'" in corpus.provenance["notes"][-1]


@pytest.mark.data
@needs_data
def test_answer_classes_are_the_words_of_the_official_files():
    words = set()
    for task in (1, 2, 3):
        corpus = load(f"babi{task}", size="1k")
        words |= set(corpus.vocabulary.words)
        answers = Counter(corpus.class_names[label] for label in corpus.train.labels)
        assert set(answers) == set(babi.PLACES)
    assert tuple(sorted(words)) == babi.ANSWERS


@pytest.mark.data
@needs_data
def test_an_unpacked_folder_reads_the_same(tmp_path, monkeypatch):
    packed = load("babi1")
    archive = Path(ROOT) / "babi" / "tasks_1-20_v1-2_en.tar.xz"
    if archive.exists():
        with tarfile.open(archive) as official:
            wanted = [item for item in official if "qa1_" in item.name]
            official.extractall(tmp_path / "babi", wanted, filter="data")
        monkeypatch.setenv("ATTNLIB_DATA", str(tmp_path))
        assert load("babi1").checksum == packed.checksum
