"""Pages of verdicts on made-up sweeps: a paper's experiments for one model, and what a page then shows."""

import json
from dataclasses import dataclass

import numpy as np
import pandas as pd

from attnbook import NOTEBOOKS
from attnbook.runs import run
from attnlib.tables.summaries import MAX_ATTENTION_LABELS
from tests.attnbook.made import MODEL, save

CLASSES = ("negative", "positive")
METHODS = ("released search", "exact optimum", "uniform attention", "random attention")
TAUS = ("tau_gradient", "tau_leave_one_out", "tau_gradient_leave_one_out")


@dataclass
class Page:
    """What an executed notebook shows: its words, glued numbers, specifications of charts, and all of it."""

    words: str
    glued: dict[str, str]
    charts: list[dict]
    whole: str


def execute(notebook, folder, **values):
    """Run a notebook in a folder, where its tables lie too if it has any."""
    source = NOTEBOOKS / f"{notebook}.py"
    if "\noutput: " in source.read_text():
        values["output"] = str(folder)
    run.run(source, folder / "page.ipynb", values)
    whole = (folder / "page.ipynb").read_text()
    words, glued, charts = [], {}, []
    for output in (output for cell in json.loads(whole)["cells"] for output in cell.get("outputs", [])):
        data, name = output.get("data", {}), output.get("metadata", {}).get("scrapbook", {}).get("name")
        words += ["".join(data.get(kind, "")) for kind in ("text/html", "text/markdown")]
        charts += [data[kind] for kind in data if kind == "application/vnd.vegalite.v6+json"]
        if name:
            kinds = ("text/plain", "application/papermill.record/text/plain")
            glued[name] = "".join("".join(data.get(kind, "")) for kind in kinds)
    return Page("\n".join(words), glued, charts, whole)


def table(metrics, classes=("all",), **columns):
    """Rows of several metrics, for all texts or classes too."""
    found = [(metric, name, value) for metric, value in metrics.items() for name in classes]
    return pd.DataFrame(found, columns=["metric", "class", "value"]).assign(**{"n": 40} | columns)


def texts(seed, n=40, **columns):
    generator = np.random.default_rng(seed)
    frame = pd.DataFrame({"predicted": np.resize(CLASSES, n)}).assign(**columns)
    values = ["jsd"] if "method" in columns else TAUS
    return frame.assign(**{name: generator.uniform(0, 0.69, n) for name in values})


def correlation(sweep, tau, **model):
    """A run of Jain & Wallace's first experiment, in which the measures agree with each other by .5."""
    taus = {"gradient": tau, "leave_one_out": tau, "gradient_leave_one_out": 0.5, "random": 0.0}
    metrics = {f"tau_{name}": value for name, value in taus.items()}
    metrics |= {f"tau_{name}_deviation": 0.1 for name in taus} | {f"significant_{name}": tau for name in taus}
    metrics |= {"gap_gradient": 0.5 - tau, "gap_leave_one_out": 0.5 - tau}
    of_run = {"paper": "jain_wallace", "variant": "released", "vectors": "imdb", "seed": 0, **MODEL} | model
    everything = table(metrics, ("all", *CLASSES), experiment="correlation")
    save(sweep, everything.assign(**of_run), texts(of_run["seed"]))
    return of_run


def jain_wallace(sweep, tau, **model):
    """Every experiment of Jain & Wallace for one model; every τ with attention is `tau`."""
    of_run = correlation(sweep, tau, **model)
    every = ("all", *CLASSES)
    base = {"n_train": 6355, "n_test": 1725, "n_vocabulary": 13826, "f1": 0.79, "f1_uniform": 0.7}
    base |= {"accuracy": 0.8, "accuracy_uniform": 0.7, "mean_length": 19 + len(of_run["dataset"])}
    moved = {"median_tvd": 0.1, "random_tvd": 0.2, "uniform_tvd": 0.2, "largest_tvd": 0.6, "can_flip": 0.6}
    quartiles = {"median_tvd_q25": 0.05, "median_tvd_q50": 0.2, "median_tvd_q75": 0.75}
    bins = [table(quartiles, every, bin=label) for label in MAX_ATTENTION_LABELS]
    far = []
    for method, jsd in zip(METHODS, (0.5, 0.6, 0.3, 0.3), strict=True):
        shares = {"jsd": jsd, "jsd_median": jsd, "at_least_0_595": jsd - 0.2, "feasible": 0.1}
        boxes = {"jsd_q25": 0.2, "jsd_q50": 0.4, "jsd_q75": 0.6}
        far += [table(shares, every, method=method), table(boxes, every, method=method, bin="[0, .25)")]
    epochs = []
    for epoch in (1, 2, 3):
        kept = {"selected": float(epoch == 2), "accuracy": 0.8}
        epochs.append(table(kept | dict.fromkeys(TAUS[:2], tau + epoch / 100), epoch=epoch))
    methods = pd.concat([texts(of_run["seed"], method=method) for method in METHODS])
    for experiment, found, instances, more in (
        ("base", table(base, every), texts(0), {}),
        ("permutation", pd.concat([table(moved, every), *bins]), texts(0), {}),
        ("adversary", pd.concat(far), methods, {"epsilon": 0.05}),
        ("initialisation", pd.concat(epochs), texts(0, epoch=1), {"vectors": "random, deviation 1"}),
        ("initialisation", pd.concat(epochs), texts(0, epoch=1), {"vectors": "corpus"}),
    ):
        save(sweep, found.assign(**of_run | {"experiment": experiment} | more), instances)
