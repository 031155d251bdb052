import hashlib
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from attnlib.data import DataError, files
from attnlib.data.catalogue import DATA_SETS, Item, own_files
from attnlib.data.files import locate
from tests.data.conftest import TEXTS, ZIP, folder_item
from tests.data.faulty import change, tarred
from tests.data.sets.writing import write


def contents(paths=tuple(TEXTS), **options):
    return {path: found.data for path, found in locate("sst", list(paths), **options).items()}


LAYOUTS = {
    "plain": lambda d: write(d, TEXTS),
    "gzipped": lambda d: write(d, TEXTS, "gzip"),
    "unpacked": lambda d: write(d / "trees", TEXTS),
    "zip": lambda d: write(d, {"trainDevTestTrees_PTB.zip": ZIP}),
}


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("place", ["data", "cache"])
def test_every_layout_is_found_in_data_folder_and_cache(toy, nowhere, root, layout, place):
    LAYOUTS[layout]((root if place == "data" else nowhere) / "sst")
    assert contents() == TEXTS
    assert files.find("sst", "dev.txt") is not None


@pytest.mark.parametrize("name", ["tasks_1-20_v1-2.tar.gz", "tasks_1-20_v1-2_en.tar.xz"])
def test_tar_archives_are_read_in_place(nowhere, monkeypatch, tmp_path, name):
    text = b"1 Mary went to the office.\n"
    member = replace(DATA_SETS["babi"].files[0], sha256=hashlib.sha256(text).hexdigest())
    change(monkeypatch, DATA_SETS["babi"], files=(member,))
    path, inside = nowhere / "babi" / name, f"./tasks_1-20_v1-2/{member.path}"
    write(nowhere / "babi", {name: tarred({inside: text}, mode=f"w:{name[-2:]}")})
    found = locate("babi", [member.path])[member.path]
    assert found.data == text
    assert found.where.endswith(f"{name}!tasks_1-20_v1-2/{member.path}")
    assert [p.name for p in (nowhere / "babi").iterdir()] == [name]
    path.write_bytes(path.read_bytes()[:60])
    with pytest.raises(DataError, match=f"{path}.*truncated"):
        locate("babi", [member.path])


def test_a_git_blob_id_is_checked_where_no_sha256_is_known():
    # The id that git gives to a file of these six bytes.
    item = Item("x", git_blob="ce013625030ba8dba906f756967f9e9ca394464a")
    assert item.difference({"x": b"hello\n"}, "here") == ""
    assert "here is not the official file: 5 bytes, git blob" in item.difference({"x": b"hello"}, "here")


def test_data_folder_comes_before_cache(toy, nowhere, root):
    write(root / "sst", {"dev.txt": "given"})
    write(nowhere / "sst", {"dev.txt": "cached"})
    assert contents(["dev.txt"], verify=False) == {"dev.txt": b"given"}


def test_cache_folder_follows_the_environment(monkeypatch, tmp_path):
    variables = {"ATTNLIB_CACHE": "data", "XDG_CACHE_HOME": "attnlib/data", "HOME": ".cache/attnlib/data"}
    for variable in variables:
        monkeypatch.setenv(variable, str(tmp_path / variable))
    for variable, below in variables.items():
        assert files.cache_folder() == tmp_path / variable / below
        monkeypatch.delenv(variable)


def test_wrong_content_is_refused_with_both_checksums(toy, nowhere):
    write(nowhere / "sst", TEXTS | {"dev.txt": "(3 edited)\n"})
    found = hashlib.sha256(b"(3 edited)\n").hexdigest()
    with pytest.raises(DataError, match=rf"sst/dev\.txt.*{found} .*{toy.files[1].sha256}.*verify=False"):
        contents()
    assert contents(verify=False)["dev.txt"] == b"(3 edited)\n"


@pytest.mark.parametrize("name", ["dev.txt.gz", "trainDevTestTrees_PTB.zip"])
@pytest.mark.parametrize("keep", [0, 25])
def test_a_truncated_file_is_named(toy, nowhere, name, keep):
    LAYOUTS["gzipped" if name.endswith("gz") else "zip"](nowhere / "sst")
    path = nowhere / "sst" / name
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(DataError, match=rf"(?s){path}.*(truncated|not the official file).*Delete it"):
        contents()


def test_missing_files_without_network_say_where_and_how(toy, nowhere, root, monkeypatch):
    address = "http://127.0.0.1:9/nobody/sst/trainDevTestTrees_PTB.zip"
    remedy = f"Get {toy.address} and put it, .*{root}/sst"
    with pytest.raises(DataError, match=f"{address} failed, nothing was kept.*{remedy}"):
        contents()
    assert list((nowhere / "sst").iterdir()) == []
    monkeypatch.setenv("ATTNLIB_OFFLINE", "1")
    with pytest.raises(DataError, match="not on this machine, and ATTNLIB_OFFLINE is set"):
        contents()


def test_a_data_folder_that_is_no_folder_is_refused(toy, nowhere, tmp_path, monkeypatch):
    monkeypatch.setenv("ATTNLIB_DATA", str(tmp_path / "typo"))
    with pytest.raises(DataError, match=r"ATTNLIB_DATA.*typo.*not a folder"):
        contents()


