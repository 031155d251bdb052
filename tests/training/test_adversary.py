"""A trained adversary: its loss against a float64 oracle, the two variants, selection, and what λ does."""

import math
from dataclasses import replace

import numpy as np
import pytest
import torch

from attnlib.kernels import jsd, kl, tvd
from attnlib.models import Architecture, build, collate
from attnlib.models.classifier import Output
from attnlib.models.reading import read
from attnlib.training import adversary as training_adversary
from attnlib.training.adversary import AdversaryTraining, Target, adversary_losses, divergence, recipe
from attnlib.training.fit import fit
from attnlib.training.flat import Training
from attnlib.training.flat import recipe as flat_recipe
from tests import toy


def fresh(corpus, seed, n_classes=2, scorer="additive"):
    words = len(corpus.vocabulary)
    return build(Architecture("average", scorer, n_classes, words, dimension=16), seed=seed)


@pytest.fixture(scope="module")
def base():
    corpus = toy.corpus()
    model = fresh(corpus, 0)
    training = Training(epochs=12, batch_size=16, learning_rate=0.01)
    fit(flat_recipe(model, corpus, training), progress=False)
    return corpus, {name: read(model, split, corpus.vocabulary) for name, split in corpus.splits.items()}


@pytest.fixture(scope="module")
def near(base):
    """An adversary without strength: its test Readout and history."""
    return adversary(base)


def adversary(base, seed=1, **settings):
    corpus, readouts = base
    model = fresh(corpus, seed)
    how = AdversaryTraining(**({"strength": 0.0, "epochs": 20, "batch_size": 4, "seed": seed} | settings))
    history = fit(recipe(model, corpus, readouts, how), progress=False)
    return read(model, corpus.test, corpus.vocabulary), history


def outputs(n=5, length=9, n_classes=2, seed=0):
    """An output and a target with zero weights, padding and one-token rows."""
    generator = torch.Generator().manual_seed(seed)
    tokens = torch.tensor([7, 7, 3, 1, 5])[:n]
    position = torch.arange(length - 2)
    mask = position < tokens[:, None]
    scores = torch.randn(2, n, length - 2, generator=generator).masked_fill(~mask, -torch.inf)
    attention, other = scores.softmax(dim=2)
    other = other.clone()
    other[0, 1] = 0  # a softmax that underflowed on a real token
    other[0] /= other[0].sum()
    whole = torch.zeros(n, length)
    whole[:, 1:-1] = attention
    logits = torch.randn(n, n_classes, generator=generator)
    target = Target(torch.randn(n, n_classes, generator=generator).softmax(dim=1), other)
    return Output(logits, whole, torch.zeros(n, length, 2), None), target


@pytest.mark.parametrize("direction", ["adversary || base", "base || adversary"])
@pytest.mark.parametrize("n_classes", [2, 5])
def test_the_loss_is_the_distance_and_the_divergence(direction, n_classes):
    output, target = outputs(n_classes=n_classes)
    how = AdversaryTraining(0.1, direction=direction)
    distance, far = adversary_losses(output, target, how)
    expected = tvd(output.logits.softmax(dim=1), target.probabilities)
    torch.testing.assert_close(distance.double(), expected, atol=1e-6, rtol=0)
    pair = (output.attention[:, 1:-1], target.attention)
    exact = kl(*(pair if direction.startswith("adversary") else pair[::-1]))
    # Where the base's weight is 0 the exact divergence of the adversary is infinite; the loss stays finite.
    finite = exact.isfinite()
    torch.testing.assert_close(far[finite].double(), exact[finite], atol=1e-5, rtol=0)
    assert far.isfinite().all()
    assert (~finite).sum() == (1 if direction.startswith("adversary") else 0)


def test_gradients_are_finite_on_padding_zero_weights_and_single_tokens():
    scores = torch.tensor([[0.0, -200.0, 1.0, -torch.inf], [3.0, -torch.inf, -torch.inf, -torch.inf]])
    for turned in (False, True):
        free = scores.clone().requires_grad_()
        weights = free.softmax(dim=1)
        other = torch.tensor([[0.5, 0.0, 0.5, 0.0], [1.0, 0.0, 0.0, 0.0]])
        value = divergence(*((other, weights) if turned else (weights, other)))
        value.sum().backward()
        assert value.isfinite().all()
        assert free.grad.isfinite().all()
        assert value[1] == 0


def test_the_released_loss_is_half_and_twice_its_strength_is_the_published_one():
    output, target = outputs()
    published = adversary_losses(output, target, AdversaryTraining(0.2))
    released = adversary_losses(output, target, AdversaryTraining(0.1, "released"))
    torch.testing.assert_close(released[0] * 2, published[0])
    torch.testing.assert_close(2 * (released[0] - 0.1 * released[1]), published[0] - 0.2 * published[1])


def test_the_divergence_is_the_adversarys_from_the_base():
    # The toy pair of the fact sheet's check has another orientation in PyTorch's own argument order.
    p, q = torch.tensor([[0.9, 0.1]]), torch.tensor([[0.5, 0.5]])
    assert float(divergence(p, q)) == pytest.approx(0.9 * math.log(1.8) + 0.1 * math.log(0.2), abs=1e-6)


