import hashlib
import re
import sys
from dataclasses import replace

import pytest

from attnlib.data import __main__ as command
from attnlib.data import names, scene_names
from attnlib.data.catalogue import DATA_SETS, SET_OF, Item
from tests.data.conftest import TEXTS, write_zip


@pytest.fixture
def run(monkeypatch, capsys):
    """Run the command line; gives status, output and errors."""

    def run(*arguments):
        monkeypatch.setattr(sys, "argv", ["attnlib.data", *arguments])
        status = command.main()
        printed = capsys.readouterr()
        return status, printed.out, printed.err

    return run


def test_every_name_of_load_means_a_set_or_is_generated():
    generated = {"planted", "planted_documents", "scenes", *(f"babi{task}_generated" for task in (1, 2, 3))}
    for name in (*names(), *scene_names()):
        found = command.set_of(name)
        assert (found is None) == (name in generated)
    assert set(SET_OF) <= {*names(), *scene_names()}
    assert not set(SET_OF) & set(DATA_SETS)
    with pytest.raises(ValueError, match=r"unknown data set 'IMBD': known are sst, babi.* mean 'imdb'\?"):
        command.set_of("IMBD")


def test_get_downloads_once_and_verifies(toy, mirror, nowhere, run):
    (mirror / "sst").mkdir()
    write_zip(mirror / "sst" / toy.archive, TEXTS, "trees/")
    for _ in range(2):
        status, printed, _ = run("get", "sst5")
        assert status == 0
        assert "sst5 is made from the set sst." in printed
        assert f"right    train.txt  {nowhere}/sst/{toy.archive}" in printed
        assert printed.endswith("sst: 3 right\n")
        (mirror / "sst" / toy.archive).unlink(missing_ok=True)


def test_get_of_single_files(mirror, nowhere, run, monkeypatch):
    text = b"a,b\n"
    url = "http://127.0.0.1:9/train.csv"
    known = Item("train.csv", hashlib.sha256(text).hexdigest(), url=url)
    members = (known, Item("part.csv"))
    monkeypatch.setitem(DATA_SETS, "ag_news", replace(DATA_SETS["ag_news"], files=members))
    (mirror / "train.csv").write_bytes(text)
    status, printed, _ = run("get", "agnews")
    assert status == 0
    assert "missing  part.csv  not on this machine" in printed
    assert "ag_news: 1 right, 1 missing" in printed


def test_get_says_what_failed(toy, mirror, nowhere, run):
    status, _, errors = run("get", "sst")
    assert status == 1
    assert "download of http://127.0.0.1" in errors


def test_get_of_what_may_not_be_shared_says_how_to_have_it(mirror, nowhere, run):
    status, _, errors = run("get", "diabetes")
    assert status == 1
    assert "MIMIC-III is for credentialed users" in errors
    assert not nowhere.exists()
    (nowhere / "mimic3").mkdir(parents=True)
    (nowhere / "mimic3" / "NOTEEVENTS.csv").write_text("x")
    status, printed, _ = run("get", "diabetes")
    assert status == 0
    assert f"unknown  NOTEEVENTS.csv  {nowhere}/mimic3/NOTEEVENTS.csv  no checksum is known" in printed


def test_verify_checks_every_copy(toy, nowhere, tmp_path, run, monkeypatch):
    monkeypatch.setenv("ATTNLIB_DATA", str(tmp_path / "given"))
    for folder in (tmp_path / "given" / "sst", nowhere / "sst"):
        folder.mkdir(parents=True)
        for name, text in list(TEXTS.items())[:2]:
            (folder / name).write_bytes(text)
    status, printed, _ = run("verify", "sst")
    assert status == 0
    assert printed.endswith("sst: 4 right, 1 missing\n")
    (nowhere / "sst" / "dev.txt").write_bytes(b"edited")
    status, printed, _ = run("verify", "sst")
    assert status == 1
    assert f"wrong    dev.txt  {nowhere}/sst/dev.txt" in printed
    assert "is not the official file: 6 bytes, sha256" in printed
    assert printed.endswith("sst: 3 right, 1 missing, 1 wrong\n")


def test_verify_names_a_damaged_archive(toy, nowhere, run):
    (nowhere / "sst").mkdir(parents=True)
    (nowhere / "sst" / toy.archive).write_bytes(b"not a zip")
    status, printed, _ = run("verify", "sst")
    assert status == 1
    assert "sst: 3 wrong" in printed
    assert "cannot be read" in printed


def test_files_without_checksum_are_as_right_as_the_official_archive(nowhere, run, monkeypatch):
    (nowhere / "snli").mkdir(parents=True)
    path = write_zip(nowhere / "snli" / "snli_1.0.zip", {"snli_1.0_dev.jsonl": b"{}"}, "snli_1.0/")
    status, printed, _ = run("verify", "snli")
    assert status == 1
    assert re.search("not the official archive: sha256 .* instead of afb3d7", printed)
    known = f"sha256:{hashlib.sha256(path.read_bytes()).hexdigest()}"
    monkeypatch.setitem(DATA_SETS, "snli", replace(DATA_SETS["snli"], archive_hash=known))
    status, printed, _ = run("verify", "snli")
    assert status == 0
    assert "snli: 1 right, 6 missing" in printed


def test_verify_checks_folders(nowhere, run, monkeypatch):
    line = f"{hashlib.sha256(b'one').hexdigest()} train/a.txt\n"
    folders = (
        Item("train", suffix=".txt", count=1, sha256=hashlib.sha256(line.encode()).hexdigest()),
        Item("test", suffix=".txt"),
    )
    monkeypatch.setitem(DATA_SETS, "imdb", replace(DATA_SETS["imdb"], files=folders))
    for folder in ("train", "test"):
        (nowhere / "imdb" / folder).mkdir(parents=True)
        (nowhere / "imdb" / folder / "a.txt").write_bytes(b"one")
    status, printed, _ = run("verify", "imdb_ratings")
    assert status == 0
    assert "imdb: 1 right, 1 unknown" in printed
    (nowhere / "imdb" / "train" / "b.txt").write_bytes(b"two")
    status, printed, _ = run("verify", "imdb")
    assert status == 1
    assert "is not as published: 2 of 1 files" in printed


def test_cite_prints_citation_and_licence(run):
    status, printed, _ = run("cite", "snli_subset")
    assert status == 0
    assert "Bowman et al. 2015" in printed
    assert "licence: CC BY-SA 4.0" in printed


def test_generated_sets_have_no_file(run):
    for what in ("get", "verify", "cite"):
        status, printed, _ = run(what, "planted")
        assert status == 0
        assert "planted is generated" in printed


def test_an_unknown_name_is_refused(run):
    status, _, errors = run("cite", "nonesuch")
    assert status == 1
    assert "unknown data set 'nonesuch'" in errors


def test_list_prints_sets_with_licence_and_state(toy, nowhere, run, monkeypatch):
    (nowhere / "sst").mkdir(parents=True)
    write_zip(nowhere / "sst" / toy.archive)
    status, printed, _ = run("list")
    assert status == 0
    for words in (
        "3 of 3 found",
        "not found",
        "CC BY 3.0",
        "how to get it: MIMIC-III is for credentialed users",
        "planted",
        "size: 84.1 MB",
        "mirror: https://ndownloader.figshare.com",
    ):
        assert words in printed
    monkeypatch.setenv("ATTNLIB_DATA", "/nonexistent")
    status, _, errors = run("list")
    assert status == 1
    assert "not a folder" in errors
