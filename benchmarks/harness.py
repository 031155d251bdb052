"""Timing, memory and rows of the table: what every measurement shares."""

from __future__ import annotations

import ctypes
import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any, TypeVar

import torch

from benchmarks.floors import Work, synchronise
from benchmarks.sizes import SIZES, Size, States, Workload, workload

T = TypeVar("T")

SECONDS = 0.6  # repeats of a measurement stop after this long
REPEATS = 7
LONG = 4.0  # a call that takes longer is repeated once only, and measured for memory the first time


@dataclass(frozen=True)
class Settings:
    """How much to measure. `texts` and `tokens` scale the workloads, `steps` those of the search."""

    device: str = "cpu"
    seed: int = 0
    texts: float = 1.0
    tokens: float = 1.0
    steps: int = 500
    batches: int | None = None  # at most so many batches for the plain way
    scaling: int = 1 << 16  # tokens per point of the scaling measurements


@dataclass(frozen=True)
class Measured:
    """Ours: fastest call, peak memory above what was held before (None where it cannot be had), result."""

    seconds: float
    repeats: int
    peak_mib: float | None
    result: Any


@dataclass
class Row:
    """One kernel at one size. Seconds are for all `texts`; the *_texts say on how many they were measured."""

    kernel: str
    size: str
    variant: str
    texts: int
    tokens: int
    classes: int
    ours_s: float
    ours_texts: int
    repeats: int
    peak_mib: float | None
    plain_s: float | None
    plain_texts: int
    plain_note: str
    ratio: float | None
    extrapolated: bool
    agreement: str
    agreement_value: float
    agrees: bool
    floor_s: float
    floor: dict[str, float]
    over_floor: float
    target: str = ""
    met: bool | None = None
    authors_s: float | None = None
    extra: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Agreement:
    """What was compared, its value, and whether that is within the limit."""

    what: str
    value: float
    holds: bool


def within(what: str, value: float, limit: float) -> Agreement:
    """`value` ≤ `limit`; NaN is not."""
    return Agreement(f"{what} ≤ {limit:.0e}", value, bool(value <= limit))


class Memory:
    """Peak memory of a call above what was held when it began, MiB."""

    def __init__(self, device: str) -> None:
        self.cuda = device.startswith("cuda")
        self.before: float | None = None

    def start(self) -> None:
        """Forget earlier peaks."""
        if self.cuda:
            torch.cuda.reset_peak_memory_stats()
            self.before = torch.cuda.memory_allocated() / 2**20
            return
        try:
            ctypes.CDLL(None).malloc_trim(0)  # give back what earlier calls freed
            with open("/proc/self/clear_refs", "w") as file:
                file.write("5")  # the peak starts anew at the present size
            self.before = _status("VmRSS")
        except (OSError, AttributeError):
            self.before = None  # not Linux

    def stop(self) -> float | None:
        """MiB above the start."""
        if self.before is None:
            return None
        peak = torch.cuda.max_memory_allocated() / 2**20 if self.cuda else _status("VmHWM")
        return max(0.0, peak - self.before)


def _status(key: str) -> float:
    with open("/proc/self/status") as file:
        for line in file:
            if line.startswith(key):
                return int(line.split()[1]) / 1024
    raise OSError(key)


class Bench:
    """Measures with one set of settings; workloads and the plain searches are made once and kept."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.rows: list[Row] = []
        self.rates: dict[str, float] = {}
        self._workloads: dict[str, Workload] = {}
        self._kept: dict[Any, Any] = {}

    def size(self, name: str) -> Size:
        """A size as these settings scale it."""
        return SIZES[name].scaled(self.settings.texts, self.settings.tokens)

    def workload(self, name: str) -> Workload:
        """The workload of a size, on the device."""
        if name not in self._workloads:
            made = workload(self.size(name), self.settings.seed)
            self._workloads[name] = made.to(self.settings.device)
        return self._workloads[name]

    def once(self, key: Any, make: Callable[[], T]) -> T:
        """A result that several kernels are compared with, computed at the first request."""
        if key not in self._kept:
            self._kept[key] = make()
        return self._kept[key]

    def ours(self, call: Callable[[], Any], memory: bool = True) -> Measured:
        """Fastest of several calls after one to warm up, and the peak memory of a call of its own."""
        meter = Memory(self.settings.device)
        meter.start()
        first, result = self.timed(call)
        peak = meter.stop()
        if first > LONG:
            return Measured(min(first, self.timed(call)[0]), 2, peak, result)
        times: list[float] = []
        while len(times) < 2 or (len(times) < REPEATS and sum(times) < SECONDS):
            times.append(self.timed(call)[0])
        if memory:  # again: the first call also loaded code and filled caches
            meter.start()
            self.timed(call)
            peak = meter.stop()
        return Measured(min(times), len(times), peak, result)

    def timed(self, call: Callable[[], T]) -> tuple[float, T]:
        """Seconds and result of one call, the device's work included."""
        synchronise(self.settings.device)
        start = time.perf_counter()
        result = call()
        synchronise(self.settings.device)
        return time.perf_counter() - start, result

    def rows_for_plain(self, w: Workload, count: int | None) -> list[slice]:
        """Which batches the plain way runs on."""
        most = self.settings.batches
        if most is not None:
            count = most if count is None else min(count, most)
        return w.batches(count)

    def plain(
        self, w: Workload, batches: list[slice], call: Callable[[States, slice], T]
    ) -> tuple[float, list[T]]:
        """Seconds of the plain way on these batches and its results; making the states is not counted.

        Quick batches are run three times and their fastest counts, as for ours.
        """
        total, results = 0.0, []
        for number, rows in enumerate(batches):
            states = w.states(rows)
            seconds, result = self.timed(partial(call, states, rows))
            again = 0 if seconds > 0.5 else 2 if seconds < 0.05 or number == 0 else 1
            for _ in range(again):
                seconds = min(seconds, self.timed(partial(call, states, rows))[0])
            total += seconds
            results.append(result)
        return total, results

    def add(
        self,
        kernel: str,
        w: Workload,
        measured: Measured,
        floor: Work,
        agreement: Agreement,
        *,
        variant: str = "",
        ours_texts: int | None = None,
        plain_s: float | None = None,
        plain_texts: int = 0,
        plain_note: str = "",
        **extra: Any,
    ) -> Row:
        """Add a row. Seconds measured on a part of the texts are scaled to all of them."""
        texts = len(w)
        ours_texts = texts if ours_texts is None else ours_texts
        ours_s = measured.seconds * texts / ours_texts
        floor_s = floor.seconds(self.rates) if self.rates else math.nan
        if plain_s is not None:
            plain_s *= texts / plain_texts
        partly = ours_texts < texts or (plain_s is not None and (plain_texts < texts or plain_note != ""))
        row = Row(
            kernel=kernel,
            size=w.size.name,
            variant=variant,
            texts=texts,
            tokens=int(w.readout.mask.sum()),
            classes=w.size.classes,
            ours_s=ours_s,
            ours_texts=ours_texts,
            repeats=measured.repeats,
            peak_mib=measured.peak_mib,
            plain_s=plain_s,
            plain_texts=plain_texts,
            plain_note=plain_note,
            ratio=None if plain_s is None else plain_s / ours_s,
            extrapolated=partly,
            agreement=agreement.what,
            agreement_value=agreement.value,
            agrees=agreement.holds,
            floor_s=floor_s,
            floor=floor.counts(),
            over_floor=ours_s / floor_s,
            extra=extra,
        )
        self.rows.append(row)
        return row
