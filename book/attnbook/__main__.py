"""``attnbook run | train | …``: the commands of COMMANDS."""

import sys
from importlib import import_module

from attnlib import command

COMMANDS = ("run", "train", "collect", "record", "readouts", "verify", "progress")


def main(words: list[str] | None = None) -> int:
    """Hand the words after the command to its module; return the exit status.

    What cannot be done as asked, or read or written, ends the command with one line.
    """
    words = sys.argv[1:] if words is None else words
    if not words or words[0] not in COMMANDS:
        print(f"usage: attnbook {' | '.join(COMMANDS)}, each with --help", file=sys.stderr)
        return 0 if words in (["-h"], ["--help"]) else 2
    try:
        return import_module(f"attnbook.runs.{words[0]}").main(words[1:]) or 0
    except BrokenPipeError:
        raise  # a reader that has enough
    except (ValueError, OSError) as error:
        raise SystemExit(f"attnbook {words[0]}: {error}") from None


def attnbook() -> None:
    """The command `attnbook`."""
    command.run(main)


if __name__ == "__main__":
    attnbook()
