"""What a page of verdicts shows, and rows of made-up runs."""

import json
from dataclasses import dataclass

import pandas as pd

from attnbook import NOTEBOOKS
from attnbook.runs import run


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
