"""What is handed in in another form: labels, texts and outputs, converted where that is safe, else refused.

Each is tried at every door through which it enters, not at the check alone.
"""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import scipy.sparse
import torch

from attnlib import faithfulness
from attnlib.data.columns import Words
from attnlib.data.corpus import Split, Vocabulary
from attnlib.data.generated import planted
from attnlib.data.imposed import impose
from attnlib.faithfulness import evidence
from attnlib.models.vectors import read_vectors, train_vectors
from attnlib.tables import baseline as baselines_text
from attnlib.tables import performance
from attnlib.training import metrics
from tests import toy

TEXTS = [["a", "good", "film"], ["a", "dull", "plot"], ["good", "plot", "film"], ["dull", "dull", "film"]]
SCORES = [[0.1, 0.6, 0.2]] * 4
RIGHT = [1, 0, 1, 0]
GIVEN = {"x": SCORES}
MARKS = [np.array([0, 1, 0])] * 4


def predict(texts):
    """Two classes, by the share of good words among good and dull ones."""
    good, dull = (np.array([1 + text.count(word) for text in texts]) for word in ("good", "dull"))
    return np.column_stack([dull, good]) / (good + dull)[:, None]


def removal():
    return faithfulness.removal_of_texts(predict, TEXTS)


def ways():
    return {"deletion": removal()}


def numbers(table):
    return table.select_dtypes("number").to_numpy(float)


def corpus_of(labels):
    whole = toy.corpus()
    return replace(whole, train=replace(whole.train.select(range(4)), labels=labels))


# What takes labels of the four texts, by what gives them another form.
LABELLED = {
    "curve": lambda labels: faithfulness.threshold_curve(SCORES, removal(), labels),
    "area": lambda labels: faithfulness.area_under_threshold(SCORES, removal(), labels),
    "table": lambda labels: numbers(faithfulness.measure_texts(GIVEN, ways(), labels)),
    "violations": lambda y: numbers(faithfulness.measure_texts(GIVEN, ways(), y, only_violation=True)),
    "oracle": lambda labels: numbers(faithfulness.measure_leave_one_out(ways(), labels)),
    "planted signs": lambda labels: evidence.planted_signs(MARKS, labels, np.array([1, 1, 0, 0])),
    "metrics": lambda labels: list(metrics.metrics(labels, predict(TEXTS)).values()),
    "area under the ROC curve": lambda labels: metrics.roc_auc(labels, predict(TEXTS)[:, 1]),
    "average precision": lambda labels: performance.average_precision(labels, predict(TEXTS)[:, 1]),
    "report": lambda labels: performance.report(labels, predict(TEXTS), ["no", "yes"]).pipe(numbers),
    "difference": lambda y: numbers(performance.difference(y, predict(TEXTS), 1 - predict(TEXTS), 20)),
    "corpus": lambda labels: corpus_of(labels).train.labels,
}
GOOD_LABELS = {
    "list": RIGHT,
    "tuple": tuple(RIGHT),
    "small integers": np.array(RIGHT, dtype=np.int8),
    "unsigned": np.array(RIGHT, dtype=np.uint64),
    "tensor": torch.tensor(RIGHT),
    "column": pd.Series(RIGHT, index=list("wxyz")),
    "column that may be empty": pd.Series(RIGHT, dtype="Int64"),
    "objects": np.array(RIGHT, dtype=object),
    "numbers of NumPy": [np.int64(label) for label in RIGHT],
}
BAD_LABELS = {
    "names": (np.array(["yes", "no", "yes", "no"]), "row 0 is 'yes'"),
    "a column of names": (pd.Series(["yes", "no", "yes", "no"]), "row 0 is 'yes'"),
    "names and numbers": ([1, "no", 1, 0], "row 1 is 'no'"),
    "from one": (np.array([2, 1, 2, 1]), "row 0 is 2, outside the 2 classes 0-1"),
    "-1 and 1": (np.array([1, -1, 1, -1]), "row 1 is -1, outside"),
    "no such class": ([1, 0, 7, 0], "row 2 is 7, outside"),
    "floats": (np.array([1.0, 0.0, 1.0, 0.0]), "row 0 is 1.0"),
    "a tensor of floats": (torch.tensor([1.0, 0, 1, 0]), "row 0 is 1.0"),
    "booleans": (np.array([True, False, True, False]), "row 0 is True"),
    "nothing": ([1, 0, None, 0], "row 2 is None"),
    "a column with a gap": (pd.Series([1, 0, None, 0]), "row 0 is 1.0"),
    "one for each class": (np.eye(2, dtype=int)[RIGHT], "one per text; got int64 of shape"),
    "one alone": (1, r"one per text; got int64 of shape \(\)"),
    "rows of other lengths": ([[1], [0, 1], [1], [0]], "one per text"),
    "dates": (np.array([1, 0, 1, 0], dtype="datetime64[ns]"), "row 0 is"),
}


