"""What is measured for each kernel: our call, the plain way, what must agree, and the floor."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import Tensor

from attnlib import Readout, kernels
from attnlib.data.corpus import Corpus, Split
from attnlib.explain import leave_one_out as explain_leave_one_out
from attnlib.kernels.adversary import Adversary
from attnlib.models import Architecture, build, collate
from attnlib.training import flat
from attnlib.training.fit import epochs
from benchmarks import floors, libraries, plain
from benchmarks.harness import Agreement, Bench, Measured, within
from benchmarks.sizes import States, Workload, rankings, rising_attention, texts

EPSILON = 0.01
PERMUTATIONS = 100
SINGLE = 1e-5  # what float32 sums of the plain way may differ by

Measure = Callable[[Bench, Workload, int | None], None]


@dataclass(frozen=True)
class Case:
    """A kernel's measurement, and on how many batches of 32 the plain way runs at each size (None: all)."""

    measure: Measure
    batches: dict[str, int | None]


CASES: dict[str, Case] = {}


def case(**batches: int | None) -> Callable[[Measure], Measure]:
    """Register a measurement under the kernel's name, which is the function's."""

    def register(measure: Measure) -> Measure:
        CASES[measure.__name__] = Case(measure, batches)
        return measure

    return register


def _parts(batches: list[slice]) -> Tensor:
    return torch.cat([torch.arange(rows.start, rows.stop) for rows in batches])


def _pad(x: Tensor, width: int) -> Tensor:
    return torch.nn.functional.pad(x, (0, width - x.shape[1]))


def _standard_errors(mine: Tensor, theirs: Tensor) -> float:
    """How far the mean difference of two samples of the same texts is from 0."""
    difference = mine.double().cpu() - theirs.double().cpu()
    error = float(difference.std()) / len(difference) ** 0.5
    mean = abs(float(difference.mean()))
    return 0.0 if mean < 1e-6 else mean / max(error, 1e-12)


def _two_classes(x: Tensor) -> Tensor:
    """The plain way's single probability as two columns."""
    return torch.cat([1 - x, x], -1) if x.shape[-1] == 1 else x


# ---------------------------------------------------------------------------------------- adversaries

# The steps of a search cost the same: for long texts the plain way takes some of them and is scaled.
_PLAIN_STEPS = {"sst": 500, "qa": 200, "imdb": 150, "mimic": 10}


@dataclass(frozen=True)
class _Search:
    seconds: float  # for all steps, on these batches, run once: it takes minutes
    batches: list[slice]
    steps: int  # really taken
    weights: Tensor  # [texts, T]
    jsd: Tensor  # [texts]
    note: str


def _plain_search(bench: Bench, w: Workload, n_batches: int | None) -> _Search:
    """The published search through hidden states, which two kernels are compared with."""
    every = bench.settings.steps
    steps = min(_PLAIN_STEPS[w.size.name], every)
    chosen = bench.rows_for_plain(w, n_batches)

    def search(states: States, rows: slice) -> tuple[Tensor, Tensor]:
        generator = torch.Generator().manual_seed(bench.settings.seed + rows.start)
        return plain.search_adversary(states, EPSILON, steps, generator)

    plain.search_adversary(w.states(chosen[0]), EPSILON, 1, torch.Generator())  # torch loads its optimisers
    seconds, found = bench.plain(w, chosen, search)
    weights = torch.cat([_pad(p, w.readout.mask.shape[1]) for _, p in found])
    jsd = torch.cat([jsd for jsd, _ in found])
    note = "" if steps == every else f"{steps} of {every} steps"
    return _Search(seconds * every / steps, chosen, steps, weights, jsd, note)


