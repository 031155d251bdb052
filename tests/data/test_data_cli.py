import hashlib
import sys

import pytest

from attnlib.data import __main__ as command
from attnlib.data import names, scene_names
from attnlib.data.catalogue import DATA_SETS, SET_OF, Item
from tests.data.conftest import TEXTS, ZIP, folder_item
from tests.data.faulty import change, zipped
from tests.data.sets.writing import write

TWO = dict(list(TEXTS.items())[:2])


@pytest.fixture
def run(monkeypatch, capsys):
    """Run the command line, which must end with this status and print all of some words, there."""

    def run(arguments, status, *words, to="out"):
        monkeypatch.setattr(sys, "argv", ["attnlib.data", *arguments.split()])
        assert command.main() == status
        printed = getattr(capsys.readouterr(), to)
        assert [expected for expected in words if expected not in printed] == []

    return run


def test_every_name_of_load_means_a_set_or_is_generated():
    generated = {"planted", "planted_documents", "scenes", *(f"babi{task}_generated" for task in (1, 2, 3))}
    every = {*names(), *scene_names()}
    assert {name for name in every if command.set_of(name) is None} == generated
    assert set(SET_OF) <= every - set(DATA_SETS)
    with pytest.raises(ValueError, match=r"unknown data set 'IMBD': known are sst, babi.* mean 'imdb'\?"):
        command.set_of("IMBD")


def test_get_downloads_once_and_verifies(toy, mirror, nowhere, run):
    write(mirror / "sst", {toy.archive: ZIP})
    right = f"right    train.txt  {nowhere}/sst/{toy.archive}"
    for _ in range(2):
        run("get sst5", 0, "sst5 is made from the set sst.", right, "sst: 3 right\n")
        (mirror / "sst" / toy.archive).unlink(missing_ok=True)


def test_get_of_single_files(mirror, nowhere, run, monkeypatch):
    known = Item("train.csv", hashlib.sha256(b"a,b\n").hexdigest(), url="http://127.0.0.1:9/train.csv")
    change(monkeypatch, DATA_SETS["ag_news"], files=(known, Item("part.csv")))
    write(mirror, {"train.csv": "a,b\n"})
    run("get agnews", 0, "missing  part.csv  not on this machine", "ag_news: 1 right, 1 missing")


def test_get_of_what_may_not_be_shared_says_how_to_have_it(mirror, nowhere, run):
    run("get diabetes", 1, "MIMIC-III is for credentialed users", to="err")
    assert not nowhere.exists()
    write(nowhere / "mimic3", {"NOTEEVENTS.csv": "x"})
    place = f"{nowhere}/mimic3/NOTEEVENTS.csv"
    run("get diabetes", 0, f"unknown  NOTEEVENTS.csv  {place}  no checksum is known")


def test_verify_checks_every_copy(toy, nowhere, tmp_path, run, monkeypatch):
    monkeypatch.setenv("ATTNLIB_DATA", str(tmp_path / "given"))
    for folder in (tmp_path / "given" / "sst", nowhere / "sst"):
        write(folder, TWO)
    run("verify sst", 0, "sst: 4 right, 1 missing\n")
    write(nowhere / "sst", {"dev.txt": "edited"})
    wrong = f"wrong    dev.txt  {nowhere}/sst/dev.txt", "is not the official file: 6 bytes, sha256"
    run("verify sst", 1, *wrong, "sst: 3 right, 1 missing, 1 wrong\n")


def test_verify_names_a_damaged_archive(toy, nowhere, run):
    write(nowhere / "sst", {toy.archive: "not a zip"})
    run("verify sst", 1, "sst: 3 wrong", "cannot be read")


def test_files_without_checksum_are_as_right_as_the_official_archive(nowhere, run, monkeypatch):
    packed = zipped({"snli_1.0/snli_1.0_dev.jsonl": b"{}"})
    write(nowhere / "snli", {"snli_1.0.zip": packed})
    found = hashlib.sha256(packed).hexdigest()
    run("verify snli", 1, f"not the official archive: sha256 {found} instead of afb3d7")
    change(monkeypatch, DATA_SETS["snli"], archive_hash=f"sha256:{found}")
    run("verify snli", 0, "snli: 1 right, 6 missing")


def test_verify_checks_folders(nowhere, run, monkeypatch):
    folders = (folder_item({"train/a.txt": b"one"}), Item("test", suffix=".txt"))
    change(monkeypatch, DATA_SETS["imdb"], files=folders)
    write(nowhere / "imdb", {"train/a.txt": "one", "test/a.txt": "one"})
    run("verify imdb_ratings", 0, "imdb: 1 right, 1 unknown")
    write(nowhere / "imdb", {"train/b.txt": "two"})
    run("verify imdb", 1, "is not as published: 2 of 1 files")


def test_what_is_generated_unknown_or_nowhere(toy, mirror, run):
    run("cite snli_subset", 0, "Bowman et al. 2015", "licence: CC BY-SA 4.0")
    for what in ("get", "verify", "cite"):
        run(f"{what} planted", 0, "planted is generated")
    run("cite nonesuch", 1, "unknown data set 'nonesuch'", to="err")
    run("get sst", 1, "download of http://127.0.0.1", to="err")


def test_list_prints_sets_with_licence_and_state(toy, nowhere, run, monkeypatch):
    write(nowhere / "sst", {toy.archive: ZIP})
    said = ["3 of 3 found", "not found", "CC BY 3.0", "planted", "size: 84.1 MB"]
    said += ["how to get it: MIMIC-III is for credentialed users", "mirror: https://ndownloader.figshare.com"]
    run("list", 0, *said)
    monkeypatch.setenv("ATTNLIB_DATA", "/nonexistent")
    run("list", 1, "not a folder", to="err")