@pytest.mark.slow
def test_without_strength_it_learns_the_bases_outputs(base, near):
    (found, history), (corpus, readouts) = near, base
    test, untrained = readouts["test"], read(fresh(corpus, 1), corpus.test, corpus.vocabulary)
    far = tvd(untrained.probabilities(), test.probabilities()).mean()
    assert tvd(found.probabilities(), test.probabilities()).mean() < 0.05 < far
    assert (found.predictions() == test.predictions()).double().mean() > 0.95
    assert history[-1]["dev_tvd"] < history[0]["dev_tvd"]


@pytest.mark.slow
def test_a_large_strength_drives_attention_as_far_as_it_goes(base, near):
    test = base[1]["test"]
    far, _ = adversary(base, strength=10.0)
    several = test.lengths > 3
    reached = jsd(far.alpha, test.alpha)[several].mean()
    assert reached > 2 * jsd(near[0].alpha, test.alpha)[several].mean()
    # ln 2 is the limit where the base leaves a token no weight; here it gives each some.
    least = test.alpha.masked_fill(~test.mask, 2).argmin(dim=1)
    ceiling = jsd(torch.nn.functional.one_hot(least, test.alpha.shape[1]), test.alpha)[several]
    assert reached > 0.8 * ceiling.mean()


@pytest.mark.slow
def test_attention_that_the_base_does_not_use_is_driven_to_ln_2(base):
    corpus, readouts = base
    # A base that looks at the first token only.
    pointed = {
        name: replace(readout, alpha=torch.eye(readout.alpha.shape[1])[0].expand_as(readout.alpha))
        for name, readout in readouts.items()
    }
    found, _ = adversary((corpus, pointed), strength=10.0)
    several = readouts["test"].lengths > 2
    reached = jsd(found.alpha, pointed["test"].alpha)[several]
    assert float(reached.median()) > 0.6 * math.log(2)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("loss", "settings"),
    [
        ("dev_loss", {"strength": 0.01, "epochs": 200, "patience": 3}),
        ("loss", {"strength": 0.001, "epochs": 8, "variant": "released"}),
    ],
)
def test_the_epoch_of_least_loss_is_kept_and_patience_ends_training(base, loss, settings):
    found, history = adversary(base, **settings)
    (kept,) = [row for row in history if row["selected"]]
    assert kept[loss] == min(row[loss] for row in history)
    assert torch.isfinite(found.alpha).all()
    assert len(history) == (settings["epochs"] if "variant" in settings else int(kept["epoch"]) + 3) < 200


@pytest.mark.slow
def test_the_same_seed_gives_the_same_bits(base):
    first, second, other = (adversary(base, strength=0.01, epochs=3, seed=seed)[0] for seed in (1, 1, 2))
    assert torch.equal(first.scores, second.scores)
    assert torch.equal(first.alpha, second.alpha)
    assert not torch.equal(first.alpha, other.alpha)


def test_denormal_numbers_are_zero_while_it_trains_and_come_back(base, monkeypatch):
    def denormal():
        return bool(torch.tensor(1e-40) * 0.5 > 0)

    seen = []

    def watched(*given):
        seen.append(denormal())
        return adversary_losses(*given)

    monkeypatch.setattr(training_adversary, "adversary_losses", watched)
    assert denormal()
    adversary(base, epochs=1)
    assert set(seen) == {False}
    assert denormal()
    with pytest.raises(RuntimeError), training_adversary.denormals_are_zero():
        raise RuntimeError
    assert denormal()


def test_a_target_is_cut_to_its_batch():
    corpus = toy.corpus()
    readout = read(fresh(corpus, 0), corpus.dev, corpus.vocabulary)
    index = np.array([4, 2])
    batch = collate(corpus.dev, corpus.vocabulary, index)
    part = Target.of(readout).at(index, batch.ids.shape[1] - 2)
    assert part.attention.shape == (2, batch.ids.shape[1] - 2)
    torch.testing.assert_close(part.attention.sum(dim=1), torch.ones(2))
    torch.testing.assert_close(part.probabilities, readout.probabilities()[index].float())


def test_the_released_loss_is_refused_for_more_than_two_classes(base):
    corpus, _ = base
    model = fresh(corpus, 0, n_classes=3)
    readouts = {name: read(model, split, corpus.vocabulary) for name, split in corpus.splits.items()}
    with pytest.raises(ValueError, match="two classes, here are 3"):
        recipe(model, corpus, readouts, AdversaryTraining(0.1, "released"))


def test_a_loss_that_is_not_finite_is_refused(base):
    corpus, readouts = base
    model = fresh(corpus, 1)
    with torch.no_grad():
        model.embedding.weight.fill_(torch.nan)
    with pytest.raises(FloatingPointError, match="in epoch 1"):
        fit(recipe(model, corpus, readouts, AdversaryTraining(0.1, epochs=1)), progress=False)
