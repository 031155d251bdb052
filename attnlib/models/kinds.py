"""How stock transformers are fed and read: the inputs that hold what is scored, the output that answers."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import torch
from torch import Tensor

Inputs = Mapping[str, Tensor]
# An input for us and not for the model: which positions of the features are scored, [N, L].
SCORED = "scored"


def _first(inputs: Inputs) -> Tensor:
    return torch.zeros(len(inputs["attention_mask"]), dtype=torch.long)


@dataclass(frozen=True)
class Kind:
    """How a kind of model is read; every kind also has the input attention_mask, of its words.

    features: name of the input whose rows are scored, [N, U, d]. present: name of its mask, [N, U]. logits:
    name of the output's field. row: the query that the head reads, [N], the first where nothing is said;
    None: found by its gradient.
    queries: which of them are present, [N, Q]; of the words alone where nothing is said. offset: of the
    scored rows among the keys of the joint sequence. streams: 1, or 2 for separate streams
    of language and vision. ends: positions before and after what is scored, such as a class token and a
    separator. ordered: whether what is scored has places, as words have. beside: further inputs with a row
    per scored position, which go where the features go; zeroed: those of them that are zero where the
    features are.
    """

    name: str
    features: str
    present: str
    logits: str = "logits"
    row: Callable[[Inputs], Tensor] | None = _first
    queries: Callable[[Inputs], Tensor] = lambda inputs: inputs["attention_mask"]
    offset: Callable[[Inputs], int] = lambda inputs: 0
    streams: int = 1
    ends: int = 0
    ordered: bool = False
    beside: tuple[str, ...] = ()
    zeroed: tuple[str, ...] = ()

    def mask(self, inputs: Inputs) -> Tensor:
        """Which scored rows are there, [N, U] bool: without the ends, tokens first.

        Of a pair of texts, told apart by token_type_ids, the first is scored. An input "scored", [N, L] bool,
        says it where there are none, as for models of the RoBERTa family: true at the words of the first.
        """
        present = inputs[self.present].bool()
        if SCORED in inputs:
            return inputs[SCORED].bool()[:, self.ends : present.shape[1] - self.ends]
        if not self.ends:
            return present
        if "token_type_ids" in inputs:
            present = present & (inputs["token_type_ids"] == 0)
        return present[:, 2 * self.ends :]


# Of any encoder: each position, special tokens too, and whatever query the head reads.
ANY_TEXT = Kind(
    "any text", "inputs_embeds", "attention_mask", row=None, ordered=True, beside=("token_type_ids",)
)
BERT_TEXT = replace(ANY_TEXT, name="text", row=_first, offset=lambda inputs: 1, ends=1)
# Its head for questions reads the last word before the separator.
VISUAL_BERT = Kind(
    "one stream of words and regions",
    "visual_embeds",
    "visual_attention_mask",
    row=lambda inputs: inputs["attention_mask"].sum(dim=1).long() - 2,
    queries=lambda inputs: torch.cat([inputs["attention_mask"], inputs["visual_attention_mask"]], dim=1),
    offset=lambda inputs: inputs["attention_mask"].shape[1],
    beside=("visual_token_type_ids",),
)
LXMERT = Kind(
    "a stream of words and a stream of regions",
    "visual_feats",
    "visual_attention_mask",
    logits="question_answering_score",
    streams=2,
    beside=("visual_pos",),
    zeroed=("visual_pos",),
)
