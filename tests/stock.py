"""Stock models of transformers from small configurations, and inputs for them."""

import pytest
import torch
from torch import nn

from attnlib.explain.transformers import methods as stock
from attnlib.faithfulness.transformers import removals
from attnlib.models.kinds import BERT_TEXT, LXMERT, VISUAL_BERT

transformers = pytest.importorskip("transformers")

# By its name in the library, what a family needs to be small beside SIZE.
SIZE = {
    **dict(vocab_size=60, hidden_size=16, num_attention_heads=2, intermediate_size=32, num_labels=3),
    **dict(
        num_hidden_layers=2, max_position_embeddings=40, initializer_range=0.3, attn_implementation="eager"
    ),
}
FAMILIES = {
    "Albert": {"embedding_size": 16},
    "Bloom": {"n_layer": 2, "n_head": 2, "pad_token_id": 0},
    "DistilBert": {"dim": 16, "n_heads": 2, "n_layers": 2},
    "Electra": {"embedding_size": 16},
    "GPT2": {"n_positions": 40, "pad_token_id": 0},
    "Llama": {"pad_token_id": 0},
    "Mistral": {"pad_token_id": 0, "num_key_value_heads": 1},
    # Its words know their neighbours before any attention, padding too.
    "MobileBert": {"embedding_size": 8, "intra_bottleneck_size": 8, "true_hidden_size": 8},
    "ModernBert": {"pad_token_id": 0, "bos_token_id": 2, "eos_token_id": 3},
    "OPT": {"ffn_dim": 32, "pad_token_id": 0, "word_embed_proj_dim": 16, "init_std": 0.3},
    "RoFormer": {"embedding_size": 16},
    "SqueezeBert": {"embedding_size": 16},
    "XLNet": {"d_inner": 32, "d_head": 8, "max_position_embeddings": None},
}
READERS = {
    "explain": lambda model, kind, inputs: stock.explain(model, kind, inputs, "input × gradient"),
    "each": stock.each_layer_and_head,
    "removals": removals,
}
SMALL = {"vocab_size": 50, "hidden_size": 16, "num_attention_heads": 2, "intermediate_size": 32}
WORDS = torch.randint(1, 50, (2, 7), generator=torch.Generator().manual_seed(0))


def bert(**more):
    more = dict(num_hidden_layers=2, num_labels=3, attn_implementation="eager") | more
    config = transformers.BertConfig(**SMALL, **more)
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
    layers = dict(l_layers=2, x_layers=2, r_layers=1)
    config = transformers.LxmertConfig(**SMALL, **layers, visual_feat_dim=5, num_qa_labels=3)
    image = {
        "visual_feats": torch.rand(2, 4, 5),
        "visual_pos": torch.rand(2, 4, 4),
        "visual_attention_mask": torch.ones(2, 4),
    }
    return transformers.LxmertForQuestionAnswering(config), image


KINDS = {bert: BERT_TEXT, visual_bert: VISUAL_BERT, lxmert: LXMERT}


class Adapter(nn.Module):
    """What adapters put in the place of a linear layer: the layer, and a narrow one beside it.

    bend: a function between its two halves, of adapters that are not linear.
    """

    def __init__(self, base, bend=nn.Identity):
        super().__init__()
        self.base_layer, self.bend = base, bend()
        self.down = nn.Linear(base.in_features, 2, bias=False)
        self.up = nn.Linear(2, base.out_features, bias=False)
        self.eval()

    @property
    def weight(self):
        return self.base_layer.weight

    def forward(self, hidden):
        return self.base_layer(hidden) + self.up(self.bend(self.down(hidden)))

    def merged(self):
        """One linear layer that does the same."""
        layer = nn.Linear(self.down.in_features, self.up.out_features)
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
    """The model, its kind and its inputs, with features to score: BERT's word embeddings, not the ids."""
    model, inputs = built(make, seed)
    if make is bert:
        words = inputs.pop("input_ids")
        inputs["inputs_embeds"] = model.bert.embeddings.word_embeddings(words).detach()
    return model, KINDS[make], inputs


def model_of(family, head="ForSequenceClassification", seed=0, **more):
    """A model of a family by its name in the library, small and with wide random weights."""
    torch.manual_seed(seed)
    settings = {**SIZE, **FAMILIES.get(family, {}), **more}
    settings = {name: value for name, value in settings.items() if value is not None}
    config = getattr(transformers, f"{family}Config")(**settings)
    return getattr(transformers, f"{family}{head}")(config).eval()


def text(model, lengths=(8, 8, 8), seed=0):
    """Random words that end with a 4, of some lengths; padding has words too, which are not to be seen."""
    lengths = torch.tensor(lengths)
    mask = (torch.arange(int(lengths.max())) < lengths[:, None]).long()
    ids = torch.randint(5, 60, mask.shape, generator=torch.Generator().manual_seed(seed))
    ids[torch.arange(len(ids)), lengths - 1] = 4
    return ids, inputs_of(model, ids, mask)


def with_text(family="Bert", lengths=(8, 8, 8), **more):
    """A model of a family, and inputs of some lengths."""
    model = model_of(family, **more)
    return model, text(model, lengths)[1]


def inputs_of(model, ids, mask=None):
    ids = torch.as_tensor(ids)
    mask = torch.ones_like(ids) if mask is None else mask
    return {"inputs_embeds": model.get_input_embeddings()(ids).detach(), "attention_mask": mask}


class Wrapped(nn.Module):
    """A model of one's own around one of the library's, without a configuration of its own."""

    def __init__(self, model, answer=lambda model, inputs: model(**inputs).logits):
        super().__init__()
        self.model, self.answer = model, answer
        self.eval()

    def forward(self, **inputs):
        return {"logits": self.answer(self.model, inputs)}
