"""Families of the library: each method right or refused by name, as the book's table says."""

from pathlib import Path

import pandas as pd
import pytest
import torch

from attnlib.explain.transformers import methods as stock
from attnlib.faithfulness.transformers import removals
from attnlib.models.kinds import ANY_TEXT
from tests.stock import Wrapped, model_of, text, with_text

transformers = pytest.importorskip("transformers")

TABLE = Path(__file__).parents[3] / "book/reference/families.csv"
READ_AT_THE_END = ("GPT2", "Llama", "OPT", "XLNet")
KNOWN = pd.read_csv(TABLE, index_col="family")


def family_of(name):
    """A small model; of T5 the encoder with a layer of one's own: its classifier takes no embeddings."""
    if name != "T5":
        return model_of(name)
    torch.manual_seed(0)
    sizes = dict(vocab_size=60, d_model=16, d_kv=8, num_heads=2, d_ff=32, num_layers=2)
    encoder = transformers.T5EncoderModel(transformers.T5Config(**sizes, attn_implementation="eager"))
    encoder.head = torch.nn.Linear(16, 3)
    model = Wrapped(encoder, lambda m, inputs: m.head(m(**inputs).last_hidden_state[:, 0])).eval()
    model.get_input_embeddings = encoder.get_input_embeddings
    return model


def alone(model, ids):
    """What the model itself says of a text alone, by its ids."""
    return model(input_ids=ids[None])["logits"].double().softmax(1)[0].detach()


@pytest.mark.slow
@pytest.mark.parametrize("family", KNOWN.index)
def test_each_method_is_right_or_refused_as_the_table_says(family):
    model, lengths = family_of(family).double(), (9, 6, 9, 8)
    ids, inputs = text(model, lengths=lengths)
    assert list(KNOWN.columns) == list(stock.METHODS)
    known = KNOWN.loc[family]
    found = stock.explain(model, ANY_TEXT, inputs, known.index[known == "yes"])
    assert all(scores.isfinite().all() and (scores != 0).any() for scores in found.values())
    for name in known.index[known == "no"]:
        with pytest.raises((NotImplementedError, ValueError), match="relevance|norm needs"):
            stock.explain(model, ANY_TEXT, inputs, name)
    intact = torch.from_numpy(removals(model, ANY_TEXT, inputs)["deletion"].intact)
    for row, n in enumerate(lengths):
        torch.testing.assert_close(intact[row], alone(model, ids[row, :n]), atol=1e-5, rtol=0)
    # The first text without padding: attention as the model returns it, read where its head reads.
    one, read = {name: value[:1] for name, value in inputs.items()}, -1 if family in READ_AT_THE_END else 0
    own = model.model if family == "T5" else model
    chosen, output = int(intact[0].argmax()), own(**one, output_attentions=True)
    for (layer, head), scores in stock.each_layer_and_head(model, ANY_TEXT, one, "attention").items():
        expected = output.attentions[layer][0]
        expected = expected.mean(0) if head is None else expected[head]
        expected = expected[read].detach().to(scores["attention"].dtype)
        torch.testing.assert_close(scores["attention"][0], expected, atol=1e-8, rtol=1e-6)
    features, step = one["inputs_embeds"], 2e-3
    with torch.no_grad():
        up, down = (model(**{**one, "inputs_embeds": features * (1 + s)})["logits"] for s in (step, -step))
    slope = float(up[0, chosen] - down[0, chosen]) / (2 * step)
    assert float(found["input × gradient"][0].sum()) == pytest.approx(slope, rel=1e-3, abs=1e-4)
    if family not in ("T5", "XLNet"):  # whose maps are returned as copies
        (gradient,) = torch.autograd.grad(output["logits"][0, chosen], output.attentions[-1])
        expected = (output.attentions[-1] * gradient).mean(1)[0, read].detach()
        torch.testing.assert_close(
            found["attention × gradient"][0], expected, atol=1e-8, rtol=1e-5, check_dtype=False
        )


@pytest.mark.parametrize("family", ["DistilBert", "GPT2", "Llama"])
def test_fused_attention_is_refused_only_where_maps_are_read(family):
    model, inputs = with_text(family, attn_implementation="sdpa")
    with pytest.raises(ValueError, match='attn_implementation="eager"'):
        stock.explain(model, ANY_TEXT, inputs, "attention")
    assert stock.explain(model, ANY_TEXT, inputs, ["input × gradient", "integrated gradients"])
