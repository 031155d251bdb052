"""Tidy result tables: one schema for every experiment, intervals, provenance, files in and out."""

from __future__ import annotations

import json
import platform
import subprocess
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch

from attnlib.cache import replacing

COLUMNS = ("paper", "experiment", "dataset", "encoder", "scorer", "seed", "metric", "value")
OPTIONAL = ("class", "low", "high", "n")


def bootstrap_mean(
    values: np.ndarray, n_resamples: int = 2000, confidence: float = 0.95, seed: int = 0
) -> tuple[float, float]:
    """Percentile bootstrap interval of the mean over texts; (NaN, NaN) below two values.

    It covers the choice of test texts, not the training seed: for that, run several seeds.
    """
    values = np.asarray(values, dtype=float)
    if len(values) < 2:
        return float("nan"), float("nan")
    generator = np.random.default_rng(seed)
    # Counts of a multinomial draw are the resample; no [n_resamples, N] gather of the values is needed.
    means = np.empty(n_resamples)
    for start in range(0, n_resamples, 100):
        index = generator.integers(len(values), size=(min(100, n_resamples - start), len(values)))
        means[start : start + len(index)] = values[index].mean(axis=1)
    tail = (1 - confidence) / 2
    low, high = np.quantile(means, [tail, 1 - tail])
    return float(low), float(high)


def summarise(frame: pd.DataFrame, metrics: Sequence[str], by: str = "predicted") -> pd.DataFrame:
    """Mean, its bootstrap interval and n of each metric, overall and per value of `by`.

    NaN values (a rank correlation of a constant row, say) are left out, and `n` counts what is left, so that
    one undefined text never voids a mean. Returns columns metric, class, value, low, high, n.
    """
    groups = [("all", frame), *frame.groupby(by, sort=True)]
    rows = []
    for name, group in groups:
        for metric in metrics:
            values = group[metric].to_numpy(dtype=float)
            values = values[~np.isnan(values)]
            low, high = bootstrap_mean(values)
            mean = float(values.mean()) if len(values) else float("nan")
            rows.append((metric, name, mean, low, high, len(values)))
    return pd.DataFrame(rows, columns=["metric", "class", "value", "low", "high", "n"])


def tidy(
    summary: pd.DataFrame, *, paper: str, experiment: str, dataset: str, encoder: str, scorer: str, seed: int
) -> pd.DataFrame:
    """A summary with the columns that say which run it came from, in the schema's order."""
    run: dict[str, Any] = dict(
        paper=paper, experiment=experiment, dataset=dataset, encoder=encoder, scorer=scorer, seed=seed
    )
    return validate(summary.assign(**run))


def validate(frame: pd.DataFrame) -> pd.DataFrame:
    """The frame with the schema's columns first. ValueError names a missing column or a row without value."""
    missing = [column for column in COLUMNS if column not in frame.columns]
    if missing:
        raise ValueError(f"result table lacks the columns {missing}; it has {list(frame.columns)}")
    for column in COLUMNS[:-1]:
        empty = frame[column].isna()
        if empty.any():
            raise ValueError(f"result table: column {column!r} is empty in row {empty.to_numpy().argmax()}")
    first = [*COLUMNS, *(column for column in OPTIONAL if column in frame.columns)]
    return frame[[*first, *(column for column in frame.columns if column not in first)]]


def write(frame: pd.DataFrame, path: str | Path) -> Path:
    """Write a frame as .csv or .parquet, by its name; the file appears only when it is whole."""
    path = Path(path)
    with replacing(path) as temporary:
        if path.suffix == ".parquet":
            frame.to_parquet(temporary, index=False)
        elif path.suffix == ".csv":
            frame.to_csv(temporary, index=False)
        else:
            raise ValueError(f"cannot write {path}: the name must end in .csv or .parquet")
    return path


def read(path: str | Path) -> pd.DataFrame:
    """Read a frame that `write` wrote."""
    path = Path(path)
    return pd.read_parquet(path) if path.suffix == ".parquet" else pd.read_csv(path)


def commit() -> str:
    """The commit of the working tree, with "+" when it has uncommitted changes; "unknown" outside git."""
    root = Path(__file__).parent
    try:
        head = subprocess.run(
            ["git", "rev-parse", "--short=12", "HEAD"], cwd=root, capture_output=True, text=True, check=True
        ).stdout.strip()
        status = subprocess.run(
            ["git", "status", "--porcelain", "--untracked-files=no"], cwd=root, capture_output=True, text=True
        ).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
    return head + ("+" if status else "")


def provenance(**more: Any) -> dict[str, Any]:
    """What a reader needs to make a number again: commit, versions, device and threads, plus `more`."""
    versions = {"python": platform.python_version()}
    for package in ("attnlib", "torch", "numpy", "scipy", "pandas"):
        try:
            versions[package] = version(package)
        except PackageNotFoundError:
            versions[package] = "not installed"
    device = torch.cuda.get_device_name() if torch.cuda.is_available() else platform.machine()
    return {
        "commit": commit(),
        "versions": versions,
        "device": device,
        "threads": torch.get_num_threads(),
        **more,
    }


def save_run(folder: str | Path, frame: pd.DataFrame, summary: pd.DataFrame, origin: dict[str, Any]) -> None:
    """The tables of one run in a folder: instances.parquet, summary.csv and provenance.json."""
    folder = Path(folder)
    write(frame, folder / "instances.parquet")
    with replacing(folder / "provenance.json") as temporary:
        temporary.write_text(json.dumps(origin, indent=2, sort_keys=True, default=str) + "\n")
    # Last: a summary on disk means that the run is complete.
    write(validate(summary), folder / "summary.csv")
