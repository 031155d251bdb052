# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # How fast are the kernels, and how fast could they be?
#
# The recorded benchmark of the kernels. Each is compared with the *plain way*: the same quantity as the
# papers' code computes it, batched and vectorised, through 256-dimensional hidden states. `make bench`
# repeats the benchmark on your machine. The *floor* is the time of the unavoidable arithmetic and memory
# traffic at this machine's measured rates.

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
# ## Against the plain way

# %% tags=["hide-input"]
titles = {size["name"]: size["title"] for size in measured["sizes"]}
rows = pd.DataFrame(measured["rows"])
rows["name"] = (rows["kernel"] + " " + rows["variant"]).str.strip()
rows["texts like"] = rows["size"].map(titles)
rows["wanted"] = rows["target"].str.extract(r"≥ ([\d,]+)×")[0].str.replace(",", "").astype(float)
charts.ratios(
    rows.dropna(subset="ratio"),
    "name",
    "ratio",
    by="texts like",
    target="wanted",
    title="Times faster than the plain way",
    x_title="seconds of the plain way ÷ seconds of the kernel",
)

# %% [markdown]
# Ticks mark the targets that were set before anything was built. Where the plain way takes minutes it was
# timed on a fixed sample of the texts and scaled up. *× floor* is the kernel's time over its floor.

# %% tags=["hide-input"]
columns = {
    "name": "kernel",
    "texts like": "size",
    "ours_s": "seconds",
    "plain_s": "plain way (s)",
    "ratio": "ratio",
    "target": "target",
    "met": "met",
    "over_floor": "× floor",
    "peak_mib": "memory (MiB)",
    "authors_s": "authors' code (s)",
}
table = rows[list(columns)].rename(columns=columns)
table["met"] = table["met"].map({True: "yes", False: "no"})
notebook.table(table)

# %% [markdown]
# The authors' seconds are CPU seconds of their released code on the real SST, on another machine: an order of
# magnitude, not a ratio.
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
    title="Seconds by number of texts (N), tokens (T) and permutations (P)",
    x_title="N, T or P",
    y_title="seconds (per text over T)",
)

# %% [markdown]
# The dashed line has the expected slope and passes through the last point. Small problems lie above it, where
# starting operations takes most of the time.
