"""What several users, and several files of like names, have in one folder."""

import errno
import os
import tempfile
from functools import partial
from pathlib import Path

import pytest

from attnlib import cache


def as_another_user(work):
    """Do some work in a process of the user 65534; what it raised, as text."""
    reader, writer = os.pipe()
    if child := os.fork():
        os.close(writer)
        os.waitpid(child, 0)
        with os.fdopen(reader) as said:
            return said.read()
    # Not to return into pytest, whatever happens. Its Python may be out of that user's reach: no new program.
    try:
        os.setgroups([])
        os.setgid(65534)
        os.setuid(65534)
        work()
    except BaseException as error:
        os.write(writer, repr(error).encode())
    finally:
        os._exit(0)


@pytest.mark.parametrize("mask", [0o022, 0o002, 0o077])
def test_who_may_read_a_file_is_up_to_the_umask(mask, tmp_path):
    before = os.umask(mask)
    try:
        with cache.replacing(tmp_path / "entry.txt") as temporary:
            temporary.write_text("mine")
    finally:
        os.umask(before)
    assert (tmp_path / "entry.txt").stat().st_mode & 0o777 == 0o666 & ~mask


@pytest.mark.parametrize(
    ("folder", "lock"), [(0o1777, 0o666), (0o2775, 0o664), (0o755, 0o644), (0o700, 0o600)]
)
def test_whoever_may_write_in_the_folder_may_lock(folder, lock, tmp_path):
    tmp_path.chmod(folder)
    with cache.locked(tmp_path / "entry"):
        assert (tmp_path / "entry.lock").stat().st_mode & 0o777 == lock


def write(path):
    with cache.locked(path), cache.replacing(path) as temporary:
        temporary.write_text("theirs")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can be another user")
def test_another_user_goes_on_in_a_shared_folder():
    with tempfile.TemporaryDirectory() as place:
        shared = Path(place)
        shared.chmod(0o1777)
        with cache.locked(shared / "entry.txt"):
            # What was killed; only its owner can take it away.
            (shared / ".entry-01234567.txt").touch()
        assert as_another_user(partial(write, shared / "entry.txt")) == ""
        assert (shared / "entry.txt").read_text() == "theirs"
        assert (shared / "entry.txt").stat().st_uid == 65534


def test_what_a_neighbour_of_a_like_name_is_writing_stays(tmp_path):
    places = [tmp_path / f".{name}-01234567.ipynb" for name in ("x", "x-1", "x-", "x-input", "y")]
    for place in places:
        place.touch()
    cache.take_away_rest(tmp_path / "x.ipynb")
    assert set(tmp_path.iterdir()) == set(places[1:])


@pytest.mark.parametrize("given", [OSError(errno.ENOSPC, "full"), ValueError("I/O error: (os error 28)")])
def test_a_full_disk_is_named_by_the_file(given, tmp_path):
    message = rf"No space left on device: '{tmp_path}/entry\.txt'"
    with pytest.raises(OSError, match=message), cache.replacing(tmp_path / "entry.txt"):
        raise given
    assert list(tmp_path.iterdir()) == []


def test_any_other_error_passes_as_it_is(tmp_path):
    for given in (OSError(errno.ENOENT, "none", "other"), OSError("of a library"), KeyError("x")):
        with pytest.raises(type(given)) as raised, cache.replacing(tmp_path / "entry.txt"):
            raise given
        assert raised.value is given
