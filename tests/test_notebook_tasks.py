"""Every notebook on every task of data set: a right result, or a refusal by name before anything is trained.

All data sets are generated. What a page should say is computed here once more, from its model and the texts.
"""

import re
from dataclasses import replace
from functools import partial

import jupytext
import numpy as np
import pandas as pd
import pytest
import torch
from scipy import stats
from sklearn.metrics import average_precision_score, f1_score

from attnbook import charts, notebook
from attnlib import data, faithfulness, statistics
from attnlib.data.corpus import TASKS, Corpus, Split, Vocabulary
from attnlib.data.generated import babi as babi_generator
from attnlib.data.generated import planted, planted_documents
from attnlib.data.generated import scenes as scenes_generated
from attnlib.data.traits import KNOWN, WORDS, seen
from attnlib.kernels import jsd, tvd, uniform_weights
from attnlib.tables import performance
from attnlib.training.flat import predict
from tests.test_notebooks import EXPERIMENTS, name_of

N_TEST, LIMIT = 12, 6
SIZES = {"n_train": 80, "n_dev": 24, "n_test": N_TEST}


def flat(name, n_classes, task="classification", word="word"):
    """A corpus of texts of words that each speak for one class.

    task: pairs and questions have a second text; questions ask for one of the entities of the first.
    """

    def split(part, n):
        draw = np.random.RandomState(len(part))
        labels = draw.permutation(np.arange(n) % n_classes)
        texts, named = [], []
        for label in labels:
            classes = np.array([label, label, *draw.randint(n_classes, size=4)])
            words = [f"{word}{c}" for c in classes] + ["the"] * draw.randint(1, 5)
            texts.append(tuple(draw.permutation(words).tolist()))
            named.append(np.unique(classes))
        second = tuple(("which", f"{word}{draw.randint(n_classes)}") for _ in texts)
        return Split(
            tuple(f"{name}/{part}/{i}" for i in range(n)),
            tuple(texts),
            labels,
            second if task in TASKS[1:] else None,
            candidates=tuple(named) if task == "question answering" else None,
        )

    splits = {part: split(part, n) for part, n in {"train": 80, "dev": 24, "test": N_TEST}.items()}
    words = [*splits["train"].texts, *(splits["train"].questions or ())]
    names = tuple(f"class {c}" for c in range(n_classes))
    return Corpus(name, task, **splits, vocabulary=Vocabulary.build(words), class_names=names, provenance={})


def letters():
    """Planted reviews cut into two sentences: documents of two classes, with evidence."""
    whole = planted.load(**SIZES, length=(8, 14))
    cut = {
        part: replace(split, sentences=tuple(np.array([3, len(text) - 3]) for text in split.texts))
        for part, split in whole.splits.items()
    }
    return replace(whole, name="letters", **cut)


def answers():
    """Scenes whose questions have four answers."""
    whole = scenes_generated.load(**SIZES)
    four = {
        part: replace(split, labels=split.labels + 2 * (np.arange(len(split)) % 2))
        for part, split in whole.splits.items()
    }
    return replace(whole, name="answers", class_names=("no", "yes", "seldom", "often"), **four)


TEXTS = {
    "planted": partial(planted.load, **SIZES, length=(8, 14)),
    "five": partial(flat, "five", 5),
    "babi1_generated": partial(babi_generator.load, 1, 80, N_TEST),
    "entities": partial(flat, "entities", 9, "question answering", "entity"),
    "pairs": partial(flat, "pairs", 2, "pair classification"),
    "pairs3": partial(flat, "pairs3", 3, "pair classification"),
    "planted_documents": partial(planted_documents.load, **SIZES, sentences=(3, 5)),
    "letters": letters,
}
SCENES = {"scenes": partial(scenes_generated.load, **SIZES), "answers": answers}
SINGLE, TWO = {"planted", "five", "planted_documents", "letters"}, {"planted", "letters"}
OF_TWO = ("violation/evidence", "beyond/deception", "beyond/conicity")
DOCUMENTS, BERT = {"planted_documents", "letters"}, SINGLE | {"pairs", "pairs3"}

