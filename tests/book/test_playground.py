"""The playground: its kernels against those of Python, and a reader who plays."""

import random

import numpy as np
import pytest
import torch

from attnbook import BOOK
from attnlib import Readout, kernels
from attnlib.data.sets.sst import tokenize
from attnlib.kernels._common import token_margins
from tests.book.test_browser import browser, pytestmark  # noqa: F401

SCRIPT = BOOK / "_assets/playground.js"
LENGTHS = [*range(1, 31), *range(40, 401, 60)]
# One text after the other through every kernel.
EACH = """texts => texts.map(({alpha, s, bias}) => {
  const k = attnlib, orders = Object.values(k.orders).map(by => by(alpha, s, bias));
  const ends = orders.map(order => k.eraseUntilFlip(alpha, s, bias, order));
  return {reach: k.reach(alpha, s), range: k.permutationRange(alpha, s), orders, ends,
    each: k.eraseEach(alpha, s, bias), set: k.minimalFlipSet(alpha, s), p: k.sigmoid(k.margin(alpha, s)),
    found: [0, .01, .1, 1].map(e => k.exactAdversary(alpha, s, e))};
})"""


def random_readouts():
    """Texts of each length: peaked, with zero weights, of ties that binary numbers hold exactly, one-hot."""
    draw = np.random.default_rng(0)
    for length in LENGTHS:
        for kind in range(4):
            alpha = draw.dirichlet(np.full(length, 0.3))
            margins = draw.normal(0, 3, length)
            if kind == 1:
                alpha = np.where((draw.random(length) < 0.5) & (np.arange(length) > 0), 0, alpha)
                alpha /= alpha.sum()
            if kind >= 2:
                alpha = np.bincount(draw.integers(0, length, 64), minlength=length) / 64
                margins = draw.integers(-2, 3, length).astype(float)
            if kind == 3:
                alpha = np.eye(length)[draw.integers(length)]
            votes = np.stack([np.zeros(length), margins], 1)
            mask = torch.ones(1, length, dtype=torch.bool)
            bias = draw.integers(-1, 2) if kind > 1 else draw.normal()
            yield Readout(
                torch.tensor(alpha[None]), torch.tensor(votes[None]), torch.tensor([0.0, bias]).double(), mask
            )


@pytest.fixture
def script(browser):  # noqa: F811
    """A page with the script alone."""
    page = browser.new_page()
    page.add_script_tag(path=str(SCRIPT))
    yield page
    page.close()


def test_every_kernel_says_what_python_says(script):
    readouts = list(random_readouts())
    texts = [
        {"alpha": r.alpha[0].tolist(), "s": token_margins(r)[0].tolist(), "bias": float(r.bias[1])}
        for r in readouts
    ]
    found = script.evaluate(EACH, texts)
    flips = 0
    for readout, js in zip(readouts, found, strict=True):
        reach, least = kernels.reach(readout), kernels.minimal_flip_set(readout)
        numbers = [
            (js["p"], readout.probabilities()[0, 1]),
            (js["reach"]["lowest"], reach.lowest[0]),
            (js["reach"]["highest"], reach.highest[0]),
            (js["range"], kernels.permutation_range(readout)[0]),
            (js["each"], kernels.erase_each(readout)[0, :, 1]),
        ]
        for epsilon, best in zip([0, 0.01, 0.1, 1], js["found"], strict=True):
            exact = kernels.exact_adversary(readout, epsilon)
            weights = torch.tensor([best["weights"]], dtype=torch.float64)
            numbers += [(best["jsd"], exact.jsd[0]), (best["jsd"], kernels.jsd(weights, readout.alpha)[0])]
            assert best["tvd"] <= epsilon + 1e-12 * (1 + float(readout.scores.abs().max()))
        for ours, theirs in numbers:
            assert np.allclose(ours, np.asarray(theirs), rtol=0, atol=1e-12)
        assert js["reach"]["canFlip"] == bool(reach.can_flip[0])
        assert sorted(js["set"] or []) == least.mask[0].nonzero()[:, 0].tolist()
        flips += bool(least.flipped[0])
        orders = (kernels.attention_order, kernels.gradient_order, kernels.product_order)
        for by, order, end in zip(orders, js["orders"], js["ends"], strict=True):
            assert order == by(readout)[0].tolist()
            whole = kernels.erase_until_flip(readout, by(readout))
            assert end == {name: getattr(whole, name)[0].item() for name in ("count", "flipped", "emptied")}
    assert 30 < flips < len(readouts) - 30


def test_words_are_split_as_in_python(script):
    draw = random.Random(0)
    parts = [
        "don't",
        "well-made",
        "Ünï",
        "e\u0301",
        "3.5",
        "x²",
        "ⅷ",
        "映画",
        "かな",
        "한국",
        "🎬",
        "a_b",
        "İ",
        "ΣΑΣ",
        "ß",
    ]
    parts += [
        "...",
        "—",
        "'",
        "\u00a0",
        "\u200d",
        "٣",
        "हिन्दी",
        "-LRB-",
        "-RRB-",
        "<b>",
        "\t",
        "\u2028",
        "ʼn",
        "n't",
    ]
    lines = ["".join(draw.choice(parts) + draw.choice(["", " ", ", "]) for _ in range(8)) for _ in range(200)]
    assert script.evaluate("lines => lines.map(attnlib.tokenize)", lines) == [
        list(tokenize(x)) for x in lines
    ]
