"""The record as text: one table of kernels, one of slopes, and the machine's rates."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks.floors import UNITS
from benchmarks.sizes import Size

Record = dict[str, Any]
NOT_MEASURED = "not measured"


def read(folder: Path) -> list[Record]:
    """All records in `folder`."""
    return [json.loads(path.read_text(encoding="utf-8")) for path in sorted(folder.glob("*.json"))]


def latest(records: Sequence[Record], kind: str) -> Record | None:
    """The newest whole record of a kind of device ("cpu" or "cuda"), if there is one."""
    of_kind = [r for r in records if r["device"]["kind"] == kind and not r["quick"]]
    return max(of_kind, key=lambda r: r["date"], default=None)


def seconds(value: float | None) -> str:
    """Three digits with a unit."""
    if value is None:
        return "–"
    for limit, factor, unit in ((1e-3, 1e6, "µs"), (1, 1e3, "ms"), (300, 1, "s")):
        if value < limit:
            return f"{value * factor:.3g} {unit}"
    return f"{value / 60:.3g} min"


def table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Columns padded to their widest cell; the first two to the left, the others to the right."""
    widths = [max(len(row[i]) for row in (header, *rows)) for i in range(len(header))]

    def line(row: Sequence[str]) -> str:
        left = [cell.ljust(width) for cell, width in zip(row[:2], widths[:2], strict=True)]
        right = [cell.rjust(width) for cell, width in zip(row[2:], widths[2:], strict=True)]
        return "  ".join(left + right).rstrip()

    return "\n".join([line(header), "  ".join("-" * w for w in widths), *map(line, rows)])


def _key(row: Record) -> tuple[str, str, str]:
    return row["kernel"], row["size"], row["variant"]


def _verdict(row: Record) -> str:
    if not row["target"]:
        return ""
    return {True: "met", False: "NOT MET", None: "not judged"}[row["met"]]


def _ratio(value: float | None) -> str:
    if value is None:
        return "–"
    return f"{value:,.0f}×" if value >= 100 else f"{value:.3g}×"


def kernels(record: Record, gpu: Record | None) -> str:
    """Ours and the plain way, what they agree on, memory and floor; a column for the GPU's record."""
    on_gpu = {} if gpu is None else {_key(row): row for row in gpu["rows"]}
    header = ["kernel", "size", "ours", "CPU", "plain", "ratio", "from–to", "library", "agreement", "MiB"]
    header += ["floor", "× floor", "goal", "", "authors", "GPU"]
    lines = []
    for row in record["rows"]:
        # ~ where a part of the texts was measured and the time scaled to all
        part = "~" if row["ours_texts"] < row["texts"] else ""
        plain = "~" if row["extrapolated"] and row["plain_s"] is not None else ""
        other = on_gpu.get(_key(row))
        lines.append(
            [
                f"{row['kernel']} {row['variant']}".strip(),
                row["size"],
                part + seconds(row["ours_s"]),
                seconds(row["ours_cpu_s"]),
                plain + seconds(row["plain_s"]),
                _ratio(row["ratio"]),
                "" if row["ratio"] is None else f"{_ratio(row['ratio_low'])}–{_ratio(row['ratio_high'])}",
                "" if row["library_s"] is None else seconds(row["library_s"]),
                ("yes " if row["agrees"] else "NO ") + f"{row['agreement_value']:.1e}",
                "–" if row["peak_mib"] is None else f"{row['peak_mib']:.0f}",
                seconds(row["floor_s"]),
                _ratio(row["over_floor"]),
                row["target"],
                _verdict(row),
                "" if row["authors_s"] is None else f"{row['authors_s']:g} s",
                NOT_MEASURED if other is None else seconds(other["ours_s"]),
            ]
        )
    return table(header, lines)


def notes(record: Record) -> str:
    """How many texts were measured where that is not all, and what each agreement says."""
    lines = []
    for row in record["rows"]:
        name = " ".join(filter(None, (row["kernel"], row["variant"], row["size"])))
        parts = [row["agreement"]]
        if row["plain_s"] is not None and row["plain_texts"] < row["texts"]:
            parts.append(f"plain way on {row['plain_texts']} of {row['texts']} texts")
        if row["plain_note"]:
            parts.append(row["plain_note"])
        if row["library"]:
            parts.append(f"library: {row['library']}")
        if row["ours_texts"] < row["texts"]:
            parts.append(f"ours on {row['ours_texts']} of {row['texts']} texts")
        lines.append(f"  {name}: {'; '.join(parts)}")
    return "\n".join(lines)


def slopes(record: Record) -> str:
    """Seconds at the smallest and largest point, fitted slope and expected one."""
    rows = []
    for s in record["scaling"]:
        points = f"{s['over']} {s['x'][0]}–{s['x'][-1]}"
        times = [seconds(s["seconds"][0]), seconds(s["seconds"][-1])]
        rows.append([s["kernel"], points, *times, f"{s['slope']:.2f}", s["expected"]])
    return table(["kernel", "range", "first", "last", "slope", "expected"], rows)


def text(record: Record, records: Sequence[Record]) -> str:
    """Everything `make bench` prints at the end."""
    device = record["device"]
    gpu = record if device["kind"] == "cuda" else latest(records, "cuda")
    versions = ", ".join(f"{name} {version}" for name, version in record["versions"].items())
    rates = "  ".join(f"{name} {value:.2e} {UNITS[name]}" for name, value in record["rates"].items())
    described = (
        f"{s['name']} = {s['title']}, {s['texts']} texts of up to {s['longest']} tokens"
        for s in record["sizes"]
    )
    parts = [
        f"{device['name']}, {device['threads']} threads, {record['date']}, seed {record['seed']}"
        + (" — quick run, its ratios are not the targets'" if record["quick"] else ""),
        versions,
        "; ".join(described),
        "",
        kernels(record, gpu),
        "",
        "~ scaled from a part of the texts or steps. Agreement, and the parts:",
        notes(record),
        "",
        "Scaling, seconds per text for T and in all for N, C and P:" if record["scaling"] else "",
        slopes(record) if record["scaling"] else "",
        "",
        f"Rates behind the floors (formulas {record['floors']}): {rates}",
        f"GPU: {NOT_MEASURED if gpu is None else gpu['device']['name']}. {record['seconds']:.0f} s in all.",
    ]
    return "\n".join(parts)


def sizes(used: Sequence[Size]) -> list[Record]:
    """The sizes as they were run."""
    return [dict(name=s.name, title=s.title, texts=s.texts, longest=s.longest) for s in used]