# What makes a run short, of what a page has.
SMALL = dict(encoder="average", vectors="random", epochs=1, limit=LIMIT, seed=1, layers=1, depths=[1])
SMALL |= dict(strengths=[0.0, 0.1], adversary_epochs=1, n_seeds=2, n_steps=10, n_permutations=10)
SMALL |= dict(ratios=[0.0, 0.5, 1.0])


def runs_of(page, text):
    """The parameters to try on each data set, and the data sets that go with them."""
    if page.startswith("serrano_smith"):
        several = "\narchitectures: " in text
        for kind, reads in (("HANnoenc", DOCUMENTS), ("FLANnoenc", SINGLE)):
            yield {"architectures": [kind, "FLANconv"]} if several else {"architecture": kind}, reads
    elif page.startswith("violation/transformer"):
        yield {"kind": "bert"}, BERT
        yield {"kind": "visual_bert"}, set(SCENES)
    elif page == "violation/regions":
        yield {"kind": "visual_bert"}, {"scenes"}
        yield {"kind": "lxmert"}, {"scenes"}
    elif page == "violation/rationales":
        yield {}, TWO
        yield {"encoder": "FLANrnn"}, TWO
    elif page in OF_TWO or page.startswith("wiegreffe_pinter"):
        yield {}, TWO
    elif page.startswith("jain_wallace") or page == "beyond/need":
        yield {}, set(TEXTS)
    elif page == "beyond/transfer":
        yield {"encoders": ["average", "bilstm"], "leave_one_out": True}, SINGLE
    elif page in ("violation/methods", "violation/gradient"):
        yield {"layers": 0}, set(TEXTS)
    else:
        yield {}, SINGLE


@pytest.fixture
def generated(monkeypatch, request):
    """The data sets above under their names, and less of what takes the time: draws, and charts.

    The charts of the violation test are the same for all tasks; two data sets of it are drawn.
    """
    page, name = (request.node.callspec.params[key] for key in ("source", "name"))
    if "violation" in page.parts and name not in ("five", "scenes"):
        for chart in {name for name, value in vars(charts).items() if callable(value)} - {"enable"}:
            monkeypatch.setattr(charts, chart, lambda *args, **options: None)
    for loaders, ours in ((data.LOADERS, TEXTS), (data.SCENES, SCENES)):
        for name, loader in ours.items():
            monkeypatch.setitem(loaders, name, loader)
    monkeypatch.setattr(statistics, "bootstrap_mean", partial(statistics.bootstrap_mean, n_resamples=20))
    monkeypatch.setattr(performance, "difference", partial(performance.difference, n_resamples=20))


def execute(source, values, namespace):
    """Run a notebook's code in this process."""
    for cell in jupytext.read(source).cells:
        if cell.cell_type == "code":
            exec(compile(cell.source, str(source), "exec"), namespace)
            if "parameters" in cell.metadata.get("tags", []):
                namespace.update(values)


def by_hand(run, token):
    """Probabilities of the texts without one token each, from the model itself."""
    rest = tuple((*text[:t], *text[t + 1 :]) for text, t in zip(run.texts.texts, token, strict=True))
    shorter = replace(run.texts, texts=rest, evidence=None, sentences=None)
    return predict(run.model, shorter, run.corpus.vocabulary)


def is_row(table, metric, value, n=None, **where):
    """One row of a summary, over all texts unless `where` says otherwise; value None: not defined."""
    where = {"class": "all"} | where
    kept = table[table["metric"] == metric]
    for column, wanted in where.items():
        kept = kept[kept[column].isna() if wanted is None else kept[column] == wanted]
    assert len(kept) == 1, (metric, where)
    if value is None:
        assert np.isnan(kept["value"].item())
        assert kept["n"].item() == 0
    else:
        assert kept["value"].item() == pytest.approx(value, abs=1e-6)
        assert n is None or kept["n"].item() == n


def two_linear(run):
    """Whether the theorems about two classes hold."""
    return run.readout.linear and len(run.corpus.class_names) == 2


