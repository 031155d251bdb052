"""The figures of the book: each takes a tidy frame and returns an Altair chart.

Every function aggregates in pandas first, so that a specification stays small, refuses values
outside the axis instead of dropping them, and writes a description in words from the data. Rows
without a value (NaN) are left out, and the description says how many there were. The columns
``published``, ``low`` and ``high`` need not be there.

Classes keep their colour on every chart: the order is the one of the column's categories if it is
categorical, sorted otherwise.
"""

# ruff: noqa: F401 - the names that this package offers
from attnbook.charts.distributions import histogram, violins_by_max_attention
from attnbook.charts.erasure import boxes, counts_beside_points
from attnbook.charts.forest import forest
from attnbook.charts.lines import by_epoch, line_panels
from attnbook.charts.panels import bar_panels, dot_panels, histogram_panels, quartile_panels
from attnbook.charts.radar import radar
from attnbook.charts.relations import dot_intervals, scatter
from attnbook.charts.speed import growth, ratios
from attnbook.charts.text import heatmap
from attnbook.charts.trade_off import trade_off
from attnbook.charts.vegalite import enable
from attnbook.charts.verdicts import verdicts
