"""Run one notebook with parameters: `attnbook run NOTEBOOK.py OUTPUT.ipynb -p name value …`.

The same as jupytext and papermill by hand, with three differences: parameters are checked before anything
runs, the executed notebook appears only when the run succeeded, and a failed one is kept as
OUTPUT.failed.ipynb for a look.
"""

import argparse
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from attnbook.runs.values import load_file, read_all, words_given
from attnlib.cache import check_output, replacing, take_away_rest
from attnlib.cache.sources import declared

# The kernel is on this machine alone: no warning that what it says to it is not encrypted.
QUIET = ["--IPKernelApp.log_level=ERROR"]


def run(
    source: str | Path,
    output: str | Path,
    values: Mapping[str, Any] | None = None,
    words: Mapping[str, str] | None = None,
) -> Path:
    """Execute a py:percent notebook (or .ipynb) with parameters; returns the executed notebook's path.

    values: of parameters; words: the same as a command line has them. Both are read by the notebook's
    annotations (module `values`). Raises ValueError for a parameter that the notebook lacks, a value that
    does not fit and an output that cannot be written, before anything runs; and whatever the notebook raised.
    """
    import jupytext
    import papermill

    # The kernel is this environment's Python, never one registered in the user's home.
    os.environ["JUPYTER_PREFER_ENV_PATH"] = "1"
    source, output = Path(source), Path(output)
    book = read_notebook(source)
    known = declared(jupytext.writes(book, fmt="py:percent"), str(source))
    values = read_all(known, str(source), values or {}, words)
    for place in (output, failed := output.with_name(f"{output.stem}.failed.ipynb")):
        check_output(place, name=f"{source.stem}.ipynb")
    if output.exists() and output.samefile(source):
        raise ValueError(f"output {output} is the notebook itself: name another file")
    output.parent.mkdir(parents=True, exist_ok=True)
    # Of this process alone: a run that was left behind by a killed sweep may go on beside this one.
    staged = output.with_name(f".{output.stem}-{os.getpid():08x}.ipynb")
    failed.unlink(missing_ok=True)
    take_away_rest(output)
    try:
        spec = {"name": "python3", "display_name": "Python 3", "language": "python"}
        book.metadata.setdefault("kernelspec", spec)
        with replacing(output) as temporary:
            jupytext.write(book, staged)
            try:
                how = {"kernel_name": "python3", "progress_bar": False, "extra_arguments": QUIET}
                papermill.execute_notebook(str(staged), str(temporary), values, **how)
            except papermill.PapermillExecutionError:
                os.replace(temporary, failed)
                print(f"the failed run is kept as {failed}", file=sys.stderr)
                raise
    finally:
        staged.unlink(missing_ok=True)
    return output


def read_notebook(source: Path) -> Any:
    """A notebook's cells; FileNotFoundError, or ValueError for what is no notebook."""
    import jupytext

    if not source.is_file():
        problem = "is a folder" if source.is_dir() else "does not exist"
        raise FileNotFoundError(f"notebook {source} {problem}")
    try:
        return jupytext.read(source)
    except UnicodeDecodeError as error:
        raise ValueError(f"{source} is not UTF-8 text: {error.reason} at byte {error.start}") from None
    except Exception as error:  # of nbformat and of every format that jupytext reads
        raise ValueError(f"{source} is no notebook: {error}") from None


def main(arguments: list[str] | None = None) -> None:
    """Entry point of `attnbook run`."""
    parser = argparse.ArgumentParser(prog="attnbook run", description=__doc__)
    parser.add_argument("notebook", help="a py:percent notebook, such as notebooks/jain_wallace/adversary.py")
    parser.add_argument("output", help="where the executed notebook goes")
    parser.add_argument("-f", dest="file", help="a YAML file of parameters")
    options, words = words_given(parser, arguments)
    given = load_file(options.file) if options.file else {}
    if not isinstance(given or {}, dict):
        raise ValueError(f"{options.file} holds {type(given).__name__}: write a line `name: value` for each")
    try:
        run(options.notebook, options.output, given, words)
    except Exception as error:
        kind = type(error).__name__
        if kind == "PapermillExecutionError":
            raise SystemExit(f"{parser.prog}: {error}") from None
        if kind == "DeadKernelError":
            raise SystemExit(
                f"{parser.prog}: {options.notebook}: its kernel was killed, as the system does where memory "
                "runs out. Nothing is kept. Give it more memory, fewer neighbours, or a smaller `limit`."
            ) from None
        raise
