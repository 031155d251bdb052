"""The playground: its kernels against those of Python, and a reader who plays."""

import contextlib
import random
import re

import numpy as np
import pytest
import torch

from attnbook import BOOK, playground
from attnbook.runs.readouts import UNIT, read_words, readout_of
from attnlib import Readout, kernels, readouts
from attnlib.data.sets.sst import tokenize
from attnlib.kernels import token_margins
from tests.book.conftest import served
from tests.book.test_browser import browser, pytestmark  # noqa: F401

SCRIPT = BOOK / "_assets/playground.js"
LENGTHS = [*range(1, 31), *range(40, 401, 60)]
# One text after the other through every kernel.
EACH = """texts => texts.map(({alpha, s, bias}) => {
  const k = attnlib, orders = Object.values(k.orders).map(by => by(alpha, s, bias));
  return {reach: k.reach(alpha, s), range: k.permutationRange(alpha, s), orders,
    each: k.eraseEach(alpha, s, bias), set: k.minimalFlipSet(alpha, s), p: k.sigmoid(k.margin(alpha, s)),
    found: [0, .01, .1, 1].map(e => k.exactAdversary(alpha, s, e)).map(w => [w, k.jsd(w, alpha)])};
})"""


def random_readouts():
    """Texts of each length: peaked, with zero weights, of ties that binary numbers hold exactly, one-hot."""
    draw = np.random.default_rng(0)
    for length in LENGTHS:
        for kind in range(4):
            alpha = draw.dirichlet(np.full(length, 0.3))
            margins = draw.normal(0, 3, length)
            if kind == 1:
                alpha = np.where((draw.random(length) < 0.5) & (np.arange(length) > 0), 0, alpha)
                alpha /= alpha.sum()
            if kind >= 2:
                alpha = np.bincount(draw.integers(0, length, 64), minlength=length) / 64
                margins = draw.integers(-2, 3, length).astype(float)
            if kind == 3:
                alpha = np.eye(length)[draw.integers(length)]
            votes = np.stack([np.zeros(length), margins], 1)
            mask = torch.ones(1, length, dtype=torch.bool)
            bias = draw.integers(-1, 2) if kind > 1 else draw.normal()
            yield Readout(
                torch.tensor(alpha[None]), torch.tensor(votes[None]), torch.tensor([0.0, bias]).double(), mask
            )


@pytest.fixture
def script(browser):  # noqa: F811
    """A page with the script alone."""
    page = browser.new_page()
    page.add_script_tag(path=str(SCRIPT))
    yield page
    page.close()


def test_every_kernel_says_what_python_says(script):
    readouts = list(random_readouts())
    texts = [
        {"alpha": r.alpha[0].tolist(), "s": token_margins(r)[0].tolist(), "bias": float(r.bias[1])}
        for r in readouts
    ]
    found = script.evaluate(EACH, texts)
    flips = 0
    for readout, js in zip(readouts, found, strict=True):
        reach, least = kernels.reach(readout), kernels.minimal_flip_set(readout)
        numbers = [
            (js["p"], readout.probabilities()[0, 1]),
            (js["reach"]["lowest"], reach.lowest[0]),
            (js["reach"]["highest"], reach.highest[0]),
            (js["range"], kernels.permutation_range(readout)[0]),
            (js["each"], kernels.erase_each(readout)[0, :, 1]),
        ]
        for epsilon, (weights, jsd) in zip([0, 0.01, 0.1, 1], js["found"], strict=True):
            exact = kernels.exact_adversary(readout, epsilon)
            weights = torch.tensor([weights], dtype=torch.float64)
            numbers += [(jsd, exact.jsd[0]), (jsd, kernels.jsd(weights, readout.alpha)[0])]
            moved = (readout.probabilities(weights) - readout.probabilities()).abs().max()
            assert moved <= epsilon + 1e-12 * (1 + readout.scores.abs().max())
        for ours, theirs in numbers:
            assert np.allclose(ours, np.asarray(theirs), rtol=0, atol=1e-12)
        assert js["reach"]["canFlip"] == bool(reach.can_flip[0])
        assert sorted(js["set"] or []) == least.mask[0].nonzero()[:, 0].tolist()
        flips += bool(least.flipped[0])
        orders = (kernels.attention_order, kernels.gradient_order, kernels.product_order)
        assert js["orders"] == [by(readout)[0].tolist() for by in orders]
    assert 30 < flips < len(readouts) - 30


