import shutil

import numpy as np
import pytest
from sklearn.model_selection import train_test_split

from attnlib.data import DataError, load
from attnlib.data.sets import questions
from tests.data.sets.writing import each_text, sizes, write

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
    assert len(questions.ANSWERS) == 36
    assert list(questions.ANSWERS) == sorted(questions.ANSWERS)
    assert {"office", "Where", ".", "before"} <= set(questions.ANSWERS)


def test_a_question_has_its_story_so_far_and_its_supporting_facts():
    rows = list(questions.read_babi(STORY))
    assert [row.name for row in rows] == [3, 5, 7]
    assert [questions.ANSWERS[row.label] for row in rows] == ["office", "garden", "kitchen"]
    assert " ".join(rows[0].text) == "John went to the office . Mary took the apple there"
    assert rows[0].evidence.tolist() == [1, 1, 1, 1, 1, 0, 0, 0, 0, 0, 0]
    assert rows[1].evidence.tolist() == [0] * 6 + [1] * 5 + [0] + [1] * 5
    assert rows[1].question == ["Where", "is", "the", "apple"]
    assert " ".join(rows[2].text) == "Daniel journeyed to the kitchen"


@pytest.mark.parametrize("n", [2, 7, 1000])
def test_dev_is_the_papers_draw(n):
    corpus = questions.babi("toy", {"train": STORY[:3] * n, "test": STORY}, {})
    rows = train_test_split(np.arange(n), test_size=0.15, random_state=16377)
    for split, drawn in zip((corpus.train, corpus.dev), rows, strict=True):
        assert split.ids == tuple(f"toy/train/{3 * i + 3}" for i in np.sort(drawn))


def test_the_largest_size_at_hand_is_taken_and_the_smaller_one_noted(root):
    for folder, stories in (("en", 5), ("en-10k", 9)):
        paths = [f"{folder}/{questions.TASKS[3]}_{part}.txt" for part in ("train", "test")]
        text = "\n".join(STORY * stories) + "\n"
        write(root / "babi" / "tasks_1-20_v1-2", dict.fromkeys(paths, text))
        corpus = load("babi3", verify=False)
        assert sum(sizes(corpus)[:2]) == 3 * stories
        assert list(corpus.provenance["files"]) == paths
        assert ("1,000 of 'en'" in corpus.provenance["notes"][-1]) == (folder == "en")
        if folder == "en":
            with pytest.raises(DataError, match="nothing was kept"):
                load("babi3", verify=False, size="10k")
    assert len(load("babi3", verify=False, size="1k").test) == 15


def test_an_unknown_task_is_refused():
    with pytest.raises(ValueError, match=r"task 4; known: 1, 2, 3"):
        questions.load_babi(4)


@pytest.mark.data("babi")
def test_answers_are_the_words_of_the_official_files():
    corpora = [load(f"babi{task}", size="1k") for task in questions.TASKS]
    assert tuple(sorted({word for c in corpora for word in c.vocabulary.words})) == questions.ANSWERS
    answers = {questions.ANSWERS[label] for c in corpora for label in c.train.labels}
    assert answers == set(questions.PLACES)


PARTS = {"training": 30, "validation": 6, "test": 6}


def passage(i):
    return f"( @entity{i % 7} ) the man of @entity{i % 5 + 10} met @entity3 , police said ."


def question_file(i):
    """One official question file of CNN; the answer is the first entity."""
    entities = "\n".join(f"@entity{k}:Name {k}" for k in range(12))
    ask = "@placeholder met a man , police said"
    return f"http://example.org/{i}\n\n{passage(i)}\n\n{ask}\n\n@entity{i % 7}\n\n{entities}\n"


def question_files():
    files = [(part, i) for part, n in PARTS.items() for i in range(n)]
    return {f"cnn/questions/{part}/{i:040x}.question": question_file(i) for part, i in files}


def lines(n):
    return "\n".join(f"@placeholder met a man\n@entity{i % 7}\n{passage(i)}\n" for i in range(n))


def check(corpus):
    assert corpus.task == "question answering"
    assert sizes(corpus) == [30, 6, 6]
    names = sorted({f"@entity{k}" for k in [*range(7), *range(10, 15)]})
    assert list(corpus.class_names) == names
    for text, question, label, allowed in each_text(corpus, "texts", "questions", "labels", "candidates"):
        assert text[1] == names[label]
        assert [names[c] for c in allowed] == sorted({t for t in text if t.startswith("@entity")})
        assert question[0] == "@placeholder"
    # Words of 8 training texts, and every entity.
    assert {*names, "police", "@placeholder"} <= set(corpus.vocabulary.words)


@pytest.mark.parametrize("layout", ["plain", "archive"])
def test_question_files_and_the_files_that_the_paper_read_give_the_same(root, layout):
    write(root / "cnn", question_files(), layout, "cnn.tgz")
    corpus = load("cnn")
    check(corpus)
    assert corpus.train.ids[1] == f"cnn/train/{1:040x}"
    shutil.rmtree(root / "cnn")
    files = {f"{part}.txt": lines(n) for part, n in (("train", 30), ("dev", 6), ("test", 6))}
    write(root / "cnn", files, layout, "cnn.tar.gz", "cnn")
    corpus = load("cnn")
    check(corpus)
    assert corpus.dev.ids[:2] == ("cnn/dev/1", "cnn/dev/5")


def test_entities_of_dev_and_test_alone_are_classes_too(root):
    changed = {"cnn/questions/test/x.question": question_file(2).replace("@entity2", "@entity99")}
    write(root / "cnn", question_files() | changed)
    corpus = load("cnn")
    assert "@entity99" in corpus.class_names
    assert "1 entities occur in dev or test passages only" in corpus.provenance["notes"][-1]


def test_malformed_files_are_named(root):
    text = question_file(2).replace("\n\n@entity2\n\n", "\n\n@entity9\n\n")
    for bad, problem in ((text, "its answer '@entity9' is no entity"), ("a\n\nb", "not enough values")):
        write(root / "cnn", question_files() | {"cnn/questions/test/bad.question": bad})
        with pytest.raises(DataError, match=rf"bad\.question: .*{problem}"):
            load("cnn")

    shutil.rmtree(root / "cnn")
    write(root / "cnn", {f"{part}.txt": lines(9) for part in ("train", "dev")})
    for text, problem in (
        ("a question\n@entity1\n", "1: not enough values"),
        (lines(2) + "\nq @placeholder\n@entity9\nno such @entity1\n", "9: .*'@entity9' is no entity"),
    ):
        write(root / "cnn", {"test.txt": text})
        with pytest.raises(DataError, match=rf"test\.txt:{problem}"):
            load("cnn")


def test_one_copy_of_a_word_is_kept():
    first, second = (questions.question(str(i), passage(i), "who ?", f"@entity{i % 7}") for i in (0, 7))
    assert first.passage[3] is second.passage[3]