@case(sst=4, imdb=2, mimic=1)
def exact_adversary(bench: Bench, w: Workload, n_batches: int | None) -> None:
    """Against the search through hidden states: never below it, feasible, on at most two tokens."""
    measured = bench.ours(lambda: kernels.exact_adversary(w.readout, EPSILON))
    search = bench.once(("search", w.size.name), lambda: _plain_search(bench, w, n_batches))
    rows = _parts(search.batches).to(w.readout.device)
    searched = kernels.jsd(search.weights, w.readout.alpha[rows])
    above = float((searched - measured.result.jsd[rows]).max())
    bench.add(
        "exact_adversary",
        w,
        measured,
        floors.exact_adversary(w.readout.lengths),
        # float32 weights of the search may overstep ε by rounding, and gain by it
        _feasible(w, measured, "search − exact", above, SINGLE),
        plain_s=search.seconds,
        plain_texts=len(rows),
        plain_note=search.note,
        mean_jsd=float(measured.result.jsd.mean()),
    )
    if w.size.name != "mimic":
        return
    worst = rising_attention(w.size, bench.settings.seed).to(bench.settings.device)
    measured = bench.ours(lambda: kernels.exact_adversary(worst.readout, EPSILON))
    bench.add(
        "exact_adversary",
        worst,
        measured,
        floors.exact_adversary_rising(worst.readout.lengths),
        _feasible(worst, measured, "", 0.0, 0.0),
        variant="worst case",
    )


def _feasible(w: Workload, measured: Measured, what: str, value: float, limit: float) -> Agreement:
    found = measured.result
    scale = 1 + w.readout.scores.abs().amax((1, 2)).double()
    feasible = bool((found.tvd <= EPSILON + 1e-6 * scale).all())
    two = bool(((found.weights > 0).sum(1) <= 2).logical_or(found.jsd == 0).all())
    text = "TVD ≤ ε, two tokens" + (f", {what} ≤ {limit:.0e}" if what else "")
    return Agreement(text, value, feasible and two and value <= limit)


@case(sst=4, imdb=2, qa=2)
def search_adversary(bench: Bench, w: Workload, n_batches: int | None) -> None:
    """Against the same search through hidden states: starts differ, so the mean JSD is compared."""
    search = bench.once(("search", w.size.name), lambda: _plain_search(bench, w, n_batches))
    # all of the long texts would take minutes: a few more batches than the plain way's
    ours = {"sst": None, "qa": 8, "imdb": 32}[w.size.name]
    rows = _parts(bench.rows_for_plain(w, ours))
    some = w.readout.select(rows.to(w.readout.device))

    def run(readout: Readout, steps: int) -> Adversary:
        return kernels.search_adversary(
            readout, EPSILON, n_steps=steps, seed=bench.settings.seed, variant="released"
        )

    measured = bench.ours(lambda: run(some, bench.settings.steps))
    same = w.readout.select(_parts(search.batches).to(w.readout.device))
    mine = run(same, search.steps).jsd
    bench.add(
        "search_adversary",
        w,
        measured,
        floors.search_adversary(w.readout.lengths, w.size.classes, bench.settings.steps),
        within("difference of mean JSD, standard errors", _standard_errors(mine, search.jsd), 4),
        ours_texts=len(some),
        plain_s=search.seconds,
        plain_texts=len(same),
        plain_note=search.note,
        mean_jsd=float(mine.mean()),
        plain_mean_jsd=float(search.jsd.mean()),
    )


# ---------------------------------------------------------------------------------------- permutation


@case(sst=18, imdb=8, mimic=2, qa=12)
def permutation_test(bench: Bench, w: Workload, n_batches: int | None) -> None:
    """Draws differ: the medians must agree in the mean, within four standard errors."""
    seed = bench.settings.seed
    chosen = bench.rows_for_plain(w, n_batches)
    generator = torch.Generator().manual_seed(seed)
    measured, found = bench.compare(
        lambda: kernels.permutation_test(w.readout, PERMUTATIONS, seed),
        w,
        chosen,
        lambda s, _: plain.permutation_test(s, PERMUTATIONS, generator),
    )
    rows = _parts(chosen)
    errors = _standard_errors(measured.result[rows.to(w.readout.device)], torch.cat(found))
    bench.add(
        "permutation_test",
        w,
        measured,
        floors.permutation_test(w.readout.lengths, w.size.classes, PERMUTATIONS),
        within("difference of mean median, standard errors", errors, 4),
        plain_texts=len(rows),
        mean_median=float(measured.result.mean()),
    )