@pytest.mark.parametrize("door", LABELLED)
def test_labels_of_every_library_give_what_an_array_gives(door):
    expected = LABELLED[door](np.array(RIGHT))
    for form, labels in GOOD_LABELS.items():
        np.testing.assert_array_equal(LABELLED[door](labels), expected, err_msg=form)


@pytest.mark.parametrize("bad", BAD_LABELS)
@pytest.mark.parametrize("door", LABELLED)
def test_labels_in_another_code_are_refused_with_row_and_remedy(door, bad):
    labels, message = BAD_LABELS[bad]
    with pytest.raises(ValueError, match="label") as found:
        LABELLED[door](labels)
    if door == "corpus" and "outside" in message:
        assert "has label" in str(found.value)
        assert "outside the 2 classes" in str(found.value)
        return
    assert found.match(message)
    if "row" in message and "row 0 is" not in message:
        assert "map names" in str(found.value)


@pytest.mark.parametrize("door", [door for door in LABELLED if door != "corpus"])
def test_labels_of_another_number_of_texts_are_refused(door):
    for labels in ([1, 0, 1], [1, 0, 1, 0, 1]):
        with pytest.raises(ValueError, match=rf"{len(labels)} for 4|probabilities: expected \[{len(labels)}"):
            LABELLED[door](labels)


def split_of(texts=None, questions=None, ids=None):
    return Split(ids or ("x", "y", "z", "w"), TEXTS if texts is None else texts, np.array(RIGHT), questions)


# What takes texts, or one text.
TEXTUAL = {
    "removal": lambda texts: faithfulness.removal_of_texts(predict, texts),
    "violation test": lambda texts: faithfulness.violation_test(predict, texts, SCORES),
    "split": lambda texts: split_of(texts),
    "questions": lambda texts: split_of(questions=texts),
    "vocabulary": Vocabulary.build,
    "word2vec": lambda texts: train_vectors(texts, 4),
}
TEXTUAL_ONE = {
    "encode": lambda text: Vocabulary(("a",)).encode(text),
    "words": Vocabulary,
    "numbers of words": lambda text: Words().numbers(text),
    "planted rule": planted.score,
    "planted evidence": lambda text: planted.planted_evidence(text, 1),
    "bag of words": baselines_text.ngrams,
    "heat map": lambda text: heatmap(text),
    "words of a file of vectors": lambda text: read_vectors("no file is read", text, 2),
}
BAD_TEXTS = {
    "strings": (["a good film", *TEXTS[1:]], "row 0 is a string, not a list of tokens: split it"),
    "a string among them": ([*TEXTS[:3], "a dull film"], "row 3 is a string"),
    "one text": (["a", "good", "film", "plot"], "row 0 is a string"),
    "one string": ("film", "is a string, not a "),
    "bytes": ([b"a good film", *TEXTS[1:]], "row 0 is a string"),
    "a missing text": ([TEXTS[0], None, *TEXTS[2:]], r"row 1 is None \(NoneType\), not a list of tokens"),
    "nan for a text": ([TEXTS[0], float("nan"), *TEXTS[2:]], r"row 1 is nan \(float\)"),
    "a set": ([*TEXTS[:2], {"a", "b"}, TEXTS[3]], r"row 2 is .* \(set\), not a list of tokens"),
    "counts": ([*TEXTS[:2], {"a": 1}, TEXTS[3]], r"row 2 is .* \(dict\)"),
    "a missing token": ([*TEXTS[:2], ["a", None], TEXTS[3]], r"row 2 has None \(NoneType\) as token 1"),
    "nan for a token": ([["a", "b", float("nan")], *TEXTS[1:]], r"row 0 has nan \(float\) as token 2"),
    "bytes for a token": ([[b"a"], *TEXTS[1:]], r"row 0 has b'a' \(bytes\) as token 0"),
    "sentences": ([[["a"], ["b"]], *TEXTS[1:]], r"row 0 has \['a'\] \(list\) as token 0"),
    "a column of strings": (pd.Series(["a good film"] * 4), "row 0 is a string"),
    "an array of strings": (np.array(["a good film"] * 4), "row 0 is a string"),
}


