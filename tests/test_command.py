"""How command lines end: one line for what stops them, and no complaint of a reader that has enough."""

import subprocess
import sys
from pathlib import Path

import pytest

from attnlib import command

ROOT = Path(__file__).parents[1]


def ends(main):
    with pytest.raises(SystemExit) as raised:
        command.run(main)
    return raised.value.code


def raises(error):
    def main():
        raise error

    return main


def test_the_status_is_mains_own(capsys):
    assert ends(lambda: 2) == 2
    assert not ends(lambda: None)
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize(
    ("error", "status", "line"),
    [
        (KeyboardInterrupt(), 130, "stopped\n"),
        (
            OSError(28, "No space left on device", "build/x"),
            1,
            "[Errno 28] No space left on device: 'build/x'\n",
        ),
        (PermissionError(13, "Permission denied", "a"), 1, "[Errno 13] Permission denied: 'a'\n"),
        (FileNotFoundError("no such grid"), 1, "no such grid\n"),
    ],
)
def test_what_stops_a_command_is_one_line(error, status, line, capsys):
    assert ends(raises(error)) == status
    assert capsys.readouterr().err == line


def test_an_error_of_the_program_keeps_its_traceback():
    with pytest.raises(ZeroDivisionError):
        command.run(raises(ZeroDivisionError()))


@pytest.mark.slow
@pytest.mark.parametrize("words", [["attnlib.data", "list"], ["attnbook", "verify"]], ids=" ".join)
def test_a_reader_that_has_enough_is_no_error(words):
    # The pipe is closed before a word is written to it.
    script = (
        "import os, sys; r, w = os.pipe(); os.close(r); os.dup2(w, 1); os.execv(sys.argv[1], sys.argv[1:])"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, sys.executable, "-m", *words],
        cwd=ROOT,
        stderr=subprocess.PIPE,
        text=True,
        check=False,
    )
    assert "Traceback" not in done.stderr
    assert "BrokenPipe" not in done.stderr
    assert done.returncode == command.NO_READER


def test_an_interrupt_that_was_swallowed_comes_again():
    """Another library may catch a KeyboardInterrupt and go on; nobody should have to press twice."""
    script = """
import os, signal, time
from attnlib import command

command.AGAIN = 0.2

def main():
    try:
        os.kill(os.getpid(), signal.SIGINT)
        time.sleep(5)
    except KeyboardInterrupt:
        time.sleep(60)

command.run(main)
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=30)
    assert (done.returncode, done.stderr) == (command.STOPPED, "stopped\n")
