"""Faithfulness by retraining: mask what a score ranks first, train again, and see what accuracy is left.

Recursive ROAR (Madsen et al. 2022, arXiv 2110.08412), after ROAR (Hooker et al. 2019). A model that reads
masked texts it was not trained on may fail because they are strange; one that is trained on them fails only
where the information is gone. Recursive: the next tokens are chosen by the model that was trained on what
was left, so that a word which stood in for a masked one is found in its turn.
"""

import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pandas as pd

from attnlib import explain
from attnlib.checks import check_number, one_of
from attnlib.data.corpus import SPECIALS, UNK, Split
from attnlib.faithfulness.scores import first_of, padded_scores, ranking
from attnlib.faithfulness.violation import Scores
from attnlib.prepare.flat import plan
from attnlib.prepare.run import Prepared, analysed, read
from attnlib.statistics import mean_with_interval

# What stands in a masked token's place: every vocabulary reads it as its unknown word.
MASK = SPECIALS[UNK]
RATIOS = (0.0, 0.2, 0.4, 0.6, 0.8, 1.0)


def mask_top(split: Split, scores: Scores, ratio: float) -> Split:
    """The split with ⌊ratio · tokens⌋ tokens of each text masked: those masked already, then the top ones.

    scores: one per token of each text, higher where it goes first; the earlier token on ties. Lengths,
    labels and questions stay as they are.

    >>> split = Split(("a",), (("so", "very", "good"),), [1])
    >>> once = mask_top(split, [[0.1, 0.2, 0.7]], 0.4)
    >>> once.texts, mask_top(once, [[0.1, 0.2, 0.7]], 0.7).texts
    ((('so', 'very', '<unk>'),), (('so', '<unk>', '<unk>'),))
    """
    lengths = split.lengths
    gone = padded_scores([[token == MASK for token in text] for text in split.texts], lengths) > 0
    order = ranking(np.where(gone, np.inf, padded_scores(scores, lengths)), lengths)
    # A product such as .3 · 10 that rounds to just below a whole number means that number.
    counts = np.floor(ratio * lengths + 1e-9).astype(int)
    hidden = first_of(order, counts[:, None])[:, 0] | gone
    texts = tuple(
        tuple(MASK if out else token for token, out in zip(text, row, strict=False))
        for text, row in zip(split.texts, hidden, strict=True)
    )
    return replace(split, texts=texts, states=None)


def retrained(
    base: Prepared,
    method: str,
    ratios: Sequence[float] = RATIOS,
    recursive: bool = True,
    *,
    progress: bool = True,
) -> dict[float, Prepared]:
    """Models trained anew, from the seed of `base`, on what a method leaves of all splits, by ratio.

    method: of `explain.METHODS`; tokens go by |score|, of the class that the model predicts, so that no label
    is used. "random" is one order of each text, drawn with the seed. ratios: shares of each text that are
    masked in all, ascending from 0, which is `base` itself. recursive: each step asks the model of the step
    before, else `base` each time. Every model lies in the cache when it is done. ValueError for an unknown
    method, other ratios, and a base that is recorded, penalised or has imposed weights.

    >>> from attnlib.prepare import prepare
    >>> run = prepare("planted", encoder="average", epochs=2, limit=10, progress=False)
    >>> models = retrained(run, "attention", (0, 0.5), progress=False)
    >>> models[0.5].texts.texts[0].count(MASK) == len(run.texts.texts[0]) // 2
    True
    """
    one_of("method", method, explain.METHODS)
    ratios = [check_number("ratios", ratio, 0, 1) for ratio in ratios]
    if ratios[:1] != [0] or (np.diff(ratios) <= 0).any():
        raise ValueError(f"ratios: must rise from 0, got {ratios}")
    if base.recorded is not None or "penalty" in base.request or base.request["imposed"] is not None:
        raise ValueError("base: must be a plain model trained here, without a penalty or imposed weights")
    found = {0.0: base}
    for before, ratio in pairwise(ratios):
        found[ratio] = _without(base, found[before] if recursive else base, method, ratio, progress)
    return found


def _without(base: Prepared, asked: Prepared, method: str, ratio: float, progress: bool) -> Prepared:
    """The model of `base` trained on what is left when `asked` has ranked the tokens of its own corpus."""
    began, parts = time.perf_counter(), {}
    for name, split in asked.corpus.splits.items():
        to = explain.Trained(asked.model, split, asked.corpus.vocabulary, read(asked, split), asked.device)
        scores = explain.explain(to, [method], seed=base.name["seed"])[method]
        parts[name] = mask_top(split, scores.abs(), ratio)
    corpus = replace(base.corpus, **parts)
    row = {name: i for i, name in enumerate(corpus.test.ids)}
    texts = corpus.test.select([row[name] for name in base.texts.ids])
    return analysed(plan(**{**base.request, "dataset": corpus}), texts, began, progress)


def summary(models: Mapping[str, Mapping[float, Prepared]]) -> pd.DataFrame:
    """What is left by method and ratio: metric, method, ratio, value, low, high (95 % over texts), n.

    models: what `retrained` gave by method. accuracy and f1 (two classes): on the whole test split. racu: of
    each method beside "random", where that is there, `relative_area` of the accuracy; without a ratio.
    """
    rows = []
    for method, by_ratio in models.items():
        for ratio, run in by_ratio.items():
            right = read(run, run.corpus.test).predictions().cpu().numpy() == run.corpus.test.labels
            rows.append(("accuracy", method, ratio, *mean_with_interval(right)))
            if "f1" in run.test_metrics:
                rows.append(("f1", method, ratio, *alone(run.test_metrics["f1"], len(right))))
    curves = {
        method: np.array([run.test_metrics["accuracy"] for run in found.values()])
        for method, found in models.items()
    }
    for method, curve in curves.items():
        if method != "random" and "random" in curves:
            area = relative_area(list(models[method]), curve, curves["random"])
            rows.append(("racu", method, np.nan, *alone(area, len(curve))))
    return pd.DataFrame(rows, columns=["metric", "method", "ratio", "value", "low", "high", "n"])


def alone(value: float, n: int) -> tuple[float, float, float, int]:
    """A number of n texts, or points of a curve, without an interval; one that is not defined is of none."""
    return value, np.nan, np.nan, 0 if np.isnan(value) else n


def relative_area(ratios: Sequence[float], method: np.ndarray, random: np.ndarray) -> float:
    """Madsen et al.'s RACU: the area of a method's curve below random's, relative to what there is to lose.

    ratios [K], curves [K] of a performance. What there is to lose is the area between random's curve and its
    own last value, which is that of the empty text where the last ratio is 1. 1: the first masking already
    took everything. 0: as random. Below 0: what is masked is needed less than random tokens. NaN where
    random masking loses nothing.

    >>> round(relative_area([0, 0.5, 1], [0.9, 0.6, 0.5], [0.9, 0.8, 0.5]), 3)
    0.4
    """
    method, random = (np.asarray(curve, dtype=float) for curve in (method, random))
    room = float(np.trapezoid(random - random[-1], ratios))
    return float(np.trapezoid(random - method, ratios)) / room if room > 0 else float("nan")
