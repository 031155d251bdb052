"""Tidy result tables: one schema for every experiment, intervals, provenance, files in and out.

A run is one notebook with one set of parameters; its summary has the columns of `COLUMNS`, and of `OPTIONAL`
those that apply. Recorded results are the summaries of many runs in one table (DESIGN, section 5).
"""

import gzip
import json
import platform
import re
import subprocess
import time
import zlib
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from fnmatch import fnmatchcase
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import pandas as pd

from attnbook import BOOK, PROJECT
from attnbook.runs.values import naming
from attnlib.cache import digest, file_checksum, replacing
from attnlib.checks import own_path

COLUMNS = ("paper", "experiment", "dataset", "encoder", "scorer", "seed", "metric", "value")
OPTIONAL = ("class", "low", "high", "n", "variant", "vectors", "bin", "method", "epsilon", "epoch")
# What was measured; all other columns say of what.
NUMBERS = ("value", "low", "high", "n")
WHOLE = ("seed", "n", "epoch")
# What tells one run from another, all of it visible in its summary; `search` is read off the methods.
RUN = (*COLUMNS[:6], "variant", "vectors", "epsilon", "search")

# The main grid, by globs of data sets: the runs that the pages of verdicts set beside a paper's numbers.
# Pretrained vectors of a paper are not at hand; those of IMDB stand in for them (config/jain_wallace.yaml).
MAIN_VARIANT = "released"
MAIN_VECTORS = {"babi*": "random, deviation 1", "*": "imdb"}

RECORDED = BOOK / "results"
# The files of a run; the first tells a run from a table that was collected.
ORIGIN, SUMMARY, TEXTS = "provenance.json", "summary.csv", "instances.parquet"
# A folder of tables; None stands for the usual one, or for none.
Folder = str | Path | None


def validate(frame: pd.DataFrame) -> pd.DataFrame:
    """The frame with the schema's columns first.

    ValueError names a missing column, a row in which one is empty (only `value` may be NaN), or a cell that
    should be a number, or a whole one, and is not.
    """
    if missing := [column for column in COLUMNS if column not in frame]:
        raise ValueError(f"result table lacks the columns {missing}; it has {list(frame.columns)}")
    for column in COLUMNS[:-1]:
        if (empty := frame[column].isna()).any():
            raise ValueError(f"result table: column {column!r} is empty in row {empty.to_numpy().argmax()}")
    for column in filter(frame.__contains__, (*WHOLE, *NUMBERS[:-1], "epsilon")):
        numbers = pd.to_numeric(frame[column], errors="coerce").astype(float)
        broken = (numbers.isna() & frame[column].notna()) | ((numbers % 1 > 0) & (column in WHOLE))
        if broken.any():
            row = int(broken.to_numpy().argmax())
            value = frame[column].iloc[row]
            raise ValueError(f"result table: column {column!r} holds {value!r} in row {row}")
    first = [*COLUMNS, *(column for column in OPTIONAL if column in frame)]
    return frame[[*first, *(column for column in frame if column not in first)]]


def without_repeats(table: pd.DataFrame) -> pd.DataFrame:
    """The table; ValueError names a row that differs from an earlier one in nothing but its numbers."""
    repeated = table.duplicated([name for name in table if name not in NUMBERS])
    if repeated.any():
        row = int(repeated.to_numpy().argmax())
        raise ValueError(f"row {row} repeats an earlier one ({table['metric'].iloc[row]!r})")
    return table


def write(frame: pd.DataFrame, path: str | Path, float_format: str | None = None) -> Path:
    """Write a frame as .csv, .csv.gz or .parquet, by its name; the file appears only when it is whole.

    float_format: of the numbers in a .csv, such as "%.6g"; None writes every digit.
    """
    path = Path(path)
    with replacing(path) as temporary:
        if path.suffix == ".parquet":
            frame.to_parquet(temporary, index=False)
        elif path.name.endswith((".csv", ".csv.gz")):
            text = frame.to_csv(index=False, float_format=float_format, lineterminator="\n").encode()
            # Without the time, the same table has the same bytes.
            temporary.write_bytes(gzip.compress(text, mtime=0) if path.suffix == ".gz" else text)
        else:
            raise ValueError(f"cannot write {path}: the name must end in .csv, .csv.gz or .parquet")
    return path