def right_base(page):
    run, table = page["run"], page["summary"]
    labels, predicted = run.texts.labels, run.readout.predictions().numpy()
    outputs = predict(run.model, run.corpus.test, run.corpus.vocabulary).argmax(1)
    is_row(table, "accuracy", (outputs == run.corpus.test.labels).mean(), N_TEST)
    two = len(run.corpus.class_names) == 2
    for metric in ("f1", "roc_auc", "pr_auc"):
        assert table[(table["metric"] == metric) & (table["class"] == "all")]["value"].notna().all() == two
    if two:
        is_row(table, "f1", f1_score(run.corpus.test.labels, outputs), N_TEST)
    assert page["compared"].query("read == 'model' and metric == 'accuracy'")["value"].item() == (
        pytest.approx((labels == predicted).mean())
    )


def right_correlation(page):
    run, frame = page["run"], page["frame"].groupby("text", sort=False).last()
    width = run.readout.mask.sum(1)
    for name in ("gradient", "omission"):
        column = {"gradient": "tau_gradient", "omission": "tau_leave_one_out"}[name]
        for row, n in enumerate(width.tolist()):
            pair = (x[row, :n].nan_to_num() for x in (run.readout.alpha, page[name]))
            expected = stats.kendalltau(*pair).statistic
            assert frame[column].iloc[row] == pytest.approx(expected, abs=1e-6, nan_ok=True)
    first = torch.from_numpy(by_hand(run, [0] * len(run.texts)))
    torch.testing.assert_close(
        page["omission"][:, 0], tvd(first, run.readout.probabilities()), atol=1e-5, rtol=0
    )


def right_initialisation(page):
    last = page["run"]
    assert page["frame"]["epoch"].unique().tolist() == [1]
    right_correlation(page)
    outputs = predict(last.model, last.corpus.test, last.corpus.vocabulary).argmax(1)
    is_row(page["summary"], "accuracy", (outputs == last.corpus.test.labels).mean(), N_TEST)


def right_permutation(page):
    run, table, frame = page["run"], page["summary"].query("bin.isna()"), page["frame"]
    readout = run.readout
    same = tvd(readout.probabilities(uniform_weights(readout)), readout.probabilities())
    is_row(table, "uniform_tvd", same.mean().item(), LIMIT)
    of_two = ("largest_permuted_tvd", "largest_tvd", "inert_moved_0_1", "tvd_share")
    if not two_linear(run):
        for metric in of_two:
            is_row(table, metric, None)
    if not readout.linear:
        is_row(table, "can_flip", None)
        return
    votes = (readout.scores + readout.bias).argmax(2)
    flips = ((votes != readout.predictions()[:, None]) & readout.mask).any(1)
    is_row(table, "can_flip", flips.double().mean().item(), LIMIT)
    if two_linear(run):
        # One token alone is the most extreme attention there is.
        alone = (readout.scores.double() + readout.bias.double()).softmax(2)[..., 1]
        apart = (alone - readout.probabilities()[:, 1:]).abs().masked_fill(~readout.mask, 0).amax(1).numpy()
        np.testing.assert_allclose(frame["largest_tvd"], apart, atol=1e-9)
        assert (frame["median_tvd"] <= frame["largest_permuted_tvd"] + 1e-9).all()
        assert (frame["largest_permuted_tvd"] <= frame["largest_tvd"] + 1e-9).all()
        np.testing.assert_allclose(frame["tvd_share"] * apart, frame["median_tvd"], atol=1e-9)
        inert = apart[~flips.numpy()]
        is_row(table, "inert_moved_0_1", (inert > 0.1).mean() if len(inert) else None, len(inert))


def right_adversary(page):
    run, table = page["run"], page["summary"].query("bin.isna()")
    for name, result in page["found"].items():
        assert (result.tvd <= page["epsilon"] + 1e-4).all()
        is_row(table, "jsd", jsd(result.weights, run.readout.alpha).mean().item(), LIMIT, method=name)
    if two_linear(run):
        best, searched = page["found"]["exact optimum"].jsd, page["found"]["published search"].jsd
        assert (best >= searched - 1e-6).all()
    else:
        for metric in ("jsd", "jsd_median", "at_least_0_595"):
            is_row(table, metric, None, method="exact optimum")


