"""The playground of a page: a model's attention under the reader's hands (`_assets/playground.js`).

`element` gives the HTML: data, controls, and what stands there without JavaScript. Chapters have a small one
with a task; the playground's own page has all sentences, models and words.
"""

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
from attnlib.kernels import search_adversary, token_margins
from attnlib.readouts import Recorded

READOUTS = BOOK / Path(FOLDER).name
MODELS = {"bilstm": "BiLSTM", "convolution": "convolution", "average": "average"}
BY_WORD = "average"  # the model that reads each word by itself
EPSILON = 0.01
CONTROLS = Path(__file__).with_suffix(".html").read_text(encoding="utf-8")
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
    "sign": (
        "Erase one token that votes for the decision, and make the model surer of it.",
        {"against": True},
    ),
}
GROUPS = ("weights", "exact", "erase")


def packed(values: Any, kind: str) -> str:
    """Numbers as little-endian bytes of a kind (<f4, <i4), in base64."""
    return base64.b64encode(np.asarray(values).astype(kind).tobytes()).decode()


def of_model(key: str, texts: Recorded) -> dict[str, Any]:
    """What the script needs of a model, text after text: weights, margins, those of the published search."""
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


def element(
    sentences: Sequence[int] | None = None,
    models: Sequence[str] = tuple(MODELS),
    challenges: Sequence[str] = tuple(CHALLENGES),
    show: Sequence[str] = GROUPS,
    start: str = "",
    link: str = "",
) -> str:
    """The HTML of a playground.

    sentences: numbers of the book's own; None: all of them, and words that a reader types. models: of MODELS.
    challenges: of CHALLENGES. show: of GROUPS. start: the state to begin with, as an address has it:
    "s=24&a=exact". link: of a small one, the page of the whole playground; without it the state goes into the
    page's address.
    """
    rows = pd.read_csv(READOUTS / f"{SENTENCES}.csv").set_index("id")
    rows = rows if sentences is None else rows.loc[list(sentences)]
    kinds = {str(kind): list(part.index) for kind, part in rows.groupby("kind", sort=False)}
    wanted, read = [number for members in kinds.values() for number in members], {}
    for key in models:
        found = readouts.load(SENTENCES, folder=READOUTS, encoder=key, scorer="additive", seed=0, strength="")
        read[key] = found.select([found.ids.index(f"{SENTENCES}/{number}") for number in wanted])
    first = read[models[0]]
    texts = {number: list(words) for number, words in zip(wanted, first.words or (), strict=True)}
    given: dict[str, Any] = {
        "classes": first.facts["class_names"],
        "sentences": [{"id": number, "words": words} for number, words in texts.items()],
        "models": [of_model(key, recorded) for key, recorded in read.items()],
        "challenges": [CHALLENGES[name][1] for name in challenges],
        "start": start,
        **({"link": link} if link else {"address": True}),
    }
    if sentences is None:
        table = read_words(READOUTS / WORDS)
        columns = {f"{name}s": packed(table[name], "<i4") for name in table}
        given["words"] = {"model": BY_WORD, "unit": UNIT, "list": "\n".join(table.index), **columns}
    options = {number: f"<option>{html.escape(' '.join(words))}</option>" for number, words in texts.items()}
    groups = [
        f'<optgroup label="{kind}">{"".join(options[number] for number in members)}</optgroup>'
        for kind, members in kinds.items()
    ]
    radios = [f'<label><input type="radio" name="m" value="{key}">{MODELS[key]}</label>' for key in models]
    negative, positive = given["classes"]
    controls = CONTROLS.format(
        sentences="".join(groups),
        models="".join(radios),
        challenges="".join(f"<li><b>open:</b> {CHALLENGES[name][0]}</li>" for name in challenges),
        link=f'<a href="{link}">all sentences, and yours</a>' if link else "",
        first=negative,
        second=positive,
    )
    unused = {
        "<select": len(texts) == 1,
        '<form class="typed"': bool(sentences),
        '<form class="models"': len(read) == 1,
    }
    unused |= {f'<div class="group {name}"': name not in show for name in GROUPS}
    for tag in [tag for tag, gone in unused.items() if gone]:
        controls = controls.replace(tag, f"{tag} hidden", 1)
    shown = wanted.index(int(start.removeprefix("s=").split("&")[0])) if start.startswith("s=") else 0
    return (
        f'<div class="playground">{static(first, shown)}'
        f'<script type="application/json">{in_script(given)}</script>'
        f"<template>{controls}</template></div>"
    )


def static(texts: Recorded, at: int) -> str:
    """A sentence as heat map and table: what stands there without JavaScript, and in a reader of feeds."""
    readout = texts.readout.select([at])
    words = (texts.words or ())[at]
    weights, margins = readout.alpha[0].tolist(), token_margins(readout)[0].tolist()
    said, p = texts.facts["class_names"][int(readout.predictions())], float(readout.probabilities().max())
    heat, rows = [], []
    for word, weight, vote in zip(words, weights, margins, strict=False):
        heat.append(f'<span style="--weight:{weight:.2f}">{html.escape(word)}</span>')
        cells = f"<td>{weight:.3f}</td><td>{'+−'[vote < 0]}{abs(vote):.2f}</td>"
        rows.append(f'<tr><th scope="row">{html.escape(word)}</th>{cells}</tr>')
    return (
        f'<p class="heat">{" ".join(heat)}</p><p>{said.capitalize()}, with probability {p:.3f}. Darker words '
        "have more attention. JavaScript lets you move it.</p><table><thead><tr><th>token</th><th>weight</th>"
        f"<th>vote</th></tr></thead><tbody>{''.join(rows)}</tbody></table>"
    )
