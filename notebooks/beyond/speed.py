# %% [markdown]
# # How fast are the kernels, and how fast could they be?
#
# The recorded benchmark of the kernels. Each is compared with the *plain way*: the same quantity as the
# papers' code computes it, batched and vectorised, through 256-dimensional hidden states. `make bench`
# repeats the benchmark on your machine. The *floor* is the time of the unavoidable arithmetic and memory
# traffic at this machine's rates, measured in the same run.

# %% tags=["parameters", "hide-input"]
from typing import Optional

record: Optional[str] = None  # a record of `make bench`; None: the newest CPU record of benchmarks/results

# %% tags=["remove-cell"]
import json
from pathlib import Path

import pandas as pd

from attnbook import PROJECT, charts, notebook

page = notebook.begin(globals(), "beyond/speed")
folder = PROJECT / "benchmarks" / "results"
paths = [Path(record)] if record else sorted(folder.glob("*.json"))
records = [json.loads(path.read_text()) for path in paths]
on_cpu = [found for found in records if found["device"]["kind"] == "cpu"]
measured = max(on_cpu, key=lambda found: found["date"])
on_gpu = [found["device"]["name"] for found in records if found["device"]["kind"] == "cuda"]

# %% tags=["hide-input"]
device = measured["device"]
versions = ", ".join(f"{name} {number}" for name, number in measured["versions"].items())
where = f"{device['name']}, {device['threads']} threads; commit `{measured['commit'][:12]}`; {versions}"
gpu = ", ".join(on_gpu) or "not measured"
notebook.markdown(
    f"**Where these numbers come from.** Recorded on {measured['date'][:10]}: {where}. GPU: {gpu}."
)

# %% [markdown]
# ## Above the floor
#
# Ticks mark the goals. A ratio to another way of computing moves with the machine, so they are distances to
# the floor of the same run. Small inputs lie further above it: there the start of each operation, which no
# floor counts, takes most of the time.

# %% tags=["hide-input"]
titles = {size["name"]: size["title"] for size in measured["sizes"]}
rows = pd.DataFrame(measured["rows"])
rows["name"] = (rows["kernel"] + " " + rows["variant"]).str.strip()
rows["texts like"] = rows["size"].map(titles)
rows["goal"] = rows["target"].str.extract(r"≤ ([\d.]+) × floor")[0].astype(float)


def drawn(column, title, x_title, **marks):
    """A mark for each kernel and size that has a number."""
    return charts.ratios(
        rows.dropna(subset=column), "name", column, by="texts like", title=title, x_title=x_title, **marks
    )


judged = rows.dropna(subset="goal")
page.figure(
    drawn("over_floor", "Times the floor", "seconds of the kernel ÷ seconds of its floor", target="goal"),
    "Of {goals} distances to the floor {met} are within their goal.",
    goals=len(judged),
    met=int((judged["over_floor"] <= judged["goal"]).sum()),
)

# %% [markdown]
# ## Against the plain way
#
# Kernel and plain way are run by turns, so that what else the machine does meets both; each number is a
# median of up to seven. The published search is run once. Where the plain way takes minutes it was timed on a
# fixed sample of the texts and scaled up.

# %% tags=["hide-input"]
ratio = rows.set_index(["name", "size"])["ratio"]
page.figure(
    drawn("ratio", "Times faster than the plain way", "seconds of the plain way ÷ seconds of the kernel"),
    "On texts like SST's the exact adversary is {exact:,.0f} times faster than the search that it replaces.",
    exact=ratio.get(("exact_adversary", "sst")),
)

# %% tags=["hide-input"]
columns = {
    "name": "kernel",
    "texts like": "size",
    "ours_s": "seconds",
    "ours_cpu_s": "CPU seconds",
    "over_floor": "× floor",
    "goal": "goal",
    "met": "met",
    "plain_s": "plain way (s)",
    "ratio": "ratio",
    "library_s": "library (s)",
    "peak_mib": "memory (MiB)",
    "authors_s": "authors' code (s)",
}
table = rows[list(columns)].rename(columns=columns)
table["met"] = table["met"].map({True: "yes", False: "no"})
notebook.table(table)

# %% [markdown]
# *Library*: `scipy.stats.kendalltau` over rows of one length, and `FeatureAblation` of captum, which replaces
# a token instead of taking it out, on the same model. The authors' seconds are CPU seconds of their released
# code on the real SST, on another machine: an order of magnitude, not a ratio.
#
# ## How time grows

# %% tags=["hide-input"]
growth = pd.concat(
    pd.DataFrame({"x": found["x"], "seconds": found["seconds"]}).assign(
        panel=f"{found['kernel']} over {found['over']}",
        power=float(found["expected"].split()[0]),
        slope=found["slope"],
    )
    for found in measured["scaling"]
)
last = growth.groupby("panel")[["x", "seconds"]].transform("last")
growth["expected"] = last["seconds"] * (growth["x"] / last["x"]) ** growth["power"]
charts.growth(
    growth,
    "x",
    "seconds",
    by="panel",
    title="Seconds by number of texts (N), tokens (T), classes (C) and permutations (P)",
    x_title="N, T, C or P",
    y_title="seconds (per text over T)",
)

# %% [markdown]
# The dashed line has the expected slope and passes through the last point. Small problems lie above it, where
# starting operations takes most of the time.
