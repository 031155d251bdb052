"""Hidden tokens: worked by hand, against loops, and what is refused."""

import math

import pytest
import torch

from attnlib.kernels import minimal_flip_set
from attnlib.tables.hidden import distance, hidden_tokens
from tests.kernels.cases import make


def test_distance_against_a_loop():
    marked = torch.rand(40, 12, generator=torch.Generator().manual_seed(0)) < 0.2
    marked[0] = False
    for row, found in zip(marked.tolist(), distance(marked).tolist(), strict=True):
        places = [t for t, there in enumerate(row) if there]
        for t, away in enumerate(found):
            assert away == min(abs(t - u) for u in places) if places else away >= 12


def test_numbers_of_each_text_against_loops():
    readout = make(30, 9, seed=3)
    marked = (torch.arange(9) % 4 == 1) & readout.mask  # none in a text of one token
    found, flip = hidden_tokens(readout, marked), minimal_flip_set(readout)
    assert (~marked.any(dim=1)).any()
    for row in range(len(readout)):
        own = [t for t in range(9) if readout.mask[row, t]]
        places = [t for t in own if marked[row, t]]
        margin = {t: float((readout.scores[row, t] + readout.bias).double().diff().abs()) for t in own}
        smallest = [t for t in own if flip.flipped[row] and flip.mask[row, t]]
        shown = sum(readout.alpha[row, places].tolist()) if places else math.nan
        inside = len({*smallest} & {*places}) / len(smallest) if smallest and places else math.nan
        expected = {("attention_on_hidden", "attention"): shown}
        expected["hidden_in_minimal", "minimal flipping set"] = inside
        for step in range(4):
            near = {t: min(3, min(abs(t - u) for u in places)) for t in own} if places else {}
            votes = [margin[t] for t in near if near[t] == step]
            mean = sum(votes) / len(votes) if votes else math.nan
            expected["vote_alone", f"distance {step}"] = mean
        assert {key: float(x[row]) for key, x in found.items()} == pytest.approx(expected, nan_ok=True)


def test_more_classes_are_refused():
    readout = make(3, 4, classes=3)
    with pytest.raises(ValueError, match="needs two classes"):
        hidden_tokens(readout, readout.mask)
