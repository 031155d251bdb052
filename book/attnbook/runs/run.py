"""Run one notebook with parameters: `attnbook run NOTEBOOK.py OUTPUT.ipynb -p name value …`.

The same as jupytext and papermill by hand, with three differences: parameters are checked before anything
runs, the executed notebook appears only when the run succeeded, and a failed one is kept as
OUTPUT.failed.ipynb for a look.
"""

from __future__ import annotations

import argparse
import difflib
import os
import sys
from pathlib import Path
from typing import Any

from attnlib.cache import replacing, take_away_rest


def run(source: str | Path, output: str | Path, values: dict[str, Any] | None = None) -> Path:
    """Execute a py:percent notebook (or .ipynb) with parameters; returns the executed notebook's path.

    Raises ValueError for a parameter that the notebook lacks, and whatever the notebook raised.
    """
    import jupytext
    import papermill

    source, output, values = Path(source), Path(output), dict(values or {})
    if not source.is_file():
        raise FileNotFoundError(f"notebook {source} does not exist")
    output.parent.mkdir(parents=True, exist_ok=True)
    # Of this process alone: a run that was left behind by a killed sweep may go on beside this one.
    staged = output.with_name(f".{output.stem}-input-{os.getpid()}.ipynb")
    failed = output.with_name(f"{output.stem}.failed.ipynb")
    failed.unlink(missing_ok=True)
    take_away_rest(output)
    try:
        book = jupytext.read(source)
        book.metadata.setdefault(
            "kernelspec", {"name": "python3", "display_name": "Python 3", "language": "python"}
        )
        jupytext.write(book, staged)
        known = papermill.inspect_notebook(str(staged))
        for name in values:
            if name not in known:
                close = difflib.get_close_matches(name, known, n=1)
                hint = f" Did you mean {close[0]!r}?" if close else ""
                raise ValueError(f"{source} has no parameter {name!r}: it has {', '.join(known)}.{hint}")
        with replacing(output) as temporary:
            try:
                papermill.execute_notebook(
                    str(staged), str(temporary), values, kernel_name="python3", progress_bar=False
                )
            except papermill.PapermillExecutionError:
                os.replace(temporary, failed)
                print(f"the failed run is kept as {failed}", file=sys.stderr)
                raise
    finally:
        staged.unlink(missing_ok=True)
    return output


def main(arguments: list[str] | None = None) -> None:
    """Entry point of `attnbook run`."""
    parser = argparse.ArgumentParser(prog="attnbook run", description=__doc__)
    parser.add_argument("notebook", help="a py:percent notebook, such as notebooks/jain_wallace/adversary.py")
    parser.add_argument("output", help="where the executed notebook goes")
    parser.add_argument(
        "-p",
        dest="parameters",
        nargs=2,
        action="append",
        default=[],
        metavar=("NAME", "VALUE"),
        help="a parameter; numbers, true, false, null and [lists] are read as YAML",
    )
    parser.add_argument("-f", dest="file", help="a YAML file of parameters")
    options = parser.parse_args(arguments)
    import yaml  # comes with papermill

    values: dict[str, Any] = {}
    if options.file:
        values = yaml.safe_load(Path(options.file).read_text()) or {}
    values |= {name: yaml.safe_load(value) for name, value in options.parameters}
    try:
        run(options.notebook, options.output, values)
    except (ValueError, FileNotFoundError) as error:
        raise SystemExit(f"{parser.prog}: {error}") from None
    except Exception as error:
        if type(error).__name__ == "PapermillExecutionError":
            raise SystemExit(f"{parser.prog}: {error}") from None
        if type(error).__name__ == "DeadKernelError":
            raise SystemExit(
                f"{parser.prog}: {options.notebook}: its kernel was killed, as the system does where memory "
                "runs out. Nothing of the run is kept. Give it more memory, fewer neighbours, or a smaller "
                "`limit`."
            ) from None
        raise


if __name__ == "__main__":
    main()
