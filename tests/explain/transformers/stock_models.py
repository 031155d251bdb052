"""Stock models of transformers from small configurations, and inputs for them."""

import pytest
import torch

from attnlib.models.kinds import BERT_TEXT, LXMERT, VISUAL_BERT

transformers = pytest.importorskip("transformers")

SMALL = {"vocab_size": 50, "hidden_size": 16, "num_attention_heads": 2, "intermediate_size": 32}
WORDS = torch.randint(1, 50, (2, 7), generator=torch.Generator().manual_seed(0))


def bert(**more):
    config = transformers.BertConfig(
        **SMALL, num_hidden_layers=2, num_labels=3, **{"attn_implementation": "eager", **more}
    )
    return transformers.BertForSequenceClassification(config), {}


def visual_bert():
    config = transformers.VisualBertConfig(**SMALL, num_hidden_layers=2, visual_embedding_dim=5, num_labels=3)
    image = {
        "visual_embeds": torch.rand(2, 4, 5),
        "visual_attention_mask": torch.ones(2, 4),
        "visual_token_type_ids": torch.ones(2, 4, dtype=torch.long),
    }
    return transformers.VisualBertForQuestionAnswering(config), image


def lxmert():
    config = transformers.LxmertConfig(
        **SMALL, l_layers=2, x_layers=2, r_layers=1, visual_feat_dim=5, num_qa_labels=3
    )
    image = {
        "visual_feats": torch.rand(2, 4, 5),
        "visual_pos": torch.rand(2, 4, 4),
        "visual_attention_mask": torch.ones(2, 4),
    }
    return transformers.LxmertForQuestionAnswering(config), image


KINDS = {bert: BERT_TEXT, visual_bert: VISUAL_BERT, lxmert: LXMERT}


class Adapter(torch.nn.Module):
    """What adapters put in the place of a linear layer: the layer, and a narrow one beside it.

    bend: a function between its two halves, of adapters that are not linear.
    """

    def __init__(self, base, bend=torch.nn.Identity):
        super().__init__()
        self.base_layer, self.bend = base, bend()
        self.down = torch.nn.Linear(base.in_features, 2, bias=False)
        self.up = torch.nn.Linear(2, base.out_features, bias=False)
        self.eval()

    @property
    def weight(self):
        return self.base_layer.weight

    def forward(self, hidden):
        return self.base_layer(hidden) + self.up(self.bend(self.down(hidden)))

    def merged(self):
        """One linear layer that does the same."""
        layer = torch.nn.Linear(self.down.in_features, self.up.out_features)
        layer.weight.data = self.base_layer.weight.data + self.up.weight.data @ self.down.weight.data
        layer.bias.data = self.base_layer.bias.data
        return layer


def replaced(model, ending, make):
    """The model, with `make(layer)` in the place of every layer whose name ends so."""
    for name, layer in list(model.named_modules()):
        if name.endswith(ending):
            parent, _, own = name.rpartition(".")
            setattr(model.get_submodule(parent), own, make(layer))
    return model.eval()


def built(make, seed=0):
    """A model in eval mode with weights large enough that attention matters, and its inputs."""
    torch.manual_seed(seed)
    model, image = make()
    for parameter in model.parameters():
        parameter.data = 0.5 * torch.randn_like(parameter)
    return model.eval(), {"input_ids": WORDS, "attention_mask": torch.ones_like(WORDS), **image}


def embedded(make, seed=0):
    """The same, with what is scored as features: BERT's word embeddings in place of the ids."""
    model, inputs = built(make, seed)
    if make is bert:
        words = inputs.pop("input_ids")
        inputs["inputs_embeds"] = model.bert.embeddings.word_embeddings(words).detach()
    return model, inputs
