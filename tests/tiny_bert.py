"""A tiny random BERT in a folder, as `save_pretrained` leaves one, whose tokenizer cuts some toy words."""

from pathlib import Path

import torch

from tests.toy import WORDS

# "plot" and "great" are two pieces each; "\u0085", a control character, is none.
PIECES = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", *(set(WORDS) - {"plot", "great"}), "pl", "##ot", "gr", "##eat")


def tiny_bert(folder: Path, positions: int = 40, layers: int = 2) -> Path:
    """The folder, with configuration, weights and tokenizer."""
    from tokenizers import BertWordPieceTokenizer
    from transformers import BertConfig, BertModel, BertTokenizerFast

    sizes = dict(hidden_size=16, num_attention_heads=2, intermediate_size=32, num_hidden_layers=layers)
    sizes |= dict(vocab_size=len(PIECES), max_position_embeddings=positions)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        BertModel(BertConfig(**sizes, initializer_range=0.5)).save_pretrained(folder)
    # The rest sorted, as a set has no order.
    vocabulary = {piece: n for n, piece in enumerate([*PIECES[:4], *sorted(PIECES[4:])])}
    pieces = BertWordPieceTokenizer(vocabulary)
    BertTokenizerFast(tokenizer_object=pieces._tokenizer, model_max_length=512).save_pretrained(folder)
    return folder
