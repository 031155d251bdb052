"""Models whose answer depends on padding or on the batch: asked without, or refused."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

from attnlib.explain.transformers import methods as stock
from attnlib.explain.transformers.asking import Asked, without_padding
from attnlib.faithfulness.transformers import removals
from attnlib.models.kinds import BERT_TEXT
from tests.stock import READERS, bert, embedded, inputs_of, lxmert, model_of, text, visual_bert, with_text

transformers = pytest.importorskip("transformers")

# A decoder's text has no class token and no separator, and its last word is read.
CAUSAL = replace(
    BERT_TEXT,
    name="text read at its end",
    row=lambda inputs: inputs["attention_mask"].sum(dim=1) - 1,
    offset=lambda inputs: 0,
    ends=0,
)

DECODERS = ("GPT2", "Llama", "Mistral", "Bloom", "OPT", "XLNet")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("family", "kind"),
    [*((family, kind) for family in DECODERS for kind in (BERT_TEXT, CAUSAL)), ("MobileBert", BERT_TEXT)],
)
def test_where_padding_changes_the_answer_each_text_is_asked_without(family, kind):
    model = model_of(family)
    lengths = (9, 6, 9, 8, 6, 9)
    ids, inputs = text(model, lengths=lengths)
    words = [row[:n].tolist() for row, n in zip(ids, lengths, strict=True)]

    def answer(*texts):
        """The model's own, of one text alone and by its ids."""
        logits = [model(input_ids=torch.tensor([one])).logits for one in texts]
        return torch.cat(logits).double().softmax(1).detach().numpy()

    alone = answer(*words)
    padded = model(**inputs).logits.double().softmax(1).detach().numpy()
    assert np.abs(padded - alone).max() > 1e-3  # what used to be believed
    ways = removals(model, kind, inputs)
    drops = ways["deletion"].drop_of_each()
    for way in ways.values():
        np.testing.assert_allclose(way.intact, alone, atol=1e-6)
    for row, one in enumerate(words):
        predicted = alone[row].argmax()
        scored = range(kind.ends, len(one) - kind.ends)
        without = answer(*(one[:gone] + one[gone + 1 :] for gone in scored))[:, predicted]
        np.testing.assert_allclose(drops[row, : len(scored)], alone[row, predicted] - without, atol=1e-6)
    names = ["input × gradient", "integrated gradients"]
    if kind is CAUSAL or family == "MobileBert":  # a decoder's head reads no class token
        names.append("attention")
    scores = stock.explain(model, kind, inputs, names, batch_size=4)
    for row, one in enumerate(words):
        for name, found in stock.explain(model, kind, inputs_of(model, [one]), names).items():
            n = found.shape[1]
            torch.testing.assert_close(scores[name][row, :n], found[0], atol=1e-5, rtol=1e-4)
            assert (scores[name][row, n:] == 0).all()
            assert (found != 0).any()


def test_texts_of_one_length_are_no_way_round():
    """Without padding among the texts, a removal still brings it in."""
    model = model_of("GPT2")
    ids, inputs = text(model)
    deletion = removals(model, CAUSAL, inputs)["deletion"]
    sets = np.zeros((3, 2, 8), dtype=bool)
    sets[0, 0, 0] = sets[1, 0, 1:4] = sets[2, 1, 5:] = True
    found = deletion.without(sets)
    for row, k in np.ndindex(3, 2):
        kept = torch.from_numpy(~sets[row, k])
        expected = model(input_ids=ids[row : row + 1, kept]).logits.double().softmax(1).detach().numpy()
        np.testing.assert_allclose(found[row, k], expected[0], atol=1e-6)


def test_maps_are_read_where_padding_changes_the_answer_but_there_is_none():
    model, inputs = with_text("MobileBert")
    returned = model(**inputs, output_attentions=True).attentions[-1].mean(1)[:, 0, 1:-1]
    found = stock.explain(model, BERT_TEXT, inputs, ["attention", "attention × norm"])
    torch.testing.assert_close(found["attention"], returned.detach())


class Mixed(nn.Module):
    """A model whose answer has something of the other rows of its batch, or of chance."""

    def __init__(self, model, field, mix):
        super().__init__()
        self.model, self.field, self.mix = model, field, mix
        self.eval()

    def forward(self, **inputs):
        logits = self.model(**inputs)[self.field]
        return {self.field: self.mix(logits)}


@pytest.mark.parametrize("make", [bert, visual_bert, lxmert])
@pytest.mark.parametrize(
    "mix",
    [
        lambda logits: logits - logits.sum(dim=0) / 2,
        lambda logits: logits.flip(0),
        lambda logits: logits * len(logits),
        lambda logits: logits + torch.randn_like(logits),
    ],
    ids=["sum", "order", "size", "chance"],
)
def test_an_answer_that_depends_on_the_batch_is_refused(make, mix):
    model, kind, inputs = embedded(make)
    for read in (READERS["explain"], removals):
        with pytest.raises(ValueError, match=r"row \d: in its batch .* alone, without padding"):
            read(Mixed(model, kind.logits, mix), kind, inputs)


@pytest.mark.parametrize("make", [visual_bert, lxmert])
def test_regions_that_are_not_there_do_not_count(make):
    """A model that reads the mean of all regions, padding among them, is asked without."""
    model, kind, inputs = embedded(make)
    inputs[kind.present] = torch.tensor([[1.0, 1, 1, 0], [1, 1, 1, 1]])

    class Mean(nn.Module):
        def forward(self, **given):
            return {kind.logits: model(**given)[kind.logits] + given[kind.features].mean(dim=1)[:, :3]}

    intact = removals(Mean().eval(), kind, inputs)["zeroing"].intact
    for row, n in enumerate((3, 4)):
        one = {name: value[row : row + 1] for name, value in inputs.items()}
        one = {name: v[:, :n] if "visual" in name else v for name, v in one.items()}
        expected = Mean()(**one)[kind.logits].double().softmax(1).detach().numpy()
        np.testing.assert_allclose(intact[row], expected[0], atol=1e-6)


@pytest.mark.parametrize("family", ["Bert", "Roberta", "Albert", "Electra"])
def test_a_model_that_padding_leaves_alone_is_asked_as_it_is(family):
    model, inputs = with_text(family, lengths=(9, 4, 7, 2))
    assert without_padding(Asked(model, BERT_TEXT, inputs)).model is model
