"""Recursive ROAR: what is masked stays masked, and a model that is trained again sees only what is left."""

from itertools import pairwise

import numpy as np
import pytest
import torch

from attnlib.data.corpus import SPECIALS, UNK, Split
from attnlib.faithfulness import roar
from attnlib.faithfulness.roar import MASK, RATIOS, mask_top, relative_area, retrained, summary
from attnlib.prepare.flat import prepare
from attnlib.prepare.penalised import prepare_diverse
from attnlib.training import flat
from tests import toy

SETTINGS = dict(epochs=3, dimension=8, hidden=8, progress=False)
STEPS = (0, 0.4, 0.8)


@pytest.fixture(scope="module")
def base(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ATTNLIB_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield prepare(toy.corpus(), "average", limit=20, **SETTINGS)


def hidden(split):
    """Which tokens are masked, of each text."""
    return [np.array([token == MASK for token in text]) for text in split.texts]


def masked_of(lengths, ratio):
    """How many tokens of each text are masked."""
    return [int(ratio * length + 1e-9) for length in lengths]


def test_the_top_share_is_masked_and_what_is_masked_counts():
    split = Split(("a", "b"), (("the", "plot", "is", "good", "good"), ("bad",)), [1, 0])
    scores = torch.tensor([[0.1, 0.5, 0.2, 0.9, 0.9], [0.3, 7, 7, 7, 7]])
    once = mask_top(split, scores, 0.2)
    assert once.texts == (("the", "plot", "is", MASK, "good"), ("bad",))
    # The two that were masked are of the four: whatever they score now.
    twice = mask_top(mask_top(split, scores, 0.4), -scores, 0.8)
    assert twice.texts == ((MASK, "plot", MASK, MASK, MASK), ("bad",))
    assert mask_top(split, scores, 1.0).texts == ((MASK,) * 5, (MASK,))
    assert mask_top(split, scores, 0.0).texts == split.texts
    assert twice.labels.tolist() == [1, 0]
    # A product that rounds to just below 3.
    ten = Split(("a",), (("word",) * 10,), [0])
    assert mask_top(ten, [range(10)], 0.3).texts[0].count(MASK) == 3


@pytest.mark.parametrize("method", ["attention", "attention × gradient", "random"])
def test_once_masked_stays_masked_and_all_else_stays(base, method):
    runs = retrained(base, method, STEPS, progress=False)
    assert list(runs) == [0, 0.4, 0.8]
    assert runs[0] is base
    for before, now in pairwise(STEPS):
        for part, split in runs[now].corpus.splits.items():
            whole, earlier = base.corpus.splits[part], hidden(runs[before].corpus.splits[part])
            assert all((b >= a).all() for a, b in zip(earlier, hidden(split), strict=True))
            assert [marks.sum() for marks in hidden(split)] == masked_of(split.lengths, now)
            for left, text in zip(split.texts, whole.texts, strict=True):
                assert all(b in (a, MASK) for a, b in zip(text, left, strict=True))
            assert split.labels.tolist() == whole.labels.tolist()
    assert runs[0.8].texts.ids == base.texts.ids
    assert set(runs[0.8].texts.texts) <= set(runs[0.8].corpus.test.texts)


def test_a_retrained_model_sees_only_what_is_left(base, monkeypatch, tmp_path):
    monkeypatch.setenv("ATTNLIB_CACHE", str(tmp_path))  # nothing is trained yet
    seen, batches = {"train": [], "dev": [], "test": []}, flat.batches

    def spied(split, vocabulary, *given):
        part = {"0": "train", "1": "dev", "2": "test"}[split.ids[0].split("/")[1]]
        for index, batch in batches(split, vocabulary, *given):
            shares = zip((batch.ids == UNK).sum(1).tolist(), split.lengths[index], strict=True)
            seen[part] += [(count, length) for count, length in shares if length > 4]
            yield index, batch

    monkeypatch.setattr(flat, "batches", spied)
    retrained(base, "attention", STEPS, progress=False)
    # Every word of the toy texts is known: what is unknown is masked. No batch of any split was whole.
    for rows in seen.values():
        lengths = np.array([length for _, length in rows])
        first, second = masked_of(lengths, 0.4), masked_of(lengths, 0.8)
        steps = [{a: 0.4, b: 0.8}[count] for (count, _), a, b in zip(rows, first, second, strict=True)]
        assert sorted(set(steps)) == [0.4, 0.8]
        assert steps == sorted(steps)
    assert len(seen["train"]) == 2 * SETTINGS["epochs"] * (base.corpus.train.lengths > 4).sum()


def test_what_is_masked_first_is_what_ranks_first(base):
    runs = retrained(base, "attention", STEPS, progress=False)
    alpha, first = base.readouts["train"].alpha, hidden(runs[0.4].corpus.train)
    for weights, marks in zip(alpha.numpy(), first, strict=True):
        if marks.any() and not marks.all():
            own = weights[: len(marks)]
            assert own[marks].min() >= own[~marks].max()
    # The second step asks the second model; not recursive, the first one again.
    again = retrained(base, "attention", STEPS, recursive=False, progress=False)
    assert again[0.4].corpus.checksum == runs[0.4].corpus.checksum
    assert again[0.8].corpus.checksum != runs[0.8].corpus.checksum
    order = (-alpha).argsort(dim=1, stable=True).numpy()
    for ranks, marks in zip(order, hidden(again[0.8].corpus.train), strict=True):
        assert set(np.flatnonzero(marks)) == set(ranks[: marks.sum()].tolist())


def test_random_masking_goes_by_the_seed_and_done_models_are_kept(base, monkeypatch):
    one = retrained(base, "random", STEPS, progress=False)
    monkeypatch.setattr("attnlib.prepare.run.fit", None)  # nothing is trained twice
    two = retrained(base, "random", STEPS, progress=False)
    assert torch.equal(one[0.8].readout.alpha, two[0.8].readout.alpha)
    monkeypatch.undo()
    other = retrained(prepare(toy.corpus(), "average", seed=1, **SETTINGS), "random", STEPS, progress=False)
    assert other[0.4].corpus.train.texts != one[0.4].corpus.train.texts


def test_the_summary_has_every_curve_and_its_area(base):
    models = {name: retrained(base, name, (0, 1), progress=False) for name in ("attention", "random")}
    table = summary(models).set_index(["metric", "method", "ratio"])["value"]
    for name in models:
        assert table["accuracy", name, 0] == pytest.approx(base.test_metrics["accuracy"])
        assert table["f1", name, 1] == pytest.approx(models[name][1.0].test_metrics["f1"], nan_ok=True)
    # With nothing left both are one model.
    assert table["accuracy", "attention", 1] == table["accuracy", "random", 1]
    assert summary(models).query("metric == 'racu'")["value"].item() == pytest.approx(0)
    assert "racu" not in set(summary({"attention": models["attention"]})["metric"])


def test_the_area_by_hand():
    # Random loses .4 evenly: .2 to lose in all. All lost at once: that less half a step.
    random, ratios = np.array([0.9, 0.7, 0.5]), [0, 0.5, 1]
    assert relative_area(ratios, [0.9, 0.5, 0.5], random) == pytest.approx(0.5)
    assert relative_area(ratios, random, random) == 0
    assert relative_area(ratios, [0.9, 0.9, 0.5], random) == pytest.approx(-0.5)
    assert np.isnan(relative_area(ratios, random, [0.5, 0.5, 0.5]))
    assert (RATIOS[0], RATIOS[-1], SPECIALS[UNK]) == (0, 1, MASK)


@pytest.mark.parametrize(
    ("ratios", "problem"),
    [
        ((), "rise from 0"),
        ((0.2, 0.4), "rise from 0"),
        ((0, 0.4, 0.4), "rise from 0"),
        ((0, 1.2), "in \\[0, 1"),
    ],
)
def test_ratios_that_are_none_are_refused(base, ratios, problem):
    with pytest.raises(ValueError, match=f"ratios: .*{problem}"):
        retrained(base, "attention", ratios)


def test_other_methods_and_models_are_refused(base):
    with pytest.raises(ValueError, match="unknown method 'atention'.*Did you mean 'attention'"):
        retrained(base, "atention")
    apart = prepare_diverse(base, 0.5, progress=False)
    with pytest.raises(ValueError, match="a plain model"):
        roar.retrained(apart, "attention")
