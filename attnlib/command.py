"""How every command line of this package ends: what stops it is one line, and a reader may leave early."""

import os
import signal
import sys
from collections.abc import Callable
from typing import Any, NoReturn

# What a shell expects of a command that a signal ended: 128 and its number.
STOPPED, NO_READER = 128 + 2, 128 + 13
# Seconds after which Ctrl-C counts once more, where what runs has swallowed it: Jupyter's cleaning up may.
AGAIN = 10


def interrupted(*_: Any) -> None:
    """Handle Ctrl-C: a KeyboardInterrupt, and one more every AGAIN seconds until the command ends."""
    signal.setitimer(signal.ITIMER_REAL, AGAIN)
    raise KeyboardInterrupt


def run(main: Callable[[], int | None]) -> NoReturn:
    """Call a command line's `main` and exit with its status.

    Ctrl-C, what cannot be read or written, and a pipe whose reader has enough (`| head`) end it without a
    traceback.
    """
    for number in (signal.SIGINT, signal.SIGALRM):
        signal.signal(number, interrupted)
    try:
        status = main()
        sys.stdout.flush()
    except BrokenPipeError:
        # Python flushes once more at its end, and would complain again.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        status = NO_READER
    except KeyboardInterrupt:
        signal.setitimer(signal.ITIMER_REAL, 0)
        print("stopped", file=sys.stderr)
        status = STOPPED
    except OSError as error:
        print(error, file=sys.stderr)
        status = 1
    raise SystemExit(status)