# ---------------------------------------------------------------------------------------- erasure


@case(sst=18, imdb=4, qa=12, han=100)
def erase_each(bench: Bench, w: Workload, n_batches: int | None) -> None:
    """All single erasures: probabilities against one decoder pass per token."""
    chosen = bench.rows_for_plain(w, n_batches)
    measured, found = bench.compare(
        lambda: kernels.erase_each(w.readout), w, chosen, lambda s, _: plain.erase_each(s)
    )
    worst = 0.0
    for rows, theirs in zip(chosen, found, strict=True):
        gap = (measured.result[rows, : theirs.shape[1]] - _two_classes(theirs).double()).abs()
        # NaN in ours marks positions off the mask, NaN in theirs nothing left (0/0)
        worst = max(worst, float(gap.nan_to_num(0.0).max()))
    bench.add(
        "erase_each",
        w,
        measured,
        floors.erase_each(w.readout.lengths, w.size.classes),
        within("max abs difference", worst, SINGLE),
        plain_texts=len(_parts(chosen)),
    )


@case(sst=18, imdb=2, qa=8, han=60)
def erase_until_flip(bench: Bench, w: Workload, n_batches: int | None) -> None:
    """Four rankings: the counts are those of step-by-step erasure, but for margins within rounding."""
    orders = [order for _, order in rankings(w.readout, bench.settings.seed)]
    chosen = bench.rows_for_plain(w, n_batches)

    def step_by_step(states: States, rows: slice) -> Tensor:
        width = states.mask.shape[1]
        return torch.stack([plain.erase_until_flip(states, order[rows, :width]) for order in orders])

    measured, found = bench.compare(
        lambda: [kernels.erase_until_flip(w.readout, order).count for order in orders],
        w,
        chosen,
        step_by_step,
    )
    rows = _parts(chosen).to(w.readout.device)
    counts = torch.stack(measured.result)
    differ = counts[:, rows] != torch.cat(found, 1)
    bench.add(
        "erase_until_flip",
        w,
        measured,
        floors.erase_until_flip(w.readout.lengths, w.size.classes, len(orders)),
        # float32 sums of the plain way decide a near tie either way
        within("share of counts that differ", float(differ.double().mean()), 2e-3),
        variant="4 rankings",
        plain_texts=len(rows),
        mean_fraction=float((counts / w.readout.lengths).mean()),
    )


@case(sst=0, imdb=0, mimic=0, qa=0, han=6)
def minimal_flip_set(bench: Bench, w: Workload, n_batches: int | None) -> None:
    """Never more than a ranking's count; equal to exhaustive search on texts of at most ten sentences."""
    measured = bench.ours(lambda: kernels.minimal_flip_set(w.readout))
    found = measured.result
    options: dict[str, Any] = {}
    if not n_batches:  # exhaustive search is out of the question
        excess = 0
        for _, order in rankings(w.readout, bench.settings.seed):
            other = kernels.erase_until_flip(w.readout, order)
            flips = other.flipped & ~other.emptied
            excess = max(excess, int(torch.where(flips, found.count - other.count, 0).max()))
        agreement = within("count − least of 4 rankings", float(excess), 0)
    else:
        short = [rows for rows in w.batches() if int(w.readout.lengths[rows].max()) <= 10]
        chosen = [short[int((i + 0.5) * len(short) / n_batches)] for i in range(n_batches)]
        seconds, counts = bench.plain(w, chosen, lambda s, _: plain.minimal_flip_count(s))
        rows = _parts(chosen).to(w.readout.device)
        differ = float((found.count[rows] != torch.cat(counts)).double().mean())
        agreement = within("share that differs from exhaustive", differ, 2e-3)
        note = "2^T subsets, texts of ≤ 10 sentences only: a lower bound"
        options = dict(plain_s=seconds, plain_texts=len(rows), plain_note=note)
    floor = floors.minimal_flip_set(w.readout.lengths, w.size.classes)
    bench.add("minimal_flip_set", w, measured, floor, agreement, **options)


