"""Where results go is asked before the work, and a user without a home is told what to set."""

import pwd
import re

import pytest

from attnlib import cache, readouts
from attnlib.data import places

NO_FOLDER = "nothing can be written in {0}/file (Not a directory)"
UNWRITABLE = [
    ("file", None, "output {}/file is a file: name a folder"),
    (".", "x.csv", "output {} is a folder: name a file, such as {}/x.csv"),
    ("file/x.csv", "x.csv", f"output {{0}}/file/x.csv: {NO_FOLDER}"),
    ("file/tables", None, f"output {{0}}/file/tables: {NO_FOLDER}"),
    ("/proc/none/x.csv", "x.csv", "output /proc/none/x.csv: nothing can be written in /proc ("),
    ("/proc", None, "output /proc: nothing can be written in /proc ("),
]


@pytest.mark.parametrize(("path", "name", "message"), UNWRITABLE)
def test_what_cannot_be_written_is_refused(path, name, message, tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(ValueError, match=re.escape(message.format(tmp_path, tmp_path))):
        cache.check_output(tmp_path / path, name=name)


@pytest.mark.parametrize(("path", "name"), [("file", "x.csv"), ("new/deep/x.csv", "x.csv"), ("new", None)])
def test_what_can_be_written_leaves_no_trace(path, name, tmp_path):
    (tmp_path / "file").touch()
    cache.check_output(tmp_path / path, name=name)
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


ASKED = [
    ("ATTNLIB_CACHE", None, cache.cache_folder),
    ("ATTNLIB_CACHE", "~/cache", cache.cache_folder),
    ("ATTNLIB_DATA", "~", lambda: places.search_folders("sst")),
    ("ATTNLIB_READOUTS", "~/readouts", lambda: readouts.folder_of(None)),
]


@pytest.mark.parametrize(("variable", "value", "ask"), ASKED)
def test_a_user_without_a_home_is_told_what_to_set(variable, value, ask, monkeypatch, tmp_path):
    def unknown(number):
        raise KeyError(number)

    monkeypatch.setattr(pwd, "getpwuid", unknown)
    for name in ("HOME", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("ATTNLIB_CACHE", str(tmp_path))
    monkeypatch.delenv(variable) if value is None else monkeypatch.setenv(variable, value)
    with pytest.raises(OSError, match=f"no home folder. Set {variable} to a folder"):
        ask()
