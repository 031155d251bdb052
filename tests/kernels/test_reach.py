import numpy as np
import pytest
import torch
from scipy.optimize import linprog

from attnlib.kernels import naive, reach
from tests.kernels.cases import make, one, spread_out, with_head


@pytest.mark.parametrize(("classes", "ties"), [(2, False), (2, True), (3, False), (5, True)])
def test_against_single_tokens_and_mixtures(classes, ties):
    r = make(40, 6, classes, seed=classes, scale=0.8, ties=ties)
    found = reach(r)
    y = r.predictions()
    expected = naive.reach(r)
    assert torch.equal(found.can_flip, expected.can_flip)
    for here, there in zip(found[1:], expected[1:], strict=True):
        torch.testing.assert_close(here, there, rtol=1e-13, atol=1e-15, equal_nan=True)
    g = torch.Generator().manual_seed(9)
    weights = (
        (4 * torch.randn(40, 500, 6, generator=g, dtype=torch.float64))
        .masked_fill(~r.mask[:, None], -torch.inf)
        .softmax(2)
    )
    logits = r.logits(weights)
    p = logits.softmax(2).gather(2, y[:, None, None].expand(-1, 500, 1))[..., 0]
    assert (p >= found.lowest[:, None] - 1e-12).all()
    if classes == 2:
        assert (p <= found.highest[:, None] + 1e-12).all()
    else:
        assert found.highest.isnan().all()
    if not ties:  # rounding may break an exact tie of a mixture
        assert not ((logits.argmax(2) != y[:, None]).any(1) & ~found.can_flip).any()


def test_two_classes_against_a_linear_programme():
    r = make(25, 8, seed=4)
    found = reach(r)
    y = r.predictions()
    s = r.scores[..., 1] - r.scores[..., 0] + r.bias[1] - r.bias[0]
    for i, length in enumerate(r.lengths.tolist()):
        cost = (s[i, :length] * (1 if y[i] == 1 else -1)).numpy()
        least = linprog(cost, A_eq=np.ones((1, length)), b_eq=[1]).fun
        assert found.lowest[i].item() == pytest.approx(1 / (1 + np.exp(-least)), rel=1e-9)
        assert bool(found.can_flip[i]) == (least < 0)


def test_one_token_and_extremes():
    single = reach(one([1.0], [3.0]))
    assert not single.can_flip.item()
    assert single.lowest.item() == single.highest.item()
    huge = reach(one([1 - 1e-8, 1e-8], [1e4, -1e4]))
    assert huge.can_flip.item()
    assert huge.lowest.item() == 0
    assert huge.highest.item() == 1


def test_padding_and_batch_do_not_matter():
    r = make(12, 7, 3, seed=6)
    found = reach(r)
    for other in (
        reach(spread_out(r)[0]),
        [torch.cat(x) for x in zip(*(reach(r.select([i])) for i in range(12)), strict=True)],
    ):
        assert torch.equal(other[0], found.can_flip)
        torch.testing.assert_close(other[1], found.lowest, rtol=1e-12, atol=0)


def test_a_head_is_refused():
    with pytest.raises(ValueError, match="readout: reach needs logits linear"):
        reach(with_head(2, 3))