def test_words_are_split_as_in_python(script):
    draw = random.Random(0)
    parts = [
        "don't",
        "well-made",
        "Ünï",
        "e\u0301",
        "3.5",
        "x²",
        "ⅷ",
        "映画",
        "かな",
        "한국",
        "🎬",
        "a_b",
        "İ",
        "ΣΑΣ",
        "ß",
    ]
    parts += [
        "...",
        "—",
        "'",
        "\u00a0",
        "\u200d",
        "٣",
        "हिन्दी",
        "-LRB-",
        "-RRB-",
        "<b>",
        "\t",
        "\u2028",
        "ʼn",
        "n't",
    ]
    lines = ["".join(draw.choice(parts) + draw.choice(["", " ", ", "]) for _ in range(8)) for _ in range(200)]
    assert script.evaluate("lines => lines.map(attnlib.tokenize)", lines) == [
        list(tokenize(x)) for x in lines
    ]


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """A file that holds the whole playground, and nothing of the theme."""
    path = tmp_path_factory.mktemp("playground") / "page.html"
    style, script = ((BOOK / f"_assets/playground.{kind}").read_text() for kind in ("css", "js"))
    head = (
        "<!doctype html><html lang=en><meta charset=utf-8><meta name=viewport content='width=device-width'>"
    )
    head += f"<title>p</title><link rel=icon href=data:,><style>{style}</style><script>{script}</script>"
    path.write_text(head + playground.element(start="s=24&m=bilstm"), encoding="utf-8")
    return path


@pytest.fixture
def play(browser, whole, request):  # noqa: F811
    """Open the playground in a state; a complaint of the browser, or a request for more, fails the test."""
    with (
        served(whole.parent)
        if getattr(request, "param", "") == "http"
        else contextlib.nullcontext() as address
    ):
        address = f"{address}{whole.name}" if address else whole.as_uri()
        page, complaints = browser.new_context(accept_downloads=True).new_page(), []
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("console", lambda line: complaints.append(line.text))
        page.on("request", lambda call: call.url.split("#")[0] == address or complaints.append(call.url))

        def go(state=""):
            # A page of its own, not the same with another state.
            page.goto("about:blank")
            page.goto(f"{address}{state}")
            return page

        yield go
        assert [line for line in complaints if not line.startswith(("blob:", "data:"))] == []
        page.context.close()


def facts(page):
    return page.evaluate("(({view}) => view.facts())(document.querySelector('.playground'))")


@pytest.mark.parametrize("play", ["file", "http"], indirect=True)
def test_a_reader_plays(play):
    page = play()
    assert "negative with probability 0.856" in page.locator(".verdict-line").inner_text()
    bar = page.get_by_role("slider", name="weight of fine, token 2")
    bar.focus()
    for _ in range(40):
        page.keyboard.press("ArrowUp")
    moved = facts(page)
    assert moved["p"][1] == pytest.approx(0.49)
    assert sum(moved["p"]) == pytest.approx(1)
    assert "0.490, votes negative −0.97" in bar.get_attribute("aria-valuetext")
    assert page.get_by_label("weight of fine, as a number").input_value() == "0.490"
    page.get_by_label("weight of empty, as a number").fill("0.5")
    assert facts(page)["p"][-1] == 0.5
    assert page.locator("li.met").count() == 0
    page.get_by_role("button", name="exact adversary").click()
    assert "met" in page.locator("li.met").inner_text()
    assert facts(page)["jsd"] > 0.5
    page.wait_for_function("document.querySelector('[role=status]').textContent.includes('met: Move')")

    page.get_by_label("A sentence of your own").fill("An xyzzy, but LOVELY film!")
    page.keyboard.press("Enter")
    assert page.locator(".unknown").inner_text().split("\n")[0] == "xyzzy"
    page.get_by_role("button", name="shuffle").click()
    page.get_by_role("button", name="film, erase").click()
    before = facts(page)
    page.wait_for_function("location.hash.includes('x=3')")
    again = play("#" + page.url.split("#")[1])
    after = facts(again)
    assert after.pop("p") == pytest.approx(before.pop("p"), abs=1e-7)
    assert after == pytest.approx(before, abs=1e-7)
    assert again.locator(".gone button").inner_text() == "film"


