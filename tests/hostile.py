"""Tokens, classes and data sets that would act on a page if they were not shown as text."""

from dataclasses import replace

import numpy as np

from attnlib import data
from attnlib.data import Corpus, Split, Vocabulary
from attnlib.data.generated import scenes as scenes_generated

# What each of them would do if it were HTML: mark the window.
MARK = "window.marked=1"
TOKENS = (
    f"<svg/onload={MARK}>", f"<script>{MARK}</script>", "</script>", "<!--<script>", "-->",
    f'<img/src="x"onerror="{MARK}">', f'"onmouseover="{MARK}', f"'onfocus='{MARK}'autofocus='",
    "</td></table></div>", "<style>*{display:none}", "<plaintext>", "<DE>", "<unk>", "<br", "&amp;",
    "&lt;b&gt;", "{{7*7}}", "{%raw%}", "$x$", "$$x$$", "\\(x\\)", "\\[x\\]", "\\", "`", "``a``", "*b*",
    "[c](javascript:d)", "![e](x)", "{doc}`f`", "%s{0}", "\\u003c", "g\u2028h", "i\u0085j", "\u202ek",
    "l\ufeffm",
)  # fmt: skip
CLASSES = ("<DE>", f"`*</script><svg/onload={MARK}>")
NAME = f"<img/src=x/onerror={MARK}>`"


def corpus() -> Corpus:
    """Texts that hold every token, in an order of their own, and a word that tells the class."""

    def split(part: str, n: int) -> Split:
        rng = np.random.default_rng(len(part))
        labels = np.arange(n) % 2
        texts = [(*rng.permutation(TOKENS).tolist(), ("good", "bad")[label]) for label in labels]
        return Split(tuple(f"{NAME}/{part}/{i}" for i in range(n)), tuple(texts), labels)

    parts = [split("train", 40), split("dev", 10), split("test!", 12)]
    words = Vocabulary.build(parts[0].texts)
    return Corpus("hostile", "classification", *parts, words, CLASSES, provenance={})


def scenes() -> data.SceneCorpus:
    """The generated scenes, each word of their questions joined to a token."""
    plain = scenes_generated.load()
    known = sorted({word for split in plain.splits.values() for words in split.questions for word in words})
    joined = {word: f"{TOKENS[i % len(TOKENS)]}{word}" for i, word in enumerate(known)}

    def renamed(split: data.SceneSplit) -> data.SceneSplit:
        few = split.select(range(60))
        return replace(few, questions=tuple(tuple(joined[word] for word in words) for words in few.questions))

    parts = {name: renamed(split) for name, split in plain.splits.items()}
    words = Vocabulary.build(parts["train"].questions)
    return replace(plain, name="hostile_scenes", vocabulary=words, class_names=CLASSES, **parts)


def register() -> None:
    """Make both known under the names `hostile` and `hostile_scenes`."""
    data.LOADERS["hostile"] = corpus
    data.SCENES["hostile_scenes"] = scenes
