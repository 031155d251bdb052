"""Timing, memory and rows of the table: what every measurement shares."""

from __future__ import annotations

import ctypes
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from statistics import median
from typing import Any, NamedTuple, TypeVar

import torch

from benchmarks.floors import Work, synchronise
from benchmarks.sizes import SIZES, Size, States, Workload, workload

T = TypeVar("T")

REPEATS = 7
LONG = 4.0  # a call that takes longer is repeated once only, and measured for memory the first time


@dataclass(frozen=True)
class Settings:
    """How much to measure. `texts` and `tokens` scale the workloads, `steps` those of the search.

    seconds: repeats of one call stop after so many, but not before the third.
    """

    device: str = "cpu"
    seed: int = 0
    texts: float = 1.0
    tokens: float = 1.0
    steps: int = 500
    batches: int | None = None  # at most so many batches for the plain way
    scaling: int = 1 << 16  # tokens per point of the scaling measurements
    seconds: float = 1.5


class Times(NamedTuple):
    """Wall and CPU seconds of repeated calls, in their order. CPU seconds are those of all threads."""

    wall: list[float]
    cpu: list[float]


@dataclass(frozen=True)
class Measured:
    """Ours: times after a first call, peak memory above what was held before (None where unknown), result.

    plain: wall seconds of the plain way, each taken directly after a call of ours; empty where there is none.
    """

    times: Times
    peak_mib: float | None
    result: Any
    plain: list[float] = field(default_factory=list)

    @property
    def seconds(self) -> float:
        """The median."""
        return median(self.times.wall)


@dataclass
class Row:
    """One kernel at one size. Seconds are for all `texts`; the *_texts say on how many they were measured.

    Seconds and the ratio to the plain way are medians; low and high are the least and the largest found.
    """

    kernel: str
    size: str
    variant: str
    texts: int
    tokens: int
    classes: int
    ours_s: float
    ours_low_s: float
    ours_high_s: float
    ours_cpu_s: float
    ours_texts: int
    repeats: int
    peak_mib: float | None
    plain_s: float | None
    plain_texts: int
    plain_note: str
    ratio: float | None
    ratio_low: float | None
    ratio_high: float | None
    extrapolated: bool
    agreement: str
    agreement_value: float
    agrees: bool
    floor_s: float | None
    floor: dict[str, float]
    over_floor: float | None
    library: str = ""
    library_s: float | None = None
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

    def ours(
        self, call: Callable[[], Any], plain: Callable[[], float] | None = None, memory: bool = True
    ) -> Measured:
        """Seven calls after one to warm up, fewer where they are slow; the peak memory of a call of its own.

        plain: runs the plain way once and returns its seconds. The two are called by turns, so that what
        else the machine does meets both.
        """
        meter = Memory(self.settings.device)
        meter.start()
        (first, _), result = self.timed(call)
        peak = meter.stop()
        times = Times([], [])
        theirs: list[float] = []
        least, most = (1, 1) if first > LONG else (3, REPEATS)
        while len(times.wall) < least or (len(times.wall) < most and sum(times.wall) < self.settings.seconds):
            (wall, cpu), _ = self.timed(call)
            times.wall.append(wall)
            times.cpu.append(cpu)
            if plain is not None and sum(theirs) < 2 * self.settings.seconds:
                theirs.append(plain())
        if memory and first <= LONG:  # again: the first call also loaded code and filled caches
            meter.start()
            self.timed(call)
            peak = meter.stop()
        return Measured(times, peak, result, theirs)

    def timed(self, call: Callable[[], T]) -> tuple[tuple[float, float], T]:
        """Wall and CPU seconds, and the result, of one call, the device's work included."""
        synchronise(self.settings.device)
        start = time.perf_counter(), time.process_time()
        result = call()
        synchronise(self.settings.device)
        return (time.perf_counter() - start[0], time.process_time() - start[1]), result

    def rows_for_plain(self, w: Workload, count: int | None) -> list[slice]:
        """Which batches the plain way runs on."""
        most = self.settings.batches
        if most is not None:
            count = most if count is None else min(count, most)
        return w.batches(count)

    def plain(
        self, w: Workload, batches: list[slice], call: Callable[[States, slice], T]
    ) -> tuple[float, list[T]]:
        """Seconds of the plain way on these batches and its results; making the states is not counted."""
        total, results = 0.0, []
        for rows in batches:
            states = w.states(rows)
            (seconds, _), result = self.timed(partial(call, states, rows))
            total += seconds
            results.append(result)
        return total, results

    def compare(
        self,
        ours: Callable[[], Any],
        w: Workload,
        batches: list[slice],
        call: Callable[[States, slice], T],
    ) -> tuple[Measured, list[T]]:
        """Ours and the plain way on some batches by turns, and the results of the plain way."""
        _, found = self.plain(w, batches, call)  # warms it up
        return self.ours(ours, lambda: self.plain(w, batches, call)[0]), found

    def add(
        self,
        kernel: str,
        w: Workload,
        measured: Measured,
        floor: Work | None,
        agreement: Agreement,
        *,
        variant: str = "",
        ours_texts: int | None = None,
        plain_s: float | None = None,
        plain_texts: int = 0,
        plain_note: str = "",
        library: str = "",
        library_s: float | None = None,
        **extra: Any,
    ) -> Row:
        """Add a row. Seconds measured on a part of the texts are scaled to all of them.

        plain_s: of a plain way that was measured apart; else it is that of `measured`.
        """
        texts = len(w)
        ours_texts = texts if ours_texts is None else ours_texts
        wall, cpu = ([x * texts / ours_texts for x in times] for times in measured.times)
        scale = texts / plain_texts if plain_texts else 1.0
        theirs = [x * scale for x in ([plain_s] if plain_s is not None else measured.plain)]
        of_each = wall if len(theirs) > 1 else [median(wall)]  # one plain run stands for all
        ratios = [x / y for x, y in zip(theirs, of_each, strict=False)]
        floor_s = floor.seconds(self.rates) if floor is not None and self.rates else None
        partly = ours_texts < texts or (bool(theirs) and (plain_texts < texts or plain_note != ""))
        row = Row(
            kernel=kernel,
            size=w.size.name,
            variant=variant,
            texts=texts,
            tokens=int(w.readout.mask.sum()),
            classes=w.size.classes,
            ours_s=median(wall),
            ours_low_s=min(wall),
            ours_high_s=max(wall),
            ours_cpu_s=median(cpu),
            ours_texts=ours_texts,
            repeats=len(wall),
            peak_mib=measured.peak_mib,
            plain_s=median(theirs) if theirs else None,
            plain_texts=plain_texts,
            plain_note=plain_note,
            ratio=median(ratios) if ratios else None,
            ratio_low=min(ratios, default=None),
            ratio_high=max(ratios, default=None),
            extrapolated=partly,
            agreement=agreement.what,
            agreement_value=agreement.value,
            agrees=agreement.holds,
            floor_s=floor_s,
            floor={} if floor is None else floor.counts(),
            over_floor=None if floor_s is None else median(wall) / floor_s,
            library=library,
            library_s=library_s,
            extra=extra,
        )
        self.rows.append(row)
        return row
