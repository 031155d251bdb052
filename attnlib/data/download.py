"""One file over http, into place when it is whole: it goes on where an earlier try broke off.

Bytes arrive in a file PART. If the connection breaks and the server can send the rest of a file later, PART
stays for the next try, at whichever address; else it goes. What is finished is checked, and only then has its
name. A download that was continued and turns out wrong is begun anew, once.
"""

import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

# Seconds to wait for a connection, and for the next byte.
TIMEOUT = 60.0
# Bytes a second; a server that sends less over a whole TIMEOUT is given up.
SLOWEST = 100
# Redirects that are followed.
REDIRECTS = 5
# Bytes of one download.
SIZE_LIMIT = 8 << 30
# Bytes taken at a time, at most.
PIECE = 1 << 16


class Failed(OSError):
    """The server, or the way to it, failed; the message says how."""


class NotThere(Failed):
    """The server answers that it has no such file."""


class _BrokenOff(Failed):
    """The connection broke after the file had begun to arrive."""


def retrieve(
    address: str, target: Path, part: Path, accept: Callable[[Path], None], resume: bool, most: int
) -> None:
    """Download `address` to `target`, which is replaced when the file is whole and as it should be.

    part: where bytes arrive, in the file system of `target`. `accept` raises ValueError for a file that is
    not as it should be. resume: whether to go on with `part`, and to keep it if the connection breaks; only
    for files that are checked. most: bytes that are taken, whatever the server sends, and SIZE_LIMIT at most.

    Raises Failed, ValueError for wrong content, and OSError if the disk cannot be written. Two calls for the
    same `part` must not overlap.
    """
    continued = _transfer(address, part, resume, min(most, SIZE_LIMIT))
    try:
        accept(part)
    except ValueError:
        part.unlink()
        if not continued:
            raise
        return retrieve(address, target, part, accept, False, most)
    os.replace(part, target)


def _transfer(address: str, part: Path, resume: bool, most: int) -> bool:
    """Download `address` into `part`; whether that went on with bytes of an earlier try."""
    import requests

    held = part.stat().st_size if resume and part.is_file() else 0
    # The file itself is wanted, not packed for the journey: its length and its checksum are known.
    headers = {"Accept-Encoding": "identity"} | ({"Range": f"bytes={held}-"} if held else {})
    with requests.Session() as session:
        session.max_redirects = REDIRECTS
        try:
            answer = session.get(address, headers=headers, stream=True, timeout=TIMEOUT)
        except OSError as error:
            raise Failed(_reason(error)) from error
        with answer:
            status = answer.status_code
            begins = answer.headers.get("Content-Range", "").startswith(f"bytes {held}-")
            if held and (status == 416 or (status == 206 and not begins)):
                # What is held is no beginning of what this server has.
                part.unlink()
                return _transfer(address, part, resume, most)
            if status in (404, 410):
                raise NotThere(f"the server has no such file ({status})")
            if status not in (200, 206):
                raise Failed(f"the server answers {status} {answer.reason}")
            held = held if status == 206 else 0
            _receive(answer, part, held, resume, most)
            return held > 0


def _receive(answer: Any, part: Path, held: int, resume: bool, most: int) -> None:
    """Write the body of an answer behind the `held` bytes of `part`."""
    from tqdm import tqdm

    length = answer.headers.get("Content-Length", "")
    total = held + int(length) if length.isdecimal() else None
    if total is not None and total > most:
        raise Failed(f"the server announces {total} bytes; the limit is {most}")
    can_resume = resume and (answer.status_code == 206 or answer.headers.get("Accept-Ranges") == "bytes")
    # disable=None: on a terminal only.
    bar = tqdm(total=total, initial=held, unit="B", unit_scale=True, desc=part.name, disable=None)
    try:
        with part.open("ab" if held else "wb") as file, bar:
            for piece in _pieces(answer.raw, held, total, most):
                file.write(piece)
                bar.update(len(piece))
    except BaseException as error:
        broken_off = isinstance(error, (_BrokenOff, KeyboardInterrupt))
        if not (broken_off and can_resume and part.stat().st_size):
            part.unlink(missing_ok=True)
        raise


def _pieces(body: Any, done: int, total: int | None, most: int) -> Iterator[bytes]:
    """Yield the rest of the body, after `done` bytes; _BrokenOff if it stops early or hardly moves."""
    from urllib3.exceptions import HTTPError

    # read1: what has arrived, so that a server which sends a byte now and then is noticed. urllib3 before 2.1
    # lacks it, and does not compare the length either.
    read = getattr(body, "read1", body.read)
    since, before = time.monotonic(), done
    while True:
        try:
            piece = read(PIECE, decode_content=False)
        except (HTTPError, OSError) as error:
            raise _BrokenOff(f"{_reason(error)} after {done} of {total or 'unknown'} bytes") from error
        if not piece:
            break
        yield piece
        done += len(piece)
        if done > most:
            raise Failed(f"the server sends more than {most} bytes")
        if (seconds := time.monotonic() - since) >= TIMEOUT:
            if done - before < SLOWEST * seconds:
                raise _BrokenOff(f"only {done - before} bytes came in {seconds:.3g} seconds")
            since, before = time.monotonic(), done
    if total is not None and done < total:
        raise _BrokenOff(f"the connection ended after {done} of {total} bytes")


def _reason(error: Exception) -> str:
    """Say in plain words why a request failed."""
    import requests
    from urllib3.exceptions import ProtocolError, ReadTimeoutError

    if isinstance(error, requests.TooManyRedirects):
        return f"more than {REDIRECTS} redirects, probably in a circle"
    if isinstance(error, (requests.Timeout, ReadTimeoutError, TimeoutError)):
        return f"the server sent nothing for {TIMEOUT:g} seconds"
    if isinstance(error, ProtocolError):
        return "the connection ended"
    if isinstance(error, requests.ConnectionError):
        # The innermost of the reasons that are packed into one another.
        return f"no connection: {str(getattr(error.args[0], 'reason', error)).rsplit(': ', 1)[-1]}"
    return str(error)
