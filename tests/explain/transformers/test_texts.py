"""Words by fast tokenizers made here, and their scores against those of their pieces."""

from pathlib import Path

import numpy as np
import pytest
import torch

from attnlib.explain.transformers import encode, explain, explain_texts
from attnlib.faithfulness import erasure_of, violation_of
from attnlib.faithfulness.transformers import removals
from attnlib.models.kinds import ANY_TEXT
from tests.stock import model_of

transformers = pytest.importorskip("transformers")
tokenizers = pytest.importorskip("tokenizers")

WORDS = "a well-known film isn't good: it's 😀 👩‍🚀 日本語 tail-end, café co-op 12.5% U.S. 中文 don't"
DRAWN = np.random.default_rng(0)
TEXTS = [" ".join(DRAWN.choice(WORDS.split(), DRAWN.integers(1, 12))) for _ in range(100)]
NAMES = ["attention × gradient", "input × gradient", "rollout"]


def tokenizer_of(kind):
    """A fast tokenizer trained on the texts: BERT's pieces, or the bytes of GPT-2, which adds nothing."""
    if kind == "pieces":
        own = tokenizers.BertWordPieceTokenizer(lowercase=False)
        own.train_from_iterator(TEXTS, vocab_size=120, show_progress=False)
        names = dict(unk_token="[UNK]", pad_token="[PAD]", cls_token="[CLS]", sep_token="[SEP]")
        return transformers.BertTokenizerFast(tokenizer_object=own._tokenizer, **names)
    own = tokenizers.ByteLevelBPETokenizer(add_prefix_space=False)
    own.train_from_iterator(TEXTS, vocab_size=300, show_progress=False)
    return transformers.PreTrainedTokenizerFast(tokenizer_object=own._tokenizer)


def made(kind, **more):
    family = {"pieces": "Bert", "bytes": "GPT2"}[kind]
    tokenizer = tokenizer_of(kind)
    size = {"vocab_size": 400, "max_position_embeddings": 60, "n_positions": 60}
    return model_of(family, **{**size, **more}), tokenizer


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["pieces", "bytes"])
def test_words_have_the_sum_of_their_pieces(kind):
    model, tokenizer = made(kind)
    found = explain_texts(model, tokenizer, TEXTS, [*NAMES, "random"], batch_size=16)
    for row, text in enumerate(TEXTS):
        read = tokenizer(text)
        ids = torch.tensor([read["input_ids"]])
        inputs = {"inputs_embeds": model.get_input_embeddings()(ids).detach(), "attention_mask": ids * 0 + 1}
        alone = explain(model, ANY_TEXT, inputs, NAMES) if row % 10 == 0 else {}
        words, spans = [word for word in read.word_ids() if word is not None], read.encodings[0].offsets
        assert "".join(found.words[row]) == text.replace(" ", "")
        assert len(found.words[row]) == len(set(words))
        for name, scores in alone.items():
            expected = np.zeros(len(set(words)))
            np.add.at(expected, words, scores[0].numpy()[[w is not None for w in read.word_ids()]])
            np.testing.assert_allclose(found.scores[name][row], expected, atol=1e-5, rtol=1e-3)
            special = found.special[found.special["text"] == row]
            assert special["token"].tolist() == (["[CLS]", "[SEP]"] if kind == "pieces" else [])
            total = scores.double().sum().item()
            assert special[name].sum() + expected.sum() == pytest.approx(total, abs=1e-5)
        assert len(spans) == len(ids[0])
        assert len(found.scores["random"][row]) == len(found.words[row])


