import itertools
import math

import pytest
import torch

from attnlib.kernels import minimal_flip_set, naive, permutation_test
from attnlib.tables import reached, summaries
from tests.kernels.cases import make, one, with_head


def test_the_share_of_a_change_tells_a_free_output_from_a_fixed_one():
    # Both keep their class under every attention. Half the weight on 7 and .02: some attention takes .97 to
    # .5; on 3.5 and 3.4 none can do anything.
    free, fixed = one([0.5, 0.5], [7.0, 0.02]), one([0.5, 0.5], [3.5, 3.4])
    moved = torch.tensor([0.001], dtype=torch.float64)
    free, fixed = (reached.columns(readout, moved) for readout in (free, fixed))
    assert free["can_flip"].item() == fixed["can_flip"].item() == 0
    assert free["inert_moved_0_1"].item() == 1
    assert fixed["inert_moved_0_1"].item() == 0
    assert free["largest_tvd"].item() == pytest.approx(1 / (1 + math.exp(-3.51)) - 1 / (1 + math.exp(-0.02)))
    # The same change is a four hundredth of what is possible there, and nearly all of it here.
    assert free["tvd_share"].item() < 0.003
    assert fixed["tvd_share"].item() > 0.6


def test_of_inert_texts_only():
    alive = reached.columns(one([0.5, 0.5], [4.0, -4.0]))
    assert alive["can_flip"].item() == 1
    assert alive["inert_moved_0_1"].isnan().item()


def test_what_a_permutation_does_lies_below_what_any_attention_does():
    readout = make(40, 7, seed=4, shortest=2)
    permuted = permutation_test(readout, 20)
    found = reached.columns(readout, permuted)
    assert list(found) == list(reached.METRICS)
    assert (permuted <= found["largest_permuted_tvd"] + 1e-9).all()
    assert (found["largest_permuted_tvd"] <= found["largest_tvd"] + 1e-12).all()
    torch.testing.assert_close(found["tvd_share"] * found["largest_tvd"], permuted, rtol=0, atol=1e-12)


def test_what_a_model_does_not_define_is_left_out():
    assert list(reached.columns(make(5, 4, classes=3))) == ["can_flip"]
    assert reached.columns(with_head(5, 4)) == {}
    missing = summaries.undefined([name for name in reached.METRICS if name != "can_flip"])
    assert missing["n"].eq(0).all()


@pytest.mark.parametrize("readout", [make(40, 7, 4, seed=6, scale=1.0), make(40, 7, 3, seed=7, ties=True)])
def test_the_fewest_tokens_that_bring_the_second_class_down_against_all_sets(readout):
    found = minimal_flip_set(reached.without_predicted(readout))
    for i, text in enumerate(naive.texts(readout)):
        tokens, first = text.mask.shape[1], int(text.predictions())
        worth = text.decode(text.scores[0])  # [T, C]
        others = [c for c in range(worth.shape[1]) if c != first]
        second = max(others, key=lambda c, text=text: (text.logits()[0, c].item(), -c))
        sizes = []
        for sets in itertools.product((False, True), repeat=tokens):
            left = text.alpha[0].masked_fill(torch.tensor(sets), 0) @ worth
            down = max(others, key=lambda c, left=left: (left[c].item(), -c)) != second
            if down and (text.alpha[0][~torch.tensor(sets)] > 0).any():
                sizes.append(sum(sets))
        assert found.flipped[i].item() == bool(sizes)
        assert found.count[i].item() == min(sizes, default=tokens)


def test_the_second_of_two_classes_is_refused():
    for readout in (make(3, 4, 2), with_head(3, 4)):
        with pytest.raises(ValueError, match="three or more"):
            reached.without_predicted(readout)