def test_download_lands_whole_in_the_cache_and_is_used_again(toy, mirror, nowhere, monkeypatch):
    write(mirror, {toy.archive: ZIP})
    assert contents() == TEXTS
    assert [path.name for path in (nowhere / "sst").iterdir()] == [toy.archive]
    monkeypatch.setenv("ATTNLIB_DATA_URL", "http://127.0.0.1:9/nobody")
    assert contents() == TEXTS


def test_only_what_is_missing_comes_from_the_download(toy, mirror, root):
    write(root / "sst", {"dev.txt": "mine"})
    write(mirror, {toy.archive: ZIP})
    assert contents(verify=False) == {**TEXTS, "dev.txt": b"mine"}


@pytest.mark.parametrize("missing", ["requests", "tqdm"])
def test_without_the_download_extra_the_message_says_what_to_install(toy, nowhere, monkeypatch, missing):
    monkeypatch.setitem(sys.modules, missing, None)
    with pytest.raises(DataError, match=r"pip install 'attnlib\[data\]'"):
        contents()


@pytest.mark.slow
def test_importing_the_package_needs_no_extra():
    extra = ("requests", "sentencex", "spacy", "tqdm")
    code = f"import sys, attnlib.data; print([m for m in {extra} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_lines_are_split_at_newlines_only_and_bad_encoding_is_named():
    content = files.Content("x", "x.txt", "a\x85b\r\nc\n\n \n".encode())
    assert content.lines() == ["a\x85b", "c"]
    with pytest.raises(DataError, match=r"x\.txt:2: not UTF-8"):
        files.Content("x", "x.txt", b"a\n\xff\n").lines()


def test_every_set_that_can_be_had_has_checksums_and_the_others_say_how_to_get_them():
    for data_set in DATA_SETS.values():
        paths = {item.path for item in data_set.files}
        assert len(paths) == len(data_set.files)
        assert all(paths.issuperset(choice) for choice in data_set.choices.values())
        assert all(item.sha256 is None or item.git_blob is None for item in data_set.files)
        assert not own_files(data_set.name) or data_set.archive_hash or data_set.how
        assert data_set.archive or data_set.how or any(item.url for item in data_set.files)


def test_folders_are_checked_as_a_whole_whatever_their_line_ends(nowhere, monkeypatch):
    made = {"train/a.txt": b"one\r\ntwo", "train/b/c.txt": b"three", "train/urls": b"not one of them"}
    bare = {path: text.replace(b"\r", b"") for path, text in made.items()}
    root, texts = nowhere / "imdb" / "aclImdb", dict(list(bare.items())[:2])
    change(monkeypatch, DATA_SETS["imdb"], files=(folder_item(texts),))
    write(root, made)
    assert list(locate("imdb", ["train"])) == ["train/a.txt", "train/b/c.txt"]
    write(root, {"train/a.txt": "altered"})
    assert len(locate("imdb", ["train"], verify=False)) == 2
    with pytest.raises(DataError, match=r"train in .* is not as published: 2 of 2 files.*verify=False"):
        locate("imdb", ["train"])


def test_archives_of_folders_are_downloaded_and_checked(mirror, nowhere, monkeypatch):
    toy = change(monkeypatch, DATA_SETS["imdb"], files=(folder_item({"train/a.txt": b"one"}),))
    (mirror / toy.archive).write_bytes(tarred({"aclImdb/train/a.txt": b"other"}))
    with pytest.raises(DataError, match="failed, nothing was kept: .*not as published"):
        locate("imdb", ["train"])
    (mirror / toy.archive).write_bytes(tarred({"aclImdb/train/a.txt": b"one"}))
    assert [content.data for content in locate("imdb", ["train"]).values()] == [b"one"]
    assert [path.name for path in (nowhere / "imdb").iterdir()] == [toy.archive]
    with pytest.raises(KeyError, match="'other'"):
        locate("imdb", ["other"])


def test_sets_that_may_not_be_shared_are_not_downloaded(mirror, nowhere):
    with pytest.raises(DataError, match=r"NOTEEVENTS\.csv not found.*credentialed.*Put the files into"):
        locate("mimic3", ["NOTEEVENTS.csv"])
    with pytest.raises(DataError, match=r"NOTEEVENTS\.csv not found"):
        files.stream("mimic3", "NOTEEVENTS.csv").__enter__()
    assert not nowhere.exists()


# What may run code that a file holds. What a user may have received is safetensors, parquet, json, npy, text.
UNPICKLING = re.compile(
    r"\bpickle\.loads?\(|\bUnpickler\(|\b(import|from) +(joblib|dill|cloudpickle|shelve|marshal)\b"
    r"|\bread_pickle\(|allow_pickle *= *True|torch\.load\((?![^()]*(\([^()]*\)[^()]*)*weights_only *= *True)"
)


def test_no_pickle_is_ever_loaded():
    bad = ["pickle.load(f)", "torch.load(path)", "torch.load(f(x), map_location='cpu')", "import joblib"]
    good = ["torch.load(f(x), weights_only=True)", "np.load(path)", "tl.load(x)", "json.load(f)"]
    assert [text for text in bad + good if UNPICKLING.search(text)] == bad
    package = Path(files.__file__).parent.parent
    sources = sorted(package.rglob("*.py"))
    assert len(sources) > 50
    found = [str(path) for path in sources if UNPICKLING.search(path.read_text(encoding="utf-8"))]
    assert not found
