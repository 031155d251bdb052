"""Answers of another shape or meaning, and second texts: read rightly, or refused by name."""

import numpy as np
import pytest
import torch

from attnlib.explain.transformers import methods as stock
from attnlib.faithfulness.transformers import removals
from attnlib.models.kinds import BERT_TEXT
from tests.stock import READERS, Wrapped, bert, embedded, inputs_of, lxmert, model_of, text, with_text

transformers = pytest.importorskip("transformers")


@pytest.mark.parametrize("read", READERS.values(), ids=READERS)
@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: model_of("Bert", "ForTokenClassification"), r"shape \[2, 8, 3\] for 2 .* each token"),
        (lambda: model_of("Electra", "ForTokenClassification", embedding_size=16), r"shape \[2, 8, 3\]"),
        (lambda: model_of("Bert", "ForMaskedLM"), r"shape \[2, 8, 60\]"),
        (lambda: model_of("Roberta", "ForCausalLM", is_decoder=True), r"shape \[2, 8, 60\]"),
        (lambda: model_of("Bert", "ForMultipleChoice"), "ForMultipleChoice does not read inputs of shapes"),
        (lambda: model_of("Bert", "ForQuestionAnswering", num_labels=2), "'start_logits'.* needs 'logits'"),
        (lambda: model_of("Bert", "ForPreTraining"), "'seq_relationship_logits'.* needs 'logits'"),
        (lambda: model_of("Bert", "Model"), "BertModel answers with .*'pooler_output'.* needs 'logits'"),
        (lambda: model_of("DistilBert", "Model"), r"DistilBertModel answers with"),
        (lambda: model_of("Bert", problem_type="multi_label_classification"), "its own sigmoid"),
        (lambda: model_of("Bert", problem_type="regression"), "3 outputs, which are no classes"),
        (lambda: Wrapped(model_of("Bert"), lambda m, x: m(**x).logits[:, 0]), r"shape \[2\] for 2"),
        (lambda: Wrapped(model_of("Bert"), lambda m, x: m(**x).logits[:1]), r"shape \[1, 3\] for 2"),
        (lambda: model_of("T5"), "T5ForSequenceClassification does not read"),
        (lambda: model_of("GPT2", pad_token_id=None), "no padding token"),
    ],
)
def test_an_answer_that_is_no_row_of_classes_is_refused(make, message, read):
    model = make()
    inputs = {"inputs_embeds": torch.rand(3, 8, 16), "attention_mask": torch.ones(3, 8)}
    with pytest.raises(ValueError, match=message):
        read(model, BERT_TEXT, inputs)


def test_one_output_has_a_logit_and_no_probability():
    model, inputs = with_text("Bert", num_labels=1)
    (found,) = stock.explain(model, BERT_TEXT, inputs, "input × gradient").values()
    features = inputs["inputs_embeds"].clone().requires_grad_()
    (gradient,) = torch.autograd.grad(model(**{**inputs, "inputs_embeds": features}).logits.sum(), features)
    torch.testing.assert_close(found, (features * gradient).sum(2)[:, 1:-1].detach())
    for target in ("probability", "margin"):
        with pytest.raises(ValueError, match=f"target is '{target}', and a model of one output"):
            stock.explain(model, BERT_TEXT, inputs, "input × gradient", target=target)
    with pytest.raises(ValueError, match="one output, so no probability can fall"):
        removals(model, BERT_TEXT, inputs)


def test_the_advice_for_several_labels_works():
    model, inputs = with_text("Bert", problem_type="multi_label_classification")

    def answer(model, inputs):
        logit = model(**inputs).logits[:, 1:2]
        return torch.cat([torch.zeros_like(logit), logit], dim=1)

    one = Wrapped(model, answer)
    intact = removals(one, BERT_TEXT, inputs)["deletion"].intact
    expected = model(**inputs).logits[:, 1].sigmoid().detach().numpy()
    np.testing.assert_allclose(intact[:, 1], expected, atol=1e-6)
    assert list(stock.explain(one, BERT_TEXT, inputs)) == list(stock.METHODS)


@pytest.mark.slow
@pytest.mark.parametrize("family", ["Bert", "Roberta", "Electra"])
def test_tuples_are_asked_for_by_name(family):
    tuples, named = model_of(family, return_dict=False), model_of(family)
    _, inputs = text(named)
    assert isinstance(tuples(**inputs), tuple)
    found, expected = (stock.explain(model, BERT_TEXT, inputs) for model in (tuples, named))
    assert all(torch.equal(found[name], expected[name]) for name in stock.METHODS)
    ways = [removals(model, BERT_TEXT, inputs)["deletion"].drop_of_each() for model in (tuples, named)]
    np.testing.assert_array_equal(*ways)


@pytest.mark.parametrize("read", READERS.values(), ids=READERS)
@pytest.mark.parametrize("make", [bert, lxmert])
def test_labels_among_the_inputs_are_refused(make, read):
    model, kind, inputs = embedded(make)
    with pytest.raises(ValueError, match="computes a loss: leave labels out"):
        read(model, kind, {**inputs, "labels": torch.tensor([0, 1])})