def read(path: str | Path, as_text: bool = False) -> pd.DataFrame:
    """Read a frame that `write` wrote; of a csv every column as text, none of it missing, if asked for."""
    path = Path(path)
    if path.suffix == ".parquet":
        return pd.read_parquet(path)
    # A class may be called "none" or "1", and a run's name may be all digits.
    how: dict[str, Any] = {"dtype": {"class": str, "run": str}, "na_values": [""]}
    how = {"dtype": str} if as_text else how
    try:
        return pd.read_csv(path, keep_default_na=False, **how)
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise ValueError(f"{path} is damaged: {error}") from None


def read_summary(path: str | Path) -> pd.DataFrame:
    """Read and validate a table of the schema. ValueError names the file and what is wrong in it."""
    with naming(path):
        table = validate(read(path))
        if table.empty:
            raise ValueError("the table has no rows")
    return table


def commit() -> str:
    """The commit of the working tree, with "+" when it has uncommitted changes; "unknown" outside git."""
    # Of no tag: the commit itself.
    command = ["git", "describe", "--always", "--exclude=*", "--abbrev=12", "--dirty=+"]
    try:
        done = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
    return done.stdout.strip()


def processor() -> str:
    """The name of this machine's processor; two of one kind can still differ in the last digits of a sum."""
    try:
        named = re.search(r"^model name\s*: *(.*\S)", Path("/proc/cpuinfo").read_text(), re.MULTILINE)
    except OSError:  # not Linux
        named = None
    return named[1] if named else platform.processor() or platform.machine()


def provenance(**more: Any) -> dict[str, Any]:
    """What a reader needs to make a number again: commit, versions, device, threads, draws, date, and `more`.

    device: the GPU's name if the run's `settings` say that it was used, or say nothing and there is one; else
    the kind of processor, whose name is `processor`. date: now, in UTC, as ISO 8601 with seconds.
    """
    import torch  # 2 of the 5 seconds in which a page starts, and most pages of recorded runs need none

    versions = {"python": platform.python_version()}
    for package in ("attnlib", "torch", "numpy", "scipy", "pandas"):
        try:
            versions[package] = version(package)
        except PackageNotFoundError:
            versions[package] = "not installed"
    # A run on the CPU of a machine with a GPU is none of the GPU's.
    on_gpu = torch.cuda.is_available() and more.get("settings", {}).get("device", "cuda") == "cuda"
    return {
        "commit": commit(),
        "versions": versions,
        "device": torch.cuda.get_device_name() if on_gpu else platform.machine(),
        "processor": processor(),
        "threads": torch.get_num_threads(),
        # By name: a page that only reads results does not depend on the kernels.
        "draws": import_module("attnlib.kernels._draws").DRAWS,
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        **more,
    }


def save_run(folder: str | Path, frame: pd.DataFrame, summary: pd.DataFrame, origin: dict[str, Any]) -> None:
    """The tables of one run in a folder: instances.parquet, summary.csv and provenance.json.

    A folder never holds tables of two runs: what was there stays until all is written, and goes with its
    summary first. A summary on disk means that the run is complete, for it comes last. The origin says of
    both tables how many rows they have and their sha256 (`check_whole`).
    ValueError for a summary that is not of the schema or repeats a row; then nothing is written.
    """
    summary = without_repeats(validate(summary))
    path, origin_path, texts = (Path(folder, name) for name in (SUMMARY, ORIGIN, TEXTS))
    # Each has its name when its block ends: the first of them last.
    with replacing(path) as last, replacing(origin_path) as said, replacing(texts) as first:
        tables = {SUMMARY: (write(summary, last), summary), TEXTS: (write(frame, first), frame)}
        known = {name: {"rows": len(t), "sha256": file_checksum(file)} for name, (file, t) in tables.items()}
        whole = {**origin, "tables": known}
        said.write_text(json.dumps(whole, indent=2, sort_keys=True, default=str) + "\n")
        path.unlink(missing_ok=True)


def read_origin(folder: Path) -> dict[str, Any]:
    """What the run in a folder says of itself (`provenance`)."""
    facts: dict[str, Any] = json.loads((folder / ORIGIN).read_text(encoding="utf-8"))
    return facts


@contextmanager
def of_whole_run(path: Path) -> Iterator[None]:
    """Whatever a file of a run lacks, or has of another kind, is a ValueError of the block that names it."""
    try:
        yield
    except (OSError, ValueError, AttributeError, KeyError, TypeError) as error:
        raise ValueError(f"{path} is missing or malformed ({error!r}): run it again") from None


