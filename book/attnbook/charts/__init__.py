"""The figures of the book: each takes a tidy frame and returns an Altair chart.

Every function aggregates in pandas first, so that a specification stays small, and refuses values
outside the axis instead of dropping them. The description of a chart is its title; rows without a
value (NaN) are left out, and the description says how many there were. What a number is stands in the
titles of the tooltips. The columns ``published``, ``low`` and ``high`` need not be there.

A word has one colour on every chart of the book (:mod:`attnbook.charts.colours`). Groups are in the
order of the column's categories if it is categorical, sorted otherwise. Without any row to draw a chart
is an empty panel that says so.
"""

# ruff: noqa: F401 - the names that this package offers
from attnbook.charts.distributions import ecdf, violins_by_max_attention
from attnbook.charts.erasure import boxes, counts_beside_points
from attnbook.charts.lines import by_epoch, line_panels
from attnbook.charts.panels import dot_panels, quartile_panels
from attnbook.charts.relations import intervals, scatter
from attnbook.charts.speed import growth, ratios
from attnbook.charts.text import heatmap
from attnbook.charts.trade_off import trade_off
from attnbook.charts.vegalite import enable
from attnbook.charts.verdicts import verdicts
