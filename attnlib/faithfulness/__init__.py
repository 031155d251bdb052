"""Is an explanation faithful? Tests of token scores against what the model does without those tokens.

`violation_test` needs a function from token lists to probabilities and nothing else; `removals` makes the
three ways to remove of an attention model of this library. `plausibility` asks another question: do the
scores agree with what people marked?
"""

from attnlib.faithfulness.measures import (
    area_under_threshold,
    comprehensiveness,
    rank_correlation,
    sufficiency,
    threshold_curve,
)
from attnlib.faithfulness.plausibility import Plausibility, marked_share, plausibility, plausibility_table
from attnlib.faithfulness.removal import Removal, delete, removal_of_texts, replace_by
from attnlib.faithfulness.tables import (
    level_boxes,
    levels,
    measure_leave_one_out,
    measure_texts,
    same_order,
    sign_agreement,
    summarise_measures,
)
from attnlib.faithfulness.text import OPERATORS, attention_mask, removals
from attnlib.faithfulness.transformers import erasure_of, violation_of
from attnlib.faithfulness.violation import (
    Violation,
    violation_by_rank,
    violation_rates,
    violation_test,
    violations,
)

__all__ = [
    "OPERATORS",
    "Plausibility",
    "Removal",
    "Violation",
    "area_under_threshold",
    "attention_mask",
    "comprehensiveness",
    "delete",
    "erasure_of",
    "level_boxes",
    "levels",
    "marked_share",
    "measure_leave_one_out",
    "measure_texts",
    "plausibility",
    "plausibility_table",
    "rank_correlation",
    "removal_of_texts",
    "removals",
    "replace_by",
    "same_order",
    "sign_agreement",
    "sufficiency",
    "summarise_measures",
    "threshold_curve",
    "violation_by_rank",
    "violation_of",
    "violation_rates",
    "violation_test",
    "violations",
]
