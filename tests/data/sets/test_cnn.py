import gzip
import io
import tarfile

import pytest

from attnlib.data import DataError, load
from attnlib.data.sets import cnn

PARTS = {"training": 30, "validation": 6, "test": 6}


def passage(i):
    return f"( @entity{i % 7} ) the man of @entity{i % 5 + 10} met @entity3 , police said ."


def question_file(i):
    """One official question file; the answer is the first entity."""
    entities = "\n".join(f"@entity{k}:Name {k}" for k in range(12))
    ask = "@placeholder met a man , police said"
    return f"http://example.org/{i}\n\n{passage(i)}\n\n{ask}\n\n@entity{i % 7}\n\n{entities}\n"


def questions(parts=PARTS):
    return {
        f"cnn/questions/{part}/{i:040x}.question": question_file(i)
        for part, n in parts.items()
        for i in range(n)
    }


def write(folder, files, archive=""):
    folder.mkdir(parents=True, exist_ok=True)
    if archive:
        with tarfile.open(folder / archive, "w:gz") as packed:
            for path, text in files.items():
                item = tarfile.TarInfo(path)
                item.size = len(text.encode())
                packed.addfile(item, io.BytesIO(text.encode()))
        return
    for path, text in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text)


def lines(n):
    return "\n".join(f"@placeholder met a man\n@entity{i % 7}\n{passage(i)}\n" for i in range(n))


@pytest.fixture
def folder(tmp_path, monkeypatch, nowhere):
    monkeypatch.setenv("ATTNLIB_DATA", str(tmp_path))
    return tmp_path / "cnn"


def check(corpus):
    assert corpus.task == "question answering"
    assert [len(split) for split in corpus.splits.values()] == [30, 6, 6]
    names = sorted({f"@entity{k}" for k in [*range(7), *range(10, 15)]})
    assert list(corpus.class_names) == names
    for split in corpus.splits.values():
        for text, question, label, allowed in zip(
            split.texts, split.questions, split.labels, split.candidates, strict=True
        ):
            assert text[1] == names[label]
            assert [names[c] for c in allowed] == sorted({t for t in text if t.startswith("@entity")})
            assert question[0] == "@placeholder"
    # Words of 8 training texts, and every entity.
    assert {*names, "police", "@placeholder"} <= set(corpus.vocabulary.words)


@pytest.mark.parametrize("archive", ["", "cnn.tgz"])
def test_question_files_are_read_from_folder_and_archive(folder, archive):
    write(folder, questions(), archive)
    corpus = load("cnn")
    check(corpus)
    assert corpus.train.ids[1] == f"cnn/train/{1:040x}"


@pytest.mark.parametrize("how", ["plain", "gzip", "archive"])
def test_the_files_that_the_paper_read_give_the_same(folder, how):
    files = {f"cnn/{part}.txt": lines(n) for part, n in (("train", 30), ("dev", 6), ("test", 6))}
    write(folder, files, "cnn.tar.gz" if how == "archive" else "")
    if how == "gzip":
        for path in (folder / "cnn").iterdir():
            path.with_name(path.name + ".gz").write_bytes(gzip.compress(path.read_bytes()))
            path.unlink()
    corpus = load("cnn")
    check(corpus)
    assert corpus.dev.ids[:2] == ("cnn/dev/1", "cnn/dev/5")


def test_entities_of_dev_and_test_alone_are_classes_too(folder):
    files = questions()
    files["cnn/questions/test/x.question"] = question_file(2).replace("@entity2", "@entity99")
    write(folder, files)
    corpus = load("cnn")
    assert "@entity99" in corpus.class_names
    assert "1 entities occur in dev or test passages only" in corpus.provenance["notes"][-1]


@pytest.mark.parametrize(
    ("change", "line", "problem"),
    [
        (lambda t: t.split("\n\n")[0], 1, "expected address, passage"),
        (
            lambda t: t.replace("\n\n@entity2\n\n", "\n\n@entity9\n\n"),
            7,
            "the answer @entity9 is not in the passage",
        ),
        (lambda t: t.replace("\n\n@entity2\n\n", "\n\nBob\n\n"), 7, "the answer 'Bob' is no entity"),
    ],
)
def test_malformed_question_files_are_named(folder, change, line, problem):
    files = questions()
    files["cnn/questions/test/bad.question"] = change(question_file(2))
    write(folder, files)
    with pytest.raises(DataError, match=rf"bad\.question:{line}: {problem}"):
        load("cnn")


@pytest.mark.parametrize(
    ("text", "line", "problem"),
    [
        ("a question\n@entity1\n", 1, "expected lines question, answer and passage, found 2"),
        (lines(2) + "\nq @placeholder\n@entity9\nno such @entity1\n", 9, "@entity9 is not in the passage"),
    ],
)
def test_malformed_blocks_are_named(folder, text, line, problem):
    write(folder, {f"{part}.txt": lines(9) for part in ("train", "dev")} | {"test.txt": text})
    with pytest.raises(DataError, match=rf"test\.txt:{line}: .*{problem}"):
        load("cnn")


def test_truncated_and_missing_files_say_so(folder):
    with pytest.raises(DataError, match=r"(?s)questions/training.* not found.*cnn\.tgz"):
        load("cnn")
    write(folder, {f"{part}.txt": lines(9) for part in ("train", "test")})
    (folder / "dev.txt.gz").write_bytes(gzip.compress(lines(500).encode())[:-20])
    with pytest.raises(DataError, match=r"dev\.txt\.gz cannot be read .*truncated"):
        load("cnn")
    (folder / "dev.txt.gz").unlink()
    (folder / "dev.txt").write_text("\n")
    with pytest.raises(DataError, match="no question in the dev split"):
        load("cnn")


def test_intern_keeps_one_copy_of_a_word():
    first, second = (cnn.parse_question(question_file(i), str(i), "x") for i in (0, 7))
    assert first.passage[3] is second.passage[3]