@case(sst=18, imdb=4, qa=12, han=100)
def reach(bench: Bench, w: Workload, n_batches: int | None) -> None:
    """What single tokens decide: probabilities against one decoder pass per token."""
    chosen = bench.rows_for_plain(w, n_batches)
    measured, found = bench.compare(lambda: kernels.reach(w.readout), w, chosen, lambda s, _: plain.reach(s))
    worst = 0.0
    for rows, alone in zip(chosen, found, strict=True):
        some = w.readout.select(rows)
        mask = some.mask[:, : alone.shape[1]]
        y = some.predictions()[:, None, None].expand(-1, mask.shape[1], 1)
        p = _two_classes(alone).double().gather(2, y)[..., 0].masked_fill(~mask, torch.inf)
        worst = max(worst, float((p.amin(1) - measured.result.lowest[rows]).abs().max()))
    bench.add(
        "reach",
        w,
        measured,
        floors.reach(w.readout.lengths, w.size.classes),
        within("max abs difference", worst, SINGLE),
        plain_texts=len(_parts(chosen)),
    )


# ---------------------------------------------------------------------------------------- correlation


@case(sst=None, imdb=60, mimic=None, han=100)
def kendall_tau(bench: Bench, w: Workload, n_batches: int | None) -> None:
    """Attention against a noisy, tied copy of it: τ and p against SciPy."""
    r = w.readout
    generator = torch.Generator().manual_seed(bench.settings.seed)
    noise = torch.rand(r.mask.shape, generator=generator, dtype=torch.float64).to(r.device)
    other = ((r.alpha * r.lengths[:, None] + noise) * 20).round()  # rounding makes ties
    rows = _parts(bench.rows_for_plain(w, n_batches))
    x, y, lengths = (values.cpu()[rows].numpy() for values in (r.alpha, other, r.lengths))
    expected = plain.kendall_tau(x, y, lengths)
    measured = bench.ours(
        lambda: kernels.kendall_tau(r.alpha, other, r.mask),
        lambda: bench.timed(lambda: plain.kendall_tau(x, y, lengths))[0][0],
    )
    (library_s, _), _ = bench.timed(lambda: libraries.kendall_tau_by_length(x, y, lengths))
    mine, theirs = torch.stack(measured.result, 1).cpu()[rows], torch.from_numpy(expected)
    gap = float((mine - theirs).abs().nan_to_num(0.0).max())
    if bool((mine.isnan() != theirs.isnan()).any()):
        gap = float("nan")
    bench.add(
        "kendall_tau",
        w,
        measured,
        floors.kendall_tau(r.lengths),
        within("max abs difference", gap, 1e-9),
        plain_texts=len(rows),
        library="scipy.stats.kendalltau(axis=1)",
        library_s=library_s * len(w) / len(rows),
    )


# ---------------------------------------------------------------------------------------- leave-one-out


@case(sst=10, imdb=2)
def leave_one_out(bench: Bench, w: Workload, n_batches: int | None) -> None:
    """Real encoders of the papers' size (300 → 2 × 128), untrained: their time is that of trained ones."""
    others = ("bigru", "convolution", "average") if w.size.name == "sst" else ()
    for encoder in ("bilstm", *others):
        _leave_one_out(bench, w, n_batches, encoder)