def right_geometry(page):
    right_permutation_of = page["summary"][page["summary"]["method"].isna()]
    far, two = page["divergence"], two_linear(page["run"])
    ceiling = far["ceiling (no condition on the output)"]
    assert (far["exact optimum" if two else "lower bound"] >= far["published search"] - 1e-6).all()
    assert (ceiling >= far["exact optimum" if two else "lower bound"] - 1e-6).all()
    assert (page["frame"]["fewest"] <= page["frame"]["by_attention"] + 1e-9).all()
    if not two:
        is_row(right_permutation_of, "permutation_can_flip", None)
        is_row(page["summary"], "jsd", None, method="exact optimum")
        readout, frame = page["run"].readout, page["frame"]
        for c, name in enumerate(page["run"].corpus.class_names):
            alone = (readout.scores.double() + readout.bias.double()).softmax(2)[..., c]
            lowest = alone.masked_fill(~readout.mask, 1).amin(1).mean().item()
            is_row(page["summary"], "class_lowest", lowest, LIMIT, **{"class": name})
        assert (frame["second_falls"] >= (frame["second_fewest"] < 1)).all()


def right_deception(page):
    plain, most = (page["by_model"][end(page["strengths"])] for end in (min, max))
    shown = ("attention_on_hidden", "attention")
    for row, marks in enumerate(page["chosen"]):
        held = page["run"].readout.alpha[row, : len(marks)][torch.from_numpy(marks)].sum().item()
        assert plain[shown][row] == pytest.approx(held, nan_ok=True) or not marks.any()
    assert np.nanmean(most[shown]) <= np.nanmean(plain[shown]) + 1e-6
    for found in page["by_model"].values():
        assert np.nanmax(found["hidden_in_minimal", "minimal flipping set"], initial=0) <= 1


def right_conicity(page):
    first, last = (page["by_model"][end(page["strengths"])] for end in (min, max))
    assert last["conicity"].mean() <= first["conicity"].mean() + 0.02
    for found in page["by_model"].values():
        assert (found["range"] >= 0).all()
        assert (found["permutation_change"] <= found["range"] + 1e-6).all()
        assert np.nanmin(found["excess_fraction"], initial=0) >= 0


def right_need(page):
    table, labels = page["summary"], page["run"].texts.labels
    for name, found in page["outputs"].items():
        is_row(table, "accuracy", (found.argmax(1) == labels).mean(), LIMIT, method=name)
    alpha = page["models"]["random"].readout.alpha
    drawn = [page["drawn"]["test"][text] for text in page["run"].texts.ids]
    for row, weights in zip(alpha.numpy(), drawn, strict=True):
        np.testing.assert_allclose(row[: len(weights)], weights, atol=1e-5)


def right_transfer(page):
    labels, outputs = page["labels"], page["outputs"]
    gains = page["summary"].query("metric == 'accuracy_gain'")
    assert len(gains) == len(outputs) - len(page["encoders"])
    for (receiver, guide, kind), found in outputs.items():
        if kind != "uniform":
            base = outputs[receiver, "none", "uniform"]
            gain = ((found.argmax(1) == labels) * 1.0 - (base.argmax(1) == labels)).mean()
            row = gains[gains["receiver"].eq(receiver) & gains["method"].eq(f"{guide}, {kind}")]
            assert row["value"].item() == pytest.approx(gain)


def right_shapley(page):
    readout, predicted = page["readout"], page["predicted"]
    assert torch.equal(predicted, page["run"].readout.predictions())
    total = page["found"].values.nansum(1)
    torch.testing.assert_close(total, readout.logits() - readout.bias, atol=1e-9, rtol=0)
    tau = []
    for row, c in enumerate(predicted):
        real = readout.mask[row]
        share, z = page["found"].values[row, real, c], readout.scores[row, real, c]
        tau.append(stats.kendalltau(readout.alpha[row, real] * z, share).statistic)
    is_row(page["summary"], "tau", np.nanmean(tau), LIMIT, method="attention × gradient")


