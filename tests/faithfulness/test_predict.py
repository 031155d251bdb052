"""What any classifier may answer: the same probabilities in many forms, or a refusal with what mends it."""

import numpy as np
import pytest
import torch
from scipy import sparse

from attnlib.faithfulness import removal_of_texts, violation_test
from tests.faithfulness.cases import predict

TEXTS = [list("hc"), list("adhc"), list("cbdbh")]
SCORES = [np.arange(len(text)) + 1 for text in TEXTS]
NAMES = ["LABEL_2", "LABEL_10", "LABEL_11"]
FORMS = {
    "torch with gradient": lambda p: torch.tensor(p, requires_grad=True),
    "sparse": sparse.csr_matrix,
    "logarithms": np.log,
    "dicts": lambda p: [dict(zip(NAMES[::-1], row[::-1], strict=True)) for row in p],
    "pipeline": lambda p: [
        [{"label": NAMES[c], "score": row[c]} for c in np.argsort(-row)] for row in np.asarray(p)
    ],
}


def as_array(texts):
    return np.asarray(predict(texts), dtype=float)


@pytest.mark.parametrize("form", FORMS)
def test_the_same_probabilities_in_another_form_are_read(form):
    found = removal_of_texts(lambda texts: FORMS[form](as_array(texts)), TEXTS)
    expected = removal_of_texts(predict, TEXTS)
    np.testing.assert_allclose(found.intact, expected.intact, atol=1e-12)
    np.testing.assert_allclose(found.drop_of_each(), expected.drop_of_each(), atol=1e-12)


@pytest.mark.parametrize(
    ("form", "message"),
    [
        (lambda p: p[:, :1], r"np.column_stack\(\[1 - p, p\]\)"),
        (lambda p: [{"label": f"L{row.argmax()}", "score": row.max()} for row in p], "top_k=None"),
        (lambda p: np.log(p) * 2, "sum to 1"),
        (lambda p: p + np.random.default_rng().normal(0, 0.1, p.shape)[:, :1] * [1, -1, 0], "differently"),
    ],
)
def test_what_is_not_certain_is_refused_with_what_mends_it(form, message):
    texts = [["a"], ["b", "c", "b"], list("hhd")]
    with pytest.raises(ValueError, match=message):
        violation_test(lambda texts: form(as_array(texts)), texts, [[1], [1, 2, 3], [1, 2, 3]])


def test_how_much_will_be_asked_is_said_before(capsys):
    said = []

    def watched(texts):
        said.append((len(texts), capsys.readouterr().err))
        return predict(texts)

    violation_test(watched, TEXTS, SCORES, progress=True)
    assert [n for n, _ in said] == [3, 3, 3]  # the first twice
    assert said[-1][1] == "delete: 3 shorter texts to ask about, in 1 calls\n"