def test_the_state_leaves_the_page(play):
    page = play("#s=17&m=bilstm&a=exact&e=0.02")
    page.evaluate("() => { navigator.clipboard.writeText = () => Promise.reject(); }")
    page.get_by_role("button", name="copy as Python").click()
    code, found = page.locator("textarea").input_value(), {}
    exec(code, found)
    weights = found["kernels"].exact_adversary(found["readout"], 0.02).weights[0]
    assert weights.tolist() == pytest.approx(facts(page)["p"])
    with page.expect_download() as saved:
        page.get_by_role("button", name="save as SVG").click()
    drawn = saved.value.path().read_text(encoding="utf-8")
    assert re.findall(r"<text[^>]*>(great|sleep)</text>", drawn) == ["great", "sleep"]


@pytest.mark.parametrize(
    "state",
    [
        "#t=%3Cimg src=x onerror=window.marked=1%3E great film&m=%3Cscript%3E&a=__proto__&x=-1,9999,a&e=NaN",
        "#s=24&m=bilstm&a=own&w=NaN,-1,Infinity&x=1e9&e=-3",
        "#s=24&a=toString&w=" + "1," * 50_000,
        "#%E0%A4%A&&&=&w",
    ],
)
def test_a_hostile_address_does_nothing(play, state):
    page = play(state)
    assert page.evaluate("window.marked") is None
    assert page.locator(".pg img").count() == page.locator(".pg svg").count() == 0
    assert 0.5 <= float(page.locator(".sure").inner_text()) <= 1
    assert facts(page)["erased"] == 0


OPEN = """change => {
  const {view} = document.querySelector('.playground');
  view.open(change);
  return view.facts().m;
}"""


def test_every_sentence_says_what_the_model_says(play):
    page = play()
    table = read_words(playground.READOUTS / playground.WORDS)
    assert list(table.index) == sorted(table.index)
    assert len(table) > 4000
    for key in playground.MODELS:
        recorded = readouts.load("sentences", folder=playground.READOUTS, encoder=key, seed=0, strength="")
        shown = page.locator("option").all_inner_texts()
        for words, p in zip(recorded.words, recorded.readout.probabilities()[:, 1].tolist(), strict=True):
            margin = page.evaluate(OPEN, {"s": shown.index(" ".join(words)), "m": key, "t": ""})
            assert 1 / (1 + np.exp(-margin)) == pytest.approx(p, abs=1e-6)
            known = [word for word in words if word in table.index]
            if key == playground.BY_WORD and known:
                margin = page.evaluate(OPEN, {"t": " ".join(words)})
                ours = float(readout_of(table.loc[known] * UNIT).probabilities()[0, 1])
                assert 1 / (1 + np.exp(-margin)) == pytest.approx(ours, abs=1e-12)
                assert known != list(words) or ours == pytest.approx(p, abs=1e-6)


CHANGED = """() => {
  const bars = document.querySelectorAll(".pg ol [type=range]");
  for (let i = 0; i < 100; i++) {
    bars[i % 60].value = (i % 7) / 10;
    bars[i % 60].dispatchEvent(new Event("input"));
    document.body.getBoundingClientRect();
  }
  return bars.length;
}"""


def test_a_change_is_drawn_at_once(play):
    page = play("#t=" + "a great film and a dull plot " * 9)
    session = page.context.new_cdp_session(page)
    # The page's own time: other work on this machine is not the script's.
    session.send("Performance.enable", {"timeDomain": "threadTicks"})

    def spent():
        metrics = session.send("Performance.getMetrics")["metrics"]
        return next(one["value"] for one in metrics if one["name"] == "TaskDuration")

    before = spent()
    assert page.evaluate(CHANGED) == 60
    assert (spent() - before) / 100 <= 0.016