def right_roar(page):
    """The first model is the run's, the last of all methods is one; the area is that of the rows."""
    table = page["rows"].set_index(["metric", "method", "ratio"])["value"].sort_index()
    ratios = page["ratios"]
    curves = {name: table["accuracy", name].loc[ratios].to_numpy() for name in page["methods"]}
    for name, by_ratio in page["models"].items():
        assert curves[name][0] == pytest.approx(page["run"].test_metrics["accuracy"])
        for share, run in by_ratio.items():
            for text in run.corpus.test.texts[:LIMIT]:
                assert text.count("<unk>") >= int(share * len(text))
    assert len({curve[-1] for curve in curves.values()}) == 1
    room = np.trapezoid(curves["random"] - curves["random"][-1], ratios)
    for name in {*curves} - {"random"}:
        area = np.trapezoid(curves["random"] - curves[name], ratios) / room if room > 0 else np.nan
        assert table["racu", name].item() == pytest.approx(area, nan_ok=True)


def right_documents(page):
    """Serrano and Smith's pages: what the model says, and what only documents with sentences have."""
    run, table = page["run"], page["summary"]
    if "architectures" in page:
        table = table[table["encoder"] == page["architectures"][-1]]
    hits = run.readout.predictions().numpy() == run.texts.labels
    if "correct" in page["frame"]:
        is_row(table, "correct", hits.mean(), LIMIT)
        cut = run.corpus.train.sentences is not None
        counts = [len(s) for split in run.corpus.splits.values() for s in split.sentences or ()]
        is_row(table, "mean_sentences", np.mean(counts) if cut else None, len(counts))
        is_row(table, "mean_words", np.concatenate([s.lengths for s in run.corpus.splits.values()]).mean())
    if "can_flip" in page["frame"]:
        votes = (run.readout.scores + run.readout.bias).argmax(2)
        flips = ((votes != run.readout.predictions()[:, None]) & run.readout.mask).any(1)
        is_row(table, "can_flip", flips.double().mean().item(), LIMIT)
    if "effects" in page:
        right_effects(page)
    if "checks" in page:
        bad = page["checks"][page["checks"]["metric"].isin(["differs_float64", "below_minimum"])]
        assert (bad["value"] == 0).all()
    if "flips" in page and "how" in page:
        shares = table[table["metric"].str.startswith("flip_")].groupby("method")["value"].sum()
        assert np.allclose(shares, 1)


def right_effects(page):
    """What an encoder adds to what attention erases, from the documents' own fractions."""
    means = pd.concat(page["counts"]).pivot_table("fraction", "encoder", "method")
    for row in page["effects"].to_dict("records"):
        kind = "HAN" if row["encoder"].startswith("HAN") else "FLAN"
        added = means.loc[row["encoder"]] - means.loc[f"{kind}noenc"]
        other = 0 if row["metric"] == "encoder_effect" else added[row["against"]]
        assert row["value"] == pytest.approx(added["attention"] - other, abs=1e-9)


def right_performance(page):
    """Wiegreffe and Pinter's pages: performance of every model, recomputed."""
    run, table = page["run"], page["summary"]
    if "outputs" in page and isinstance(page["outputs"], dict):
        for name, found in page["outputs"].items():
            hits = found.argmax(1) == run.texts.labels
            is_row(table, "accuracy", hits.mean(), LIMIT, method=name)
    elif "others" in page and isinstance(page["others"], list):
        other = [jsd(readout.alpha, run.readout.alpha) for readout in page["others"]]
        middle = torch.stack(other).quantile(0.5, dim=0).mean().item()
        is_row(table[table["bin"].isna()], "jsd", middle, LIMIT, method="other seeds")
    else:
        hits = run.readout.predictions().numpy() == run.texts.labels
        is_row(table, "accuracy", hits.mean(), LIMIT, method="base")


def right_removal(page):
    """Pages of the violation test: the fall of p without a token, by hand; the oracle is never violated."""
    run, removals = page["run"], page["removals"]
    token = run.readout.alpha.argmax(1).numpy()
    each, predicted = np.arange(len(token)), run.readout.predictions().numpy()
    fall = (run.readout.probabilities().numpy() - by_hand(run, token))[each, predicted]
    drops = {name: np.nan_to_num(removal.drop_of_each()) for name, removal in removals.items()}
    np.testing.assert_allclose(drops["deletion"][each, token], fall, atol=1e-5)
    oracle = faithfulness.measure_leave_one_out(removals, run.texts.labels)
    assert (oracle["violation"] == 0).all()
    frame = page.get("frame", ())
    if "operator" in frame and "drop" in frame:
        first = frame[(frame["method"] == "attention") & (frame["operator"] == "deletion")].tail(LIMIT)
        np.testing.assert_allclose(first["drop"], fall, atol=1e-5)
        assert first["violation"].tolist() == (fall < 0).astype(float).tolist()