@torch.no_grad()
def _leave_one_out(bench: Bench, w: Workload, n_batches: int | None, encoder: str) -> None:
    device, seed, long = bench.settings.device, bench.settings.seed, w.size.name == "imdb"
    split, vocabulary = texts(w.size, seed)
    model = build(Architecture(encoder, "additive", 2, len(vocabulary)), seed=seed)
    model.head.projection.weight.mul_(8)  # untrained outputs hardly differ; larger ones show disagreement
    model.to(device).eval()
    chosen = bench.rows_for_plain(w, n_batches)
    # all of the long texts would take minutes, ours too; and the plain way's positions all cost the same
    some = split.select(_parts(chosen).numpy()) if long else split
    every = 16 if long else 1
    parts = [collate(split, vocabulary, range(rows.start, rows.stop)).to(device) for rows in chosen]

    def plainly() -> tuple[float, list[Tensor]]:
        seconds, found = 0.0, []
        for batch in parts:
            (took, _), theirs = bench.timed(partial(plain.leave_one_out, model, batch, every))
            seconds += took * theirs.shape[1] / len(range(every // 2, theirs.shape[1], every))
            found.append(theirs)
        return seconds, found

    _, found = plainly()
    measured = bench.ours(
        lambda: explain_leave_one_out(model, some, vocabulary, device), lambda: plainly()[0]
    )
    worst, at = 0.0, 0
    for rows, theirs in zip(chosen, found, strict=True):
        first = at if long else rows.start
        at += len(theirs)
        mine = measured.result[first : first + len(theirs), : theirs.shape[1]].cpu()
        worst = max(worst, float((mine - theirs).abs().nan_to_num(0.0).max()))
    library_s = libraries.ablation_seconds(model, parts) if encoder == "bilstm" and not long else None
    bench.add(
        "leave_one_out",
        w,
        measured,
        floors.leave_one_out(encoder, torch.tensor([len(text) for text in split.texts])),
        within("max abs difference", worst, SINGLE),
        variant=encoder,
        ours_texts=len(some),
        plain_texts=len(_parts(chosen)),
        plain_note="" if every == 1 else f"1 of {every} positions",
        library="" if library_s is None else "captum.attr.FeatureAblation",
        library_s=None if library_s is None else library_s * len(w) / len(_parts(chosen)),
    )


# ---------------------------------------------------------------------------------------- all together


@case(sst=0)
def battery(bench: Bench, w: Workload, n_batches: int | None) -> None:
    """Every exact or drawn test of the four papers on one model's attention, once; no search."""
    r, seed = w.readout, bench.settings.seed
    by_attention = kernels.attention_order(r)

    def every() -> Tensor:
        kernels.permutation_test(r, PERMUTATIONS, seed)
        kernels.permutation_range(r)
        kernels.exact_adversary(r, EPSILON)
        kernels.single_erasure(r, r.alpha)
        kernels.minimal_flip_mass(r)
        kernels.reach(r)
        kernels.kendall_tau(r.alpha, kernels.erase_each(r)[..., 0].nan_to_num(), r.mask)
        for order in (kernels.gradient_order, kernels.product_order, kernels.greedy_order):
            kernels.erase_until_flip(r, order(r))
        return kernels.erase_until_flip(r, by_attention).count - kernels.minimal_flip_set(r).count

    measured = bench.ours(every)
    fewer = -int(measured.result.min())
    bench.add(
        "battery", w, measured, None, within("least − count by attention", fewer, 0), variant="no search"
    )


# ---------------------------------------------------------------------------------------- training


@case(sst=0)
def training(bench: Bench, w: Workload, n_batches: int | None) -> None:
    """One epoch of the papers' BiLSTM on as many texts as SST has for training, random words and labels."""
    size = replace(w.size, texts=4 * len(w))
    split, vocabulary = texts(size, bench.settings.seed)
    labels = np.arange(len(split)) % 2
    split = Split(split.ids, split.texts, labels)
    splits = split, split.select(np.arange(2)), split.select(np.arange(2, 4))
    corpus = Corpus("benchmark", "classification", *splits, vocabulary, ("0", "1"), {})
    model = build(Architecture("bilstm", "additive", 2, len(vocabulary)), seed=bench.settings.seed)
    how = flat.Training(epochs=1, seed=bench.settings.seed)
    epoch = flat.recipe(model, corpus, how, bench.settings.device)
    measured = bench.ours(lambda: next(epochs(epoch, progress=False)))
    loss = measured.result["loss"]
    bench.add("training", w, measured, None, within("loss of an epoch", loss, 1), variant="bilstm, an epoch")