# Two texts that nothing tells apart

PAIR = [0, 10, 11, 2, 20, 21, 22, 2]
DOUBLED = [0, 10, 11, 2, 2, 20, 21, 22, 2]  # as the tokenisers of the RoBERTa family separate


@pytest.mark.parametrize(
    ("family", "ids", "more"),
    [
        ("Roberta", [DOUBLED], {}),
        ("XLMRoberta", [DOUBLED, DOUBLED], {}),
        ("Camembert", [DOUBLED], {}),
        ("MPNet", [DOUBLED], {}),
        ("Bert", [PAIR], {}),
        ("Bert", [PAIR], {"sep_token_id": 2}),
        ("Bert", [[0, 10, 12, 13, 14, 15, 16, 2], PAIR], {}),
        ("Electra", [PAIR], {}),
        ("DistilBert", [PAIR], {}),
        ("Albert", [[2, 10, 11, 3, 20, 21, 22, 3]], {}),
    ],
)
def test_a_second_text_counts_as_the_first_s_only_where_told(family, ids, more):
    model = model_of(family, **more)
    inputs = inputs_of(model, ids)
    row = len(ids) - 1 if ids[0] not in (PAIR, DOUBLED) and family == "Bert" else 0
    for read in READERS.values():
        with pytest.raises(ValueError, match=f"row {row} has its separator at position 3 too.*'scored'"):
            read(model, BERT_TEXT, inputs)
    none = torch.zeros_like(inputs["attention_mask"])
    with pytest.raises(ValueError, match="has its separator"):
        removals(model, BERT_TEXT, {**inputs, "token_type_ids": none})
    scored = none.bool()
    scored[:, 1:3] = True
    told = {**inputs, "scored": scored}
    assert BERT_TEXT.mask(told).sum(1).tolist() == [2] * len(ids)
    (found,) = stock.explain(model, BERT_TEXT, told, "integrated gradients").values()
    assert (found[:, :2] != 0).all()
    assert (found[:, 2:] == 0).all()
    deletion = removals(model, BERT_TEXT, told)["deletion"]
    assert deletion.lengths.tolist() == [2] * len(ids)
    texts = [inputs_of(model, [list(np.delete(ids[0], gone))]) for gone in ([], [2])]
    whole, shorter = (model(**text).logits.double().softmax(1)[0].detach() for text in texts)
    assert deletion.drop_of_each()[0, 1] == pytest.approx(float((whole - shorter)[whole.argmax()]), abs=1e-6)


@pytest.mark.slow
def test_told_either_way_a_pair_is_scored_the_same():
    model = model_of("Bert")
    inputs = {**inputs_of(model, [PAIR]), "token_type_ids": torch.tensor([[0, 0, 0, 0, 1, 1, 1, 1]])}
    told = {**inputs, "scored": torch.tensor([[0, 1, 1, 0, 0, 0, 0, 0]])}
    for name, found in stock.explain(model, BERT_TEXT, inputs).items():
        assert torch.equal(found, stock.explain(model, BERT_TEXT, told, name)[name])
        assert (found != 0).tolist() == [[True, True, *[False] * (found.shape[1] - 2)]], name
    first, second = (removals(model, BERT_TEXT, given) for given in (inputs, told))
    for name, way in first.items():
        np.testing.assert_array_equal(way.drop_of_each(), second[name].drop_of_each())


@pytest.mark.parametrize(
    ("scored", "message"),
    [
        ([1, 1, 1, 0, 0, 0, 0, 0], "row 1 has something that is no word"),
        ([0, 1, 1, 1, 1, 1, 1, 1], "row 1 has something that is no word"),
        ([0, 0, 0, 0, 1, 1, 1, 0], "row 1 has something after a gap.*from the first word on"),
        ([0, 1, 0, 1, 0, 0, 0, 0], "row 1 has something after a gap"),
        ([0, 2, 2, 0, 0, 0, 0, 0], "expected zeros and ones"),
        ([0, 1, 1], r"inputs_embeds has \[2, 8\] rows, but scored is for \[2, 3\]"),
    ],
)
def test_what_cannot_be_scored_is_refused(scored, message):
    model = model_of("Roberta")
    good = [0, 1, 1, 0, 0, 0, 0, 0][: len(scored)]
    for read in READERS.values():
        with pytest.raises(ValueError, match=message):
            read(model, BERT_TEXT, {**inputs_of(model, [PAIR, PAIR]), "scored": torch.tensor([good, scored])})
    types = torch.tensor([[0, 0, 0, 1, 1, 0, 0, 0]])
    with pytest.raises(ValueError, match="token_type_ids: row 0 has something after a gap"):
        removals(model_of("Bert"), BERT_TEXT, {**inputs_of(model, [PAIR]), "token_type_ids": types})