def right_depth(page):
    right_removal(page)
    numbers, first, last = page["numbers"], page["depths"][0], page["depths"][-1]
    rates = page["summary"].query("metric == 'violation' and operator == 'mean' and method != 'random'")
    rates = rates.pivot_table("value", "method", "layers")
    assert numbers["methods"] == len(rates) == 5
    assert numbers["rising"] == (rates[last] > rates[first]).sum()


def right_evidence(page):
    right_removal(page)
    run = page["run"]
    for marks, signs, label, predicted in zip(
        run.texts.evidence, page["signs"], run.texts.labels, page["predicted"], strict=True
    ):
        assert (signs[: len(marks)] == (marks if label == predicted else -marks)).all()


def right_rationales(page):
    run, weights, rest = page["run"], page["readout"].alpha.numpy(), []
    marked = [(marks != 0, row[: len(marks)]) for marks, row in zip(page["rationales"], weights, strict=True)]
    found = [average_precision_score(marks, row) for marks, row in marked if marks.any()]
    is_row(page["summary"], "auprc", np.mean(found), len(found), method="attention")
    smallest = page["sizes"]["minimal flipping set"].numpy()
    is_row(page["summary"], "flipped", smallest.any(1).mean(), LIMIT, method="minimal flipping set")
    # The set's fall of p by the model's own reading of what is left.
    for text, gone in zip(run.texts.texts, smallest, strict=True):
        rest.append(tuple(word for word, out in zip(text, gone, strict=False) if not out))
    after = run.predict(replace(run.texts, texts=tuple(rest), evidence=None, sentences=None))
    each, predicted = np.arange(LIMIT), run.readout.predictions().numpy()
    fall = (run.readout.probabilities().numpy() - after)[each, predicted]
    np.testing.assert_allclose(page["measured"]["comprehensiveness", "minimal flipping set"], fall, atol=1e-5)


def right_own_model(page):
    """Whatever the number of classes: the slope of the predicted class's log-odds, token by token."""
    model, corpus = page["model"], page["corpus"]
    features, classifier = model.named_steps.values()
    expected = []
    for text in page["texts"]:
        values = features.transform([text]).toarray()[0]
        outputs = page["predict"]([text])[0]
        odds = classifier.decision_function(values[None])[0]
        scores = []
        for word in text:
            lit = np.zeros_like(values)
            lit[column] = values[column] if (column := features.vocabulary_.get(word)) is not None else 0
            change = odds - classifier.decision_function(values[None] - lit)[0]
            change = np.array([-change, change]) if len(corpus.class_names) == 2 else change
            scores.append(0.0 if column is None else change[outputs.argmax()])
        expected.append(scores)
    for found, wanted in zip(page["scores"], expected, strict=True):
        np.testing.assert_allclose(found, wanted, atol=1e-9)
    ratio = faithfulness.violation_test(page["predict"], page["texts"], expected).ratio
    is_row(
        page["rates"].assign(**{"class": "all"}),
        "violation",
        ratio,
        LIMIT,
        method="coefficient × tf-idf",
        operator="deletion",
    )


def right_stock(page):
    """Transformers: the oracle is never violated, and as many words or regions are scored as there are."""
    run, removals = page["run"], page["ways"]
    oracle = faithfulness.measure_leave_one_out(removals, run.texts.labels)
    assert (oracle["violation"].dropna() == 0).all()
    texts = getattr(run.texts, "texts", None)
    sizes = [len(text) for text in texts] if texts is not None else run.texts.present.sum(1).tolist()
    assert next(iter(removals.values())).lengths.tolist() == sizes
    if "accuracy" in page["summary"]["metric"].tolist():
        kept = page["summary"].query("metric == 'accuracy'")["value"].tolist()
        assert kept[-1] == pytest.approx(run.test_metrics["accuracy"])


