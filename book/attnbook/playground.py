"""The playground of a page: a model's attention under the reader's hands (`_assets/playground.js`).

`html` gives the element of a page: its data, and what stands there without JavaScript. Chapters have a small one
with a task; the playground's own page has all sentences, models and words.
"""

from __future__ import annotations

import base64
import html
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from attnbook import BOOK
from attnbook.escaped import in_script
from attnbook.runs.readouts import FOLDER, SENTENCES, UNIT, WORDS, read_words
from attnlib import readouts
from attnlib.kernels import search_adversary
from attnlib.kernels._common import token_margins
from attnlib.readouts import Recorded

READOUTS = BOOK / Path(FOLDER).name
MODELS = {"bilstm": "BiLSTM", "convolution": "convolution", "average": "average"}
BY_WORD = "average"  # the model that reads each word by itself
EPSILON = 0.01
# What a reader may try, and what has to hold of the state: f.<name> of the script, or a bound on it.
CHALLENGES: dict[str, tuple[str, dict[str, Any]]] = {
    "same_output": (
        "Move the attention by a JSD of more than .5, and the output by no more than .01.",
        {"jsd": 0.5, "within": 0.01},
    ),
    "moving_attention": (
        "Move the probability by more than .2 on a sentence whose decision no attention can change.",
        {"inert": True, "beyond": 0.2},
    ),
    "flip": ("Flip a decision without erasing a token.", {"flipped": True, "erased": 0}),
    "erasure": ("Flip the decision by erasing as few tokens as possible.", {"flipped": True, "fewest": True}),
    "sign": ("Erase one token that votes for the decision, and make the model surer of it.", {"against": True}),
}
GROUPS = ("weights", "exact", "erase")


def packed(values: Any, kind: str) -> str:
    """Numbers as little-endian bytes of a kind (<f4, <i4), in base64."""
    return base64.b64encode(np.asarray(values).astype(kind).tobytes()).decode()


def of_model(key: str, texts: Recorded) -> dict[str, Any]:
    """What the script needs of a model: weights, margins and the weights of the published search, one after another."""
    readout, mask = texts.readout, texts.readout.mask
    searched = search_adversary(readout, EPSILON).weights
    return {
        "key": key,
        "name": MODELS[key],
        "bias": float(readout.bias.double().diff()),
        "alpha": packed(readout.alpha[mask], "<f4"),
        "margins": packed(token_margins(readout)[mask], "<f4"),
        "search": packed(searched[mask], "<f4"),
    }


def data(
    sentences: Sequence[int] | None = None,
    models: Sequence[str] = tuple(MODELS),
    challenges: Sequence[str] = (),
    show: Sequence[str] = GROUPS,
    start: str = "",
    words: bool = False,
) -> tuple[dict[str, Any], Recorded]:
    """What the script is given, and the texts as the first model reads them.

    sentences: numbers of the book's own; None: all. models: of MODELS. challenges: of CHALLENGES. show: of GROUPS.
    start: the state to begin with, as the page's address has it. words: with the table of single words.
    """
    rows = pd.read_csv(READOUTS / f"{SENTENCES}.csv").set_index("id")
    wanted = list(rows.index if sentences is None else sentences)
    read = {}
    for key in models:
        found = readouts.load(SENTENCES, folder=READOUTS, encoder=key, scorer="additive", seed=0, strength="")
        read[key] = found.select([found.ids.index(f"{SENTENCES}/{number}") for number in wanted])
    first = read[models[0]]
    assert first.words is not None
    given: dict[str, Any] = {
        "classes": first.facts["class_names"],
        "sentences": [
            {"id": number, "kind": str(rows.loc[number, "kind"]), "words": text}
            for number, text in zip(wanted, first.words, strict=True)
        ],
        "models": [of_model(key, texts) for key, texts in read.items()],
        "challenges": [dict(zip(("words", "needs"), CHALLENGES[name], strict=True)) for name in challenges],
        "show": list(show),
        "start": start,
    }
    if words:
        table = read_words(READOUTS / WORDS)
        columns = {f"{name}s": packed(table[name], "<i4") for name in table}
        given["words"] = {"model": BY_WORD, "unit": UNIT, "list": "\n".join(table.index), **columns}
    return given, first


def html_of(given: dict[str, Any], texts: Recorded, shown: int = 0) -> str:
    """The element of a page. shown: the sentence that stands there, as heat map and table, without JavaScript."""
    assert texts.words is not None
    words, length = texts.words[shown], len(texts.words[shown])
    weights = texts.readout.alpha[shown, :length].tolist()
    margins = token_margins(texts.readout)[shown, :length].tolist()
    cells = [
        (html.escape(word), f"{weight:.3f}", f"{vote:+.1f}".replace("-", "−"))
        for word, weight, vote in zip(words, weights, margins, strict=True)
    ]
    heat = " ".join(
        f'<span style="--weight:{weight:.2f}">{word}</span>' for (word, *_), weight in zip(cells, weights, strict=True)
    )
    body = "".join(f"<tr><th>{word}</th><td>{weight}</td><td>{vote}</td></tr>" for word, weight, vote in cells)
    said = texts.facts["class_names"][int(texts.readout.predictions()[shown])]
    return (
        f'<div class="playground"><p class="heat">{heat}</p>'
        f"<p>The {given['models'][0]['name']} says: {html.escape(said)}. With JavaScript you can move its attention.</p>"
        "<table><thead><tr><th>token</th><th>weight</th><th>vote</th></tr></thead>"
        f'<tbody>{body}</tbody></table><script type="application/json">{in_script(given)}</script></div>'
    )