def check_whole(table: Path) -> Path:
    """The path of a run's table; ValueError unless it is, byte for byte, the one that the run saved.

    Of runs that were saved before their origin told the sums of their tables, nothing is known.
    """
    origin = table.with_name(ORIGIN)
    with of_whole_run(origin):
        facts = read_origin(table.parent) if origin.is_file() else {}
        saved = facts.get("tables", {}).get(table.name)
        whole = not saved or (table.is_file() and file_checksum(table) == saved["sha256"])
    if not whole:
        rows = f"{saved['rows']} rows"
        raise ValueError(f"{table} is missing, cut or changed since the run saved it ({rows}): run it again")
    return table


def fits(value: object, globs: str) -> bool:
    """Whether one of the globs, divided by |, fits a value."""
    return any(fnmatchcase(str(value), glob) for glob in globs.split("|"))


def label(values: pd.Series, names: Mapping[str, Any]) -> pd.Series:
    """The name of the first key whose globs fit each value; the value itself where none does."""
    found = {
        value: next((name for globs, name in names.items() if fits(value, globs)), value)
        for value in values.unique()
    }
    return values.map(found)


def of_run(run: Any, summary: pd.DataFrame, page: str) -> pd.DataFrame:
    """A summary with the columns that say which run it came from.

    run: what `attnlib.prepare` gave; page: the notebook's name, paper/experiment.
    """
    paper, experiment = page.split("/")
    return validate(summary.assign(paper=paper, experiment=experiment, **run.name))


def keep(
    folder: str | Path, run: Any, frame: pd.DataFrame, summary: pd.DataFrame, parameters: dict[str, Any]
) -> None:
    """The tables of a run and where they come from, in a folder (`save_run`).

    The rows of the texts have the columns that name the run too: dataset, encoder, seed, …. Time spent is
    told apart: training_seconds, whenever that was, and seconds, from the run's begin to now.
    """
    spent = {"seconds": time.perf_counter() - run.began}
    spent["training_seconds"] = sum(row["seconds"] for row in run.history)
    of_run = pd.DataFrame({name: value for name, value in run.name.items() if name not in frame}, frame.index)
    frame = pd.concat([of_run, frame], axis=1)
    if own := own_path(parameters.get("dataset")):
        # Whoever runs it again may stand in another folder.
        parameters = {**parameters, "dataset": str(own.absolute())}
    save_run(folder, frame, summary, provenance(parameters=parameters, settings=run.settings, **spent))


def identity(summary: pd.DataFrame) -> dict[str, str]:
    """What tells a run from all others, by the names in `RUN`: text, empty where one does not apply.

    `search` is which adversary was searched for: the methods named "<search> search", so that the rows of
    every method belong to the run that made them. Parameters that no column shows (limit, number of steps)
    are left out on purpose: two runs that differ in nothing else could not be told apart in a table, so the
    later takes the place of the earlier. ValueError where the rows come from several runs.
    """
    found = {}
    for name in RUN[:-1]:
        values = sorted(summary[name].dropna().unique()) if name in summary else []
        if len(values) > 1 and name in COLUMNS:
            raise ValueError(f"a summary holds one run, this one has several values of {name!r}: {values}")
        found[name] = " + ".join(f"{value:g}" if isinstance(value, float) else str(value) for value in values)
    methods = sorted(summary["method"].dropna().unique()) if "method" in summary else []
    found["search"] = " + ".join(m.removesuffix(" search") for m in methods if m.endswith(" search"))
    return found


def read_runs(sweep: str | Path, paper: str = "*", experiment: str = "*") -> dict[Path, pd.DataFrame]:
    """Summaries of the complete runs of a sweep, by folder, with a column `run`: a digest of the identity.

    Runs lie in `sweep`/<paper>/<experiment>/<cell>; one without summary.csv is not complete and is left out.
    ValueError names the file that is cut or malformed, lies under another experiment's name or repeats a row,
    and the two folders that hold the same run.
    """
    runs: dict[Path, pd.DataFrame] = {}
    folders: dict[str, Path] = {}
    for path in sorted(Path(sweep).glob(f"{paper}/{experiment}/*/{SUMMARY}")):
        table, folder = read_summary(check_whole(path)), path.parent
        with naming(path):
            found = identity(without_repeats(table))
            own = (found["paper"], found["experiment"])
            if folder.parts[-3:-1] != own:
                raise ValueError(f"its rows are of {'/'.join(own)}, its folder is of another experiment")
        name = digest(found)[:10]
        if name in folders:
            run = ", ".join(f"{key} {value}" for key, value in found.items() if value)
            remedy = "no column of their summaries tells them apart, so remove one"
            raise ValueError(f"{folders[name]} and {folder} hold the same run ({run}): {remedy}")
        folders[name] = folder
        runs[folder] = table.assign(run=name)
    return runs