def heatmap(tokens):
    from attnbook import charts

    return charts.heatmap(tokens, {"weights": np.ones(len(tokens))}, title="a text")


@pytest.mark.parametrize("bad", BAD_TEXTS)
@pytest.mark.parametrize("door", TEXTUAL)
def test_texts_that_are_no_lists_of_tokens_are_refused(door, bad):
    texts, message = BAD_TEXTS[bad]
    if door == "word2vec":
        pytest.importorskip("gensim")
    if bad == "one string" and door == "vocabulary":
        message = "row 0 is a string"
    with pytest.raises(ValueError, match=f"^(texts|questions).*{message}"):
        TEXTUAL[door](texts)


@pytest.mark.parametrize(
    "door", [pytest.param(d, marks=pytest.mark.slow) if d == "heat map" else d for d in TEXTUAL_ONE]
)
@pytest.mark.parametrize("given", ["a good film", "abc", b"abc"])
def test_a_string_is_no_list_of_tokens(door, given):
    with pytest.raises(ValueError, match=r"^(tokens|words) is a string, not a list of (tokens|words): "):
        TEXTUAL_ONE[door](given)


GOOD_TEXTS = {
    "tuples": lambda texts: list(map(tuple, texts)),
    "tuple of lists": tuple,
    "arrays": lambda texts: list(map(np.array, texts)),
    "array": np.array,
    "column of lists": lambda texts: pd.Series(texts, index=list("wxyz")),
    "columns": lambda texts: list(map(pd.Series, texts)),
}


@pytest.mark.parametrize("form", GOOD_TEXTS)
def test_texts_of_every_library_give_what_lists_give(form):
    texts = GOOD_TEXTS[form](TEXTS)
    found = faithfulness.violation_test(predict, texts, SCORES).frame()
    pd.testing.assert_frame_equal(found, faithfulness.violation_test(predict, TEXTS, SCORES).frame())
    assert split_of(list(texts)).lengths.tolist() == [3] * 4


def test_ids_of_words_are_tokens_of_a_removal_and_not_of_a_split():
    numbers = {word: i for i, word in enumerate(sorted({word for text in TEXTS for word in text}))}
    words = list(numbers)
    texts = [np.array([numbers[word] for word in text]) for text in TEXTS]
    found = faithfulness.removal_of_texts(lambda ids: predict([[words[i] for i in t] for t in ids]), texts)
    np.testing.assert_array_equal(found.drop_of_each(), removal().drop_of_each())
    with pytest.raises(ValueError, match=r"texts: row 0 has .*int64\) as token 0: tokens are strings"):
        split_of(texts)


OTHER_COLUMNS = {
    "ids is a string, not a list of names": lambda: split_of(ids="xyzw"),
    "class_names is a string, not a list of names": lambda: replace(toy.corpus(), class_names="ab"),
    "attention of 'x' is '0.2 0.3', where": lambda: impose(split_of(), dict.fromkeys("xyzw", "0.2 0.3")),
    "attention of 'x' is ": lambda: impose(split_of(), {name: ["a", "b", "c"] for name in "xyzw"}),
}


@pytest.mark.parametrize("message", OTHER_COLUMNS)
def test_other_columns_of_a_split(message):
    with pytest.raises(ValueError, match=message):
        OTHER_COLUMNS[message]()


def test_a_way_to_remove_that_makes_a_string_is_refused():
    joined = faithfulness.removal_of_texts(predict, TEXTS, lambda tokens, gone: " ".join(tokens), name="own")
    refused = "own: what `remove` makes of text 0 is a string, not a list of tokens"
    with pytest.raises(ValueError, match=refused):
        joined.drop_of_each()


# Outputs of the same model in another form.
OUTPUTS = {
    "list": lambda p: p.tolist(),
    "list of rows": list,
    "single precision": lambda p: p.astype(np.float32),
    "tensor": torch.from_numpy,
    "tensor with gradients": lambda p: torch.from_numpy(p).requires_grad_(),
    "half precision": lambda p: torch.from_numpy(p).half(),
    "list of tensors": lambda p: [torch.from_numpy(row).requires_grad_() for row in p],
    "sparse matrix": scipy.sparse.csr_matrix,
    "sparse array": scipy.sparse.coo_array,
    "data frame": lambda p: pd.DataFrame(p, columns=["no", "yes"]),
}


