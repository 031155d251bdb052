"""Every data set goes through the experiments: real ones by the notebooks, generated files by the library.

The notebooks differ by what they measure, data sets by how they are read and by task: so one notebook runs on
every data set at hand, and the others on one of each task (`tests/test_notebooks.py` has the stories).
"""

import math
import re

import pandas as pd
import pytest
import torch

from attnlib import data, kernels
from attnlib.data.catalogue import DATA_SETS, SET_OF
from attnlib.explain import gradient_times_embedding, leave_one_out
from attnlib.models import collate
from attnlib.prepare import prepare
from tests.data.sets import test_health, test_questions
from tests.data.sets.writing import write
from tests.test_notebooks import ROOT, cells_in_a_fork

# Folders of ATTNLIB_DATA by data set.
NAMES = ("sst", "sst5", "imdb", "eraser_movies", "20news_sports", "20news20", "agnews", "agnews4")
NAMES += ("cad", "ade", "snli", "mrpc")
DOCUMENTS = ("20news", "amazon_multidomain", "agnews_topics")
FOLDERS = {name: SET_OF.get(name, name) for name in (*NAMES, *DOCUMENTS, "babi1", "babi2", "babi3")}
NOTEBOOKS = {"correlation": FOLDERS, "permutation": ("sst", "snli"), "adversary": ("sst", "snli")}
RUNS = [
    pytest.param(notebook, name, marks=pytest.mark.data(FOLDERS[name]), id=f"{notebook}-{name}")
    for notebook, names in NOTEBOOKS.items()
    for name in names
]
MEASURED = {"correlation": "tau_gradient", "permutation": "median_tvd", "adversary": "jsd"}
LARGEST = {"correlation": 1, "permutation": 1, "adversary": math.log(2)}


@pytest.mark.parametrize("data_set", DATA_SETS.values(), ids=DATA_SETS)
def test_its_papers_are_in_the_bibliography_and_cited(data_set):
    bibliography, page = ((ROOT / "book" / name).read_text() for name in ("references.bib", "data.md"))
    for citation in data_set.citation.split("; "):
        # As all keys: the first author's surname, the year, the first word of the title.
        author = re.split(r", | & | et al| \d", citation)[0].replace(" ", "")
        year, word = re.search(r"(\d{4}), (?:A |The )?(\w+)", citation).groups()
        key = f"{author}{year}{word}".lower()
        assert f"{{{key}," in bibliography
        assert key in page


@pytest.mark.slow
@pytest.mark.parametrize(("notebook", "name"), RUNS)
def test_a_notebook_runs_with_the_name_of_a_data_set(notebook, name, tmp_path):
    values = {"dataset": name, "encoder": "average", "epochs": 1, "limit": 4}
    values |= {"output": str(tmp_path / "tables")} | ({"n_steps": 5} if notebook == "adversary" else {})
    cells_in_a_fork(ROOT / f"notebooks/jain_wallace/{notebook}.py", values)
    texts = pd.read_parquet(tmp_path / "tables" / "instances.parquet")
    assert texts["text"].nunique() == 4
    measured = texts[MEASURED[notebook]].dropna()
    assert len(measured)
    assert measured.abs().max() <= LARGEST[notebook] + 1e-12
    summary = pd.read_csv(tmp_path / "tables" / "summary.csv")
    assert set(summary["dataset"]) <= {name, f"{name}_subset"}
    assert summary[summary["class"] == "all"]["metric"].eq(MEASURED[notebook]).any()


def measure(name, encoder):
    """Train on generated files, take the measures of the three notebooks, and check what must hold."""
    prepared = prepare(name, encoder, epochs=2, dimension=8, progress=False)
    model, texts, words = prepared.model, prepared.texts, prepared.corpus.vocabulary
    readout, mask = prepared.readout, prepared.readout.mask
    logits = model(collate(texts, words, range(len(texts)))).logits.detach().double()
    torch.testing.assert_close(readout.logits(), logits, atol=1e-5, rtol=1e-5)

    gradient = gradient_times_embedding(model, texts, words).abs()
    omission = leave_one_out(model, texts, words)
    again = leave_one_out(model, texts, words, encode_again=True)
    torch.testing.assert_close(omission, again, atol=1e-5, rtol=0, equal_nan=True)
    for other in (gradient, omission.nan_to_num()):
        tau, p = kernels.kendall_tau(readout.alpha, other, mask)
        assert torch.equal(tau.isnan(), p.isnan())
        assert tau.isfinite().any()

    adversary = kernels.search_adversary(readout, 0.05, n_steps=20)
    assert (adversary.tvd <= 0.05 + 1e-6).all()
    order = mask.sort(dim=1, descending=True, stable=True).indices
    each = kernels.erase_each(readout)[mask]
    torch.testing.assert_close(each.sum(1), torch.ones_like(each[:, 0]))
    flip = kernels.erase_until_flip(readout, order)
    for found in (gradient[mask], omission[mask], kernels.permutation_test(readout, 20), *adversary, *flip):
        assert found.isfinite().all()
    frame = prepared.frame(jsd=adversary.jsd)
    assert len(frame) == len(texts)
    return prepared


@pytest.fixture
def generated(tmp_path, monkeypatch):
    monkeypatch.setenv("ATTNLIB_DATA", str(tmp_path))
    return tmp_path


@pytest.mark.slow
@pytest.mark.parametrize("encoder", ["bilstm", "convolution", "average"])
def test_cnn_questions_are_answered_with_an_entity_of_the_passage(generated, encoder):
    write(generated / "cnn", test_questions.question_files())
    prepared = measure("cnn", encoder)
    names, readout = prepared.corpus.class_names, prepared.readout
    predicted_so = readout.predictions(), readout.probabilities()
    for text, predicted, p in zip(prepared.texts.texts, *predicted_so, strict=True):
        assert names[predicted] in text
        assert all(p[c] == 0 for c in range(len(names)) if names[c] not in text)
    each = kernels.erase_each(readout)
    assert (each.masked_fill(readout.allowed[:, None], 0.0)[readout.mask] == 0).all()


@pytest.mark.slow
@pytest.mark.parametrize("encoder", ["bilstm", "convolution", "average"])
@pytest.mark.parametrize("name", ["diabetes", "anemia"])
def test_discharge_summaries_are_classified(generated, name, encoder):
    tables = test_health.tables()
    # Lengths that do not go with the class: the filter drops the shortest texts.
    tables["NOTEEVENTS"]["TEXT"] += [" well" * (row % 7) for row in range(len(tables["NOTEEVENTS"]))]
    test_health.write_tables(generated, **tables)
    prepared = measure(name, encoder)
    assert data.load(name).checksum == prepared.settings["data"]
    best = kernels.exact_adversary(prepared.readout, 0.05)
    assert (best.jsd >= kernels.search_adversary(prepared.readout, 0.05, n_steps=20).jsd - 1e-12).all()
