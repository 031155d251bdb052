"""What goes into explanations of a stock transformer: in any natural way, or refused by name."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from attnlib.explain.transformers import methods as stock
from attnlib.faithfulness import violations
from attnlib.faithfulness.transformers import removals
from attnlib.models.kinds import BERT_TEXT
from tests.stock import READERS, Wrapped, model_of, text, with_text

transformers = pytest.importorskip("transformers")


@pytest.mark.parametrize(
    ("family", "longest"),
    [(name, 38) for name in ("Roberta", "XLMRoberta", "Camembert", "Data2VecText", "MPNet")] + [("Bert", 40)],
)
def test_the_longest_text_is_the_model_s(family, longest):
    model = model_of(family, pad_token_id=1)
    fits, not_ = (
        {"inputs_embeds": torch.rand(1, n, 16), "attention_mask": torch.ones(1, n)}
        for n in (longest, longest + 1)
    )
    for read in READERS.values():
        assert read(model, BERT_TEXT, fits)
        with pytest.raises(ValueError, match=f"{longest + 1} positions, the model {longest}"):
            read(model, BERT_TEXT, not_)


@pytest.mark.parametrize("kind_of_number", [torch.bfloat16, torch.float16, torch.float64])
def test_scores_are_of_a_kind_that_numpy_has(kind_of_number):
    model = model_of("Bert").to(kind_of_number)
    _, inputs = text(model, lengths=(8, 5, 7))
    ways = removals(model, BERT_TEXT, inputs)
    for found in stock.explain(model, BERT_TEXT, inputs).values():
        assert found.dtype in (torch.float32, torch.float64)
        assert violations(found, ways["deletion"]).tested.all()
    for by_method in stock.each_layer_and_head(model, BERT_TEXT, inputs).values():
        assert all(found.numpy().dtype.itemsize >= 4 for found in by_method.values())


@pytest.mark.slow
def test_global_states_of_torch_are_named_or_do_not_matter():
    model, inputs = with_text()
    expected = stock.explain(model, BERT_TEXT, inputs)
    with torch.no_grad():
        found = stock.explain(model, BERT_TEXT, inputs)
    assert all(torch.equal(found[name], expected[name]) for name in expected)
    with torch.inference_mode():
        made = {name: value.clone() for name, value in inputs.items()}
        with pytest.raises(ValueError, match="inference_mode"):
            stock.explain(model, BERT_TEXT, inputs, "attention")
        with pytest.raises(ValueError, match="inference_mode"):
            stock.each_layer_and_head(model, BERT_TEXT, inputs)
        assert removals(model, BERT_TEXT, inputs)
    with pytest.raises(ValueError, match=r"inference_mode.* inputs_embeds was made in it"):
        stock.explain(model, BERT_TEXT, made, "attention")
    with pytest.raises(ValueError, match=r"torch\.compile"):
        stock.explain(torch.compile(model), BERT_TEXT, inputs, "attention")
    model.bert.encoder.layer[0].compile()
    with pytest.raises(ValueError, match=r"BertLayer: .*torch\.compile"):
        stock.explain(model, BERT_TEXT, inputs, "attention")


def test_a_class_is_given_in_any_natural_way():
    model, inputs = with_text()
    ways = [torch.tensor([1, 1, 1]), 1, [1, 1, 1], (1, 1, 1), np.ones(3, int), np.uint8(1), torch.tensor(1)]
    ways.append(torch.ones(3).int())
    names = ["attention × gradient", "relevance"]
    expected, *others = (stock.explain(model, BERT_TEXT, inputs, names, chosen=chosen) for chosen in ways)
    assert all(torch.equal(found[name], expected[name]) for found in others for name in names)


@pytest.mark.parametrize(
    ("chosen", "message"),
    [
        (torch.ones(3), "row 0 is 1.0"),
        ([True, False, True], "row 0 is True"),
        (["a", "b", "c"], "row 0 is 'a'"),
        ("a", "row 0 is 'a'"),
        ([0, 1], "2 for 3 instances"),
        ([[0], [1], [2]], r"one per instance; got int64 of shape \(3, 1\)"),
        ([[0], [1, 2], [2]], "one per instance"),
        (3, "row 0 is 3, outside the 3 classes 0-2"),
        (-1, "row 0 is -1, outside"),
        ([0, None, 1], "row 1 is None"),
    ],
)
def test_what_is_no_class_is_refused(chosen, message):
    model, inputs = with_text()
    with pytest.raises(ValueError, match=f"^chosen.*{message}"):
        stock.explain(model, BERT_TEXT, inputs, "attention", chosen=chosen)


@pytest.mark.parametrize("name", ["position_ids", "bbox", "language", "tags"])
def test_an_unknown_input_with_a_row_per_word_is_refused_where_words_go(name):
    plain = model_of("Bert")
    model = Wrapped(plain, lambda m, x: m(**{k: v for k, v in x.items() if k != name}).logits)
    _, inputs = text(plain)
    more = torch.zeros(3, 8, 4) if name == "bbox" else torch.arange(8).repeat(3, 1)
    inputs[name] = more
    assert stock.explain(model, BERT_TEXT, inputs, "attention")
    with pytest.raises(ValueError, match=f"{name} has a row for each of 8 positions.*`beside`"):
        removals(model, BERT_TEXT, inputs)
    moved = replace(BERT_TEXT, beside=("token_type_ids", name))
    without = removals(plain, BERT_TEXT, {k: v for k, v in inputs.items() if k != name})
    for way, removal in removals(model, moved, inputs).items():
        np.testing.assert_allclose(removal.drop_of_each(), without[way].drop_of_each(), atol=1e-6)


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("position_ids", torch.arange(8)[None], r"position_ids: expected a tensor with a row .* \[1, 8\]"),
        ("output_attentions", True, "output_attentions: expected a tensor .* got bool"),
        ("attention_mask", torch.zeros(3, 8), "attention_mask: row 0 has fewer than 2 positions"),
        ("attention_mask", None, "attention_mask: expected a tensor .* 3 instances, got NoneType"),
        ("attention_mask", torch.tensor(0), r"attention_mask: expected a tensor .* got \[\]"),
        ("attention_mask", torch.zeros(3, 8) - 1, "attention_mask: expected zeros and ones"),
        ("attention_mask", torch.ones(3, 1, 1, 8), "attention_mask is for"),
        ("inputs_embeds", torch.rand(3, 2, 8, 16), "multiple choice"),
        ("inputs_embeds", torch.full((3, 8, 16), torch.nan), "the model's logits of row 0 are nan"),
    ],
)
def test_inputs_that_do_not_fit_are_refused(name, value, message):
    model, inputs = with_text()
    for read in READERS.values():
        with pytest.raises(ValueError, match=message):
            read(model, BERT_TEXT, {**inputs, name: value})
    with pytest.raises(ValueError, match="there are no instances"):
        removals(model, BERT_TEXT, {name: given[:0] for name, given in inputs.items()})
    with pytest.raises(ValueError, match="batch_size is 0"):
        removals(model, BERT_TEXT, inputs, batch_size=0)


def test_dropout_in_a_part_of_the_model_is_named():
    model, inputs = with_text()
    model.bert.encoder.layer[1].train()
    with pytest.raises(ValueError, match=r"bert\.encoder\.layer\.1\..* is in training mode"):
        stock.explain(model, BERT_TEXT, inputs, "attention")


def test_one_method_is_named_without_a_list_and_twice_is_once():
    model, inputs = with_text()
    for methods in ("attention", ["attention", "attention"]):
        assert list(stock.explain(model, BERT_TEXT, inputs, methods)) == ["attention"]
    (each, *_) = stock.each_layer_and_head(model, BERT_TEXT, inputs, "attention").values()
    assert list(each) == ["attention"]