def recorded_table(folder: str | Path, paper: str, experiment: str) -> Path:
    """The file with an experiment's recorded results: <experiment>.csv, or <experiment>.csv.gz if long."""
    return as_it_lies(Path(folder) / paper / f"{experiment}.csv")


def as_it_lies(plain: str | Path) -> Path:
    """The file of a table, <name>.csv: itself, or <name>.csv.gz if there is that one.

    There need be none; then it is the former. ValueError where both exist.
    """
    plain = Path(plain)
    packed = plain.with_name(f"{plain.name}.gz")
    if not packed.exists():
        return plain
    if plain.exists():
        raise ValueError(f"{plain} and {packed} both exist: remove the one that is older")
    return packed


def later_than(path: str | Path) -> Path:
    """Where the runs lie that were recorded after a table was packed: <name>.later.csv, or its .csv.gz."""
    name = Path(path).name.removesuffix(".gz").removesuffix(".csv")
    return as_it_lies(Path(path).with_name(f"{name}.later.csv"))


def read_recorded(path: str | Path) -> pd.DataFrame | None:
    """Read and validate a recorded table, whose rows name their run; None where there is no such file.

    The runs that were recorded after a packed table (`later_than`) take the place of its own.
    """
    if not Path(path).exists():
        return None
    table = _read_part(path)
    if (later := later_than(path)).exists():
        new = _read_part(later)
        table = merge(table, [new], new["run"])
    with naming(path):
        without_repeats(table)
    return table


def _read_part(path: str | Path) -> pd.DataFrame:
    table = read_summary(path)
    if "run" not in table:
        raise ValueError(f"{path}: the column 'run' is missing: attnbook record writes it")
    return table


def merge(old: pd.DataFrame | None, new: Iterable[pd.DataFrame], replaced: Iterable[str]) -> pd.DataFrame:
    """The rows of `old`, without those of the `replaced` runs, and the new ones, in a stable order."""
    parts = [] if old is None else [old[~old["run"].isin(set(replaced))]]
    parts = [part for part in (*parts, *new) if len(part)]
    if not parts:
        return pd.DataFrame()
    table = pd.concat(parts, ignore_index=True)
    # The name of the run last: the rows of a run keep the order in which its notebook wrote them.
    order = [*(name for name in RUN if name in table), "run"]
    return table.sort_values(order, kind="stable", ignore_index=True)


def recorded(paper: str, experiment: str, fresh: Folder = None, folder: Folder = None) -> pd.DataFrame:
    """The recorded results of an experiment, with fresh ones in their place where there are any.

    folder: of the recorded tables (see `recorded_table`; None: the repository's book/results);
    fresh: a sweep folder such as build/sweep (None: recorded results alone). A fresh run takes the place of
    *all* rows of the recorded run with the same identity, and further ones are added. The identity (see
    `identity`) is paper, experiment, dataset, encoder, scorer, seed, variant, vectors, epsilon and search.
    Returns the schema's columns, `run` (the same for all rows of a run) and `origin`, "recorded" or "fresh".
    FileNotFoundError where there is neither; ValueError names a malformed file.
    """
    path = recorded_table(folder or RECORDED, paper, experiment)
    old = read_recorded(path)
    runs = read_runs(fresh, paper, experiment) if fresh is not None else {}
    if old is None and not runs:
        place = Path(fresh) / paper / experiment if fresh is not None else "a sweep folder (none was given)"
        raise FileNotFoundError(
            f"no results of {paper}/{experiment}: neither the table {path} nor a complete run in {place}; "
            "make one with: make sweep"
        )
    new = [summary.assign(origin="fresh") for summary in runs.values()]
    old = old if old is None else old.assign(origin="recorded")
    return validate(merge(old, new, (summary["run"].iloc[0] for summary in runs.values())))