RIGHT = {
    "jain_wallace/base": right_base,
    "jain_wallace/correlation": right_correlation,
    "jain_wallace/initialisation": right_initialisation,
    "jain_wallace/permutation": right_permutation,
    "jain_wallace/adversary": right_adversary,
    "beyond/geometry": right_geometry,
    "beyond/deception": right_deception,
    "beyond/conicity": right_conicity,
    "beyond/need": right_need,
    "beyond/transfer": right_transfer,
    "beyond/shapley": right_shapley,
    "beyond/roar": right_roar,
    "violation/own_model": right_own_model,
    "violation/depth": right_depth,
    "violation/evidence": right_evidence,
    "violation/rationales": right_rationales,
    "violation/regions": right_stock,
    "violation/transformers": right_stock,
    "violation/transformer_depth": right_stock,
}
OF_PAPER = {
    "serrano_smith": right_documents,
    "wiegreffe_pinter": right_performance,
    "violation": right_removal,
}


def whole(page, name):
    """What holds of every summary: what is not defined is of no texts, classes and data set are known."""
    table = page["summary"] if "summary" in page else page["rates"]
    if "n" in table:
        assert (table.loc[table["value"].isna(), "n"] == 0).all()
    if "class" in table and "run" in page:
        assert set(table["class"]) <= {"all", *page["run"].corpus.class_names}
    if "dataset" in table:
        assert set(table["dataset"]) == {name}


@pytest.mark.slow
@pytest.mark.parametrize("name", [*TEXTS, *SCENES])
@pytest.mark.parametrize("source", EXPERIMENTS, ids=name_of)
def test_a_page_is_right_or_refuses_by_name(source, name, generated, tmp_path):
    page, text = name_of(source), source.read_text()
    for number, (values, reads) in enumerate(runs_of(page, text)):
        output = tmp_path / str(number)
        values = {"dataset": name, "output": str(output)} | SMALL | values
        values = {key: value for key, value in values.items() if f"\n{key}: " in text}
        namespace = {"__name__": "__main__"}
        if name in reads:
            execute(source, values, namespace)
            whole(namespace, name)
            RIGHT.get(page, OF_PAPER.get(page.partition("/")[0]))(namespace)
        else:
            found = re.escape(str(seen((TEXTS | SCENES)[name]())))
            with pytest.raises(ValueError, match=rf"^parameter dataset is '{name}': {found}\. This notebook"):
                execute(source, values, namespace)
            # The first call refuses: nothing is loaded, trained or written.
            assert not {"page", "corpus", "run"} & set(namespace)
            assert not output.exists()


@pytest.mark.parametrize("name", [*TEXTS, *SCENES])
def test_generated_data_sets_are_of_every_task(name):
    corpus = (TEXTS | SCENES)[name]()
    assert getattr(corpus, "task", "scenes") in WORDS
    if name in KNOWN:
        assert seen(corpus) == KNOWN[name]


def test_what_a_data_set_is_stands_written_for_all():
    assert set(KNOWN) == {*data.LOADERS, *data.SCENES}
    assert set(notebook.TEXTS) == set(TASKS)


@pytest.mark.parametrize(
    "name", [*(f"babi{task}_generated" for task in (1, 2, 3)), "planted", "planted_documents", "scenes"]
)
def test_what_stands_written_is_true_of_generated_data(name):
    small = {"n_train": 10, "n_test": 5} | ({} if "babi" in name else {"n_dev": 5})
    assert seen((data.load_scenes if name in data.SCENES else data.load)(name, **small)) == KNOWN[name]


REAL = {"sst5": "sst", "babi1": "babi", "mrpc": "mrpc", "snli": "snli", "ade": "ade_corpus_v2"}


@pytest.mark.slow
@pytest.mark.parametrize("name", [pytest.param(name, marks=pytest.mark.data(REAL[name])) for name in REAL])
def test_what_stands_written_is_true_of_real_data(name):
    assert seen((data.load_scenes if name in data.SCENES else data.load)(name)) == KNOWN[name]
