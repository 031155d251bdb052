"""Small stock transformers, trained from nothing, and their inputs: BERT on texts, two models on scenes.

The classes are the library's own (`transformers`); only their sizes are ours. Text goes in as this project's
word ids, whose start and end symbols stand for the class token and the separator; into a pretrained model as
the pieces of its own tokenizer.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from attnlib.checks import check_at_least, one_of
from attnlib.data.corpus import Corpus, Split, Vocabulary
from attnlib.data.scenes import SceneCorpus, SceneSplit
from attnlib.models.batches import pad, padded
from attnlib.models.kinds import BERT_TEXT, LXMERT, VISUAL_BERT, Kind
from attnlib.models.pretrained import WHERE, library, load_pretrained

AnyCorpus = Corpus | SceneCorpus
AnySplit = Split | SceneSplit

KINDS: dict[str, Kind] = {"bert": BERT_TEXT, "visual_bert": VISUAL_BERT, "lxmert": LXMERT}
CLASSES = {
    "bert": "BertForSequenceClassification",
    "visual_bert": "VisualBertForQuestionAnswering",
    "lxmert": "LxmertForQuestionAnswering",
}


@dataclass(frozen=True)
class StockArchitecture:
    """A stock model's size.

    kind: "bert" reads texts, "visual_bert" and "lxmert" a question and regions with n_features numbers each.
    layers: of the one stream; for LXMERT of attention across, after one of language and one of vision, since
    with more before it the two streams take long to find each other. longest: tokens
    of the longest text, with start and end. deviation: of the initial weights; the library's is .02.
    """

    kind: str
    n_words: int
    n_classes: int
    n_features: int = 0
    layers: int = 2
    heads: int = 4
    hidden: int = 64
    longest: int = 512
    dropout: float = 0.1
    deviation: float = 0.02

    def __post_init__(self) -> None:
        one_of("kind", self.kind, KINDS)
        for name, least in (("n_classes", 2), ("layers", 1), ("heads", 1)):
            check_at_least(name, getattr(self, name), least)
        if self.hidden % self.heads:
            raise ValueError(f"hidden ({self.hidden}) must be a multiple of heads ({self.heads})")
        if self.kind != "bert" and self.n_features < 1:
            raise ValueError(f"{self.kind} needs n_features, the numbers that describe a region")


def build_stock(architecture: StockArchitecture, seed: int = 0) -> nn.Module:
    """A fresh model on the CPU; the same seed gives the same parameters. The global random state stays."""
    a = architecture
    made = getattr(library(), CLASSES[a.kind])
    layers, classes, size = a.layers, a.n_classes, a.n_features
    sizes = dict(vocab_size=a.n_words, hidden_size=a.hidden, intermediate_size=2 * a.hidden, pad_token_id=0)
    sizes |= dict(num_attention_heads=a.heads, max_position_embeddings=a.longest)
    drawn = dict(hidden_dropout_prob=a.dropout, attention_probs_dropout_prob=a.dropout)
    drawn |= dict(initializer_range=a.deviation)
    one_stream = dict(num_hidden_layers=layers, num_labels=classes)
    of_kind: dict[str, dict[str, Any]] = {
        "bert": dict(**one_stream, attn_implementation="eager"),
        "visual_bert": dict(**one_stream, visual_embedding_dim=size),
        "lxmert": dict(x_layers=layers, num_qa_labels=classes, visual_feat_dim=size, l_layers=1, r_layers=1),
    }
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return made(made.config_class(**sizes, **drawn, **of_kind[a.kind]))


@dataclass(frozen=True)
class PretrainedArchitecture:
    """A pretrained text encoder with a fresh head: the fingerprint of its files; layers: its first ones."""

    weights: str
    n_classes: int
    layers: int | None = None

    def __post_init__(self) -> None:
        if self.layers is not None:
            check_at_least("layers", self.layers, 1)


def build_pretrained(
    folder: Path, architecture: PretrainedArchitecture, seed: int = 0
) -> tuple[nn.Module, Any]:
    """The model, whose head the seed draws, and its tokenizer. ValueError for more layers than it has."""
    size: dict[str, Any] = {"num_labels": architecture.n_classes, "attn_implementation": "eager"}
    if (layers := architecture.layers) is not None:
        most = library().AutoConfig.from_pretrained(folder, **WHERE).num_hidden_layers
        if layers > most:
            raise ValueError(f"layers is {layers}: the model in {folder} has {most}")
        size |= {"num_hidden_layers": layers}
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return load_pretrained(folder, "AutoModelForSequenceClassification", **size)


def text_inputs(split: Split, words: Any, index: Sequence[int] | np.ndarray) -> dict[str, Tensor]:
    """BERT's inputs for the texts of `split` at `index`: input_ids, attention_mask.

    words: a Vocabulary, or the tokenizer of a pretrained model, which cuts what is too long for it. Of pairs
    of texts the second follows the first, and token_type_ids tell them apart.
    """
    if not isinstance(words, Vocabulary):
        columns = (split.texts,) if split.questions is None else (split.texts, split.questions)
        given = [[list(column[i]) for i in index] for column in columns]
        how: dict[str, Any] = dict(is_split_into_words=True, truncation=True, padding=True)
        return dict(words(*given, **how, return_tensors="pt"))
    texts = [words.encode(split.texts[i]) for i in index]
    if split.questions is None:
        return padded(texts)
    seconds = [words.encode(split.questions[i])[1:] for i in index]
    pairs = list(zip(texts, seconds, strict=True))
    types, _ = pad([[0] * len(first) + [1] * len(second) for first, second in pairs])
    return {**padded([first + second for first, second in pairs]), "token_type_ids": types}


def scene_inputs(
    kind: str, split: SceneSplit, vocabulary: Vocabulary, index: Sequence[int] | np.ndarray
) -> dict[str, Tensor]:
    """VisualBERT's or LXMERT's inputs for the scenes of `split` at `index`."""
    index = np.asarray(index)
    words = padded([vocabulary.encode(split.questions[i]) for i in index])
    features, present = (torch.from_numpy(column[index]) for column in (split.features, split.present))
    given = {**words, "visual_attention_mask": present.float()}
    if kind == "visual_bert":
        types = torch.ones(present.shape, dtype=torch.long)
        return {**given, "visual_embeds": features, "visual_token_type_ids": types}
    return {**given, "visual_feats": features, "visual_pos": torch.from_numpy(split.boxes[index])}


def inputs_of(kind: str, split: AnySplit, words: Any, index: Sequence[int] | np.ndarray) -> dict[str, Tensor]:
    """A model's inputs for the texts or scenes of `split` at `index`; words: as `text_inputs` takes them."""
    if isinstance(split, SceneSplit):
        return scene_inputs(kind, split, words, index)
    return text_inputs(split, words, index)


def longest(split: AnySplit) -> int:
    """Positions that a model of the split needs: of its longest text, pair or question, with the ends."""
    if isinstance(split, SceneSplit):
        return max(len(question) + 2 for question in split.questions)
    if split.questions is None:
        return max(len(text) + 2 for text in split.texts)
    return max(len(text) + len(other) + 3 for text, other in zip(split.texts, split.questions, strict=True))


def embedded(model: nn.Module, inputs: dict[str, Tensor]) -> dict[str, Tensor]:
    """BERT's inputs with the word embeddings in place of the ids, which are what explanations score."""
    if "input_ids" not in inputs or "visual_attention_mask" in inputs:
        return inputs
    rest = {name: value for name, value in inputs.items() if name != "input_ids"}
    with torch.no_grad():
        words = model.get_input_embeddings()(inputs["input_ids"])  # type: ignore[operator]
    return {**rest, "inputs_embeds": words}