@pytest.mark.parametrize("form", OUTPUTS)
def test_outputs_of_every_library_give_what_an_array_gives(form):
    found = faithfulness.violation_test(lambda texts: OUTPUTS[form](predict(texts)), TEXTS, SCORES)
    expected = faithfulness.violation_test(predict, TEXTS, SCORES)
    np.testing.assert_allclose(found.drop, expected.drop, atol=5e-3 if form == "half precision" else 1e-6)
    assert found.token.tolist() == expected.token.tolist()


OTHER_OUTPUTS = {
    "names and scores": lambda p: [{"label": "yes", "score": row[1]} for row in p],
    "names and scores of all classes": lambda p: [[{"label": "yes", "score": 1.0}] * 2 for _ in p],
    "names": lambda p: np.where(p[:, 1] > 0.5, "yes", "no"),
    "one output": lambda p: p[:, 1],
    "one column": lambda p: p[:, 1:],
    "one column in a tensor": lambda p: torch.from_numpy(p[:, 1:]),
    "labels": lambda p: p.argmax(axis=1),
    "rows of other lengths": lambda p: [[1.0], *p.tolist()[1:]],
    "nothing": lambda p: None,
    "a generator": lambda p: (row for row in p),
    "an output of transformers": lambda p: {"logits": p},
}


@pytest.mark.parametrize("form", OTHER_OUTPUTS)
def test_outputs_that_are_no_probabilities_are_refused_by_name(form):
    with pytest.raises(ValueError, match=r"^delete: expected probabilities \[4, C\]") as found:
        faithfulness.violation_test(lambda texts: OTHER_OUTPUTS[form](predict(texts)), TEXTS, SCORES)
    assert ("np.column_stack([1 - p, p])" in str(found.value)) == ("one " in form or form == "labels")


def test_another_number_of_classes_for_a_shorter_text_is_refused():
    def of_seen_classes(texts):  # as a table of predicted names gives
        return predict(texts) if len(texts[0]) == 3 else np.ones((len(texts), 3)) / 3

    with pytest.raises(ValueError, match=r"delete: expected probabilities \[4, 2\], got shape \[4, 3\]"):
        faithfulness.violation_test(of_seen_classes, TEXTS, SCORES)
    texts = [["good"], ["good", "film", "film"]]
    with pytest.raises(ValueError, match=r"delete: expected probabilities \[1, 3\], got shape \[1, 2\]"):
        faithfulness.removal_of_texts(of_seen_classes, texts, batch_size=1)


GOOD_SCORES = {
    "array": np.array,
    "tensor": lambda s: torch.tensor(s, requires_grad=True),
    "half precision": lambda s: torch.tensor(s).bfloat16(),
    "list of tensors": lambda s: [torch.tensor(row, requires_grad=True) for row in s],
    "lists of tensors": lambda s: [[torch.tensor(x, requires_grad=True) for x in row] for row in s],
    "column of lists": lambda s: pd.Series(s),
}


@pytest.mark.parametrize("form", GOOD_SCORES)
def test_scores_of_every_library(form):
    found = faithfulness.violation_test(predict, TEXTS, GOOD_SCORES[form](SCORES))
    assert found.token.tolist() == [1] * 4
    assert found.score == pytest.approx([0.6] * 4, abs=3e-3 if form == "half precision" else 1e-6)


BAD_SCORES = [
    ([*SCORES[:2], ["a", "b", "c"], SCORES[3]], r"scores: row 2 is \['a', 'b', 'c'\], where num"),
    (["0.1 0.6 0.2"] * 4, "scores: row 0 is '0.1 0.6 0.2', where numbers are needed"),
    ([*SCORES[:3], [0.1, {"a": 1}, 0.2]], "scores: row 3 is "),
    ([*SCORES[:3], None], "scores: row 3 has 1 numbers for 3 tokens|scores: row 3 is None"),
    ([*SCORES[:3], [0.1, None, 0.2]], "scores: token 1 of row 3 is nan"),
    ("abcd", "scores is a string, not a sequence of numbers for each text"),
]


@pytest.mark.parametrize(("scores", "message"), BAD_SCORES)
def test_scores_that_are_no_numbers_are_refused(scores, message):
    with pytest.raises(ValueError, match=message):
        faithfulness.violation_test(predict, TEXTS, scores)