@pytest.mark.parametrize("kind", ["pieces", "bytes"])
def test_a_word_goes_with_its_pieces(kind):
    model, tokenizer = made(kind)
    texts = TEXTS[:6]
    encoded = encode(model, tokenizer, texts)
    ways = removals(model, ANY_TEXT, encoded.inputs, units=encoded.word)
    drops = ways["deletion"].drop_of_each()
    for row, text in enumerate(texts):
        read = tokenizer(text)
        pieces = encoded.word[row, : len(read["input_ids"])]

        def answer(kept, ids=read["input_ids"]):
            return (
                model(input_ids=torch.tensor(ids)[kept][None]).logits.double().softmax(1)[0].detach().numpy()
            )

        whole = answer(pieces > -2)
        np.testing.assert_allclose(ways["deletion"].intact[row], whole, atol=1e-5)
        for word in range(len(encoded.words[row]) if len(encoded.words[row]) > 1 else 0):
            expected = whole.max() - answer(pieces != word)[whole.argmax()]
            assert drops[row, word] == pytest.approx(expected, abs=1e-5)
    found = violation_of(model, tokenizer, texts, NAMES)
    assert list(found) == NAMES
    assert all(0 <= test.ratio <= 1 for test in found.values())
    table = erasure_of(model, tokenizer, encoded, NAMES)
    assert set(table["operator"]) == set(ways)
    assert table["violation"].notna().any()


def test_pairs_lists_of_words_and_cut_texts():
    model, tokenizer = made("pieces")
    with pytest.warns(UserWarning, match="1 of 2 texts are longer than the model's 60 positions"):
        cut = encode(model, tokenizer, ["good " * 70, "good film"])
    assert cut.truncated.tolist() == [True, False]
    assert cut.words[1] == ["good", "film"]
    both = explain_texts(model, tokenizer, ["a film", "good"], NAMES, pairs=["isn't it", "it's"], join="amax")
    assert both.words[0] == ["a", "film", "isn", "'", "t", "it"]
    assert both.texts.second.tolist() == [2, 1]
    assert both.special["token"].tolist() == ["[CLS]", "[SEP]", "[SEP]"] * 2
    lists = explain_texts(model, tokenizer, [["isn't", "good"], ["film"]], "attention")
    assert lists.words == [["isn't", "good"], ["film"]]
    empty = violation_of(model, tokenizer, ["", "good film"], "attention")
    assert empty["attention"].tested.tolist() == [False, True]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"texts": "good film"}, "texts is a string"),
        ({"texts": []}, "0 texts"),
        ({"pairs": ["a"]}, "2 texts, 1 second"),
        ({"join": "min"}, "unknown join 'min'"),
        ({"tokenizer": object()}, "use_fast=True"),
        ({"methods": "attentoin"}, "unknown method"),
        ({"batch_size": 0}, "batch_size: must be a whole number ≥ 1, got 0"),
    ],
)
def test_what_cannot_be_explained_is_named(change, message):
    model, tokenizer = made("pieces")
    given = {"tokenizer": tokenizer, "texts": ["good film", "a"], **change}
    with pytest.raises(ValueError, match=message):
        explain_texts(model, **given)


def test_a_model_that_reads_more_than_embeddings_is_refused():
    model, tokenizer = made("pieces")
    forward = model.forward

    def reading_ids(input_ids=None, **rest):
        output = forward(input_ids=input_ids, **rest)
        output["logits"] = output["logits"] + (0 if input_ids is None else input_ids.sum())
        return output

    model.forward = reading_ids
    with pytest.raises(ValueError, match="embeddings of text 0 than of its ids"):
        encode(model, tokenizer, ["good film"])


@pytest.mark.slow
def test_the_lines_of_the_readme_run(tmp_path, capsys):
    readme = (Path(__file__).parents[3] / "README.md").read_text()
    assert readme.count("\n") <= 100
    code = next(block for block in readme.split("```")[1::2] if "from_pretrained(path" in block)
    assert code.count("\n") - 2 <= 10
    model, tokenizer = made("pieces")
    for part in (model, tokenizer):
        part.save_pretrained(tmp_path)
    given = {"path": str(tmp_path), "texts": TEXTS[:5]}
    exec(code.removeprefix("python\n"), given)
    assert 0 <= float(capsys.readouterr().out) <= 1
    assert given["found"].words[0] == encode(model, tokenizer, TEXTS[:1]).words[0]
