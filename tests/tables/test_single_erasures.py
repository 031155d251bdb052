"""Effects of single erasures by difference of weight: hand-made texts with known bins."""

import numpy as np
import pandas as pd
import pytest

from attnlib.tables.single_erasures import DIFFERENCE_LABELS, by_difference, difference_bins


def test_bins_are_tenths_and_one_is_in_the_last():
    bins = difference_bins(pd.Series([0, 0.0999, 0.1, 0.95, 1.0, 1 + 1e-9, -1e-9]))
    assert bins.tolist() == [0, 0, 1, 9, 9, 9, 0]
    assert [DIFFERENCE_LABELS[i] for i in (0, 3, 9)] == ["[0, .1)", "[.3, .4)", "[.9, 1]"]


@pytest.mark.parametrize("value", [-0.2, 1.1, np.nan])
def test_a_difference_outside_is_refused(value):
    with pytest.raises(ValueError, match="outside"):
        difference_bins(pd.Series([0.5, value]))


def test_worked_example():
    frame = pd.DataFrame(
        {"delta_attention": [0.02, 0.05, 0.06, 0.45, np.nan], "delta_js": [-0.1, 0.0, 0.2, 0.3, np.nan]}
    )
    table = by_difference(frame).set_index(["bin", "metric"])
    assert set(table.index.get_level_values("bin")) == {"[0, .1)", "[.4, .5)"}
    first = table.loc["[0, .1)", "value"]
    assert first["delta_js_median"] == 0
    assert first["delta_js_p95"] == pytest.approx(0.18)
    assert first["negative"] == pytest.approx(1 / 3)
    assert first["negative_texts"] == 1
    assert table.loc[("[0, .1)", "negative"), "n"] == 3
    assert table.loc[("[.4, .5)", "negative"), "value"] == 0
    assert by_difference(frame[-1:]).empty  # no text gives no row
