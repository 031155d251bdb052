"""How a corpus is made of the rows of a data set: settings, class names and notes, by the name of the corpus.

`corpora.toml` beside this file says them, so that a loader has to read rows and no more.

>>> classes("agnews4")
('world', 'sports', 'business', 'sci/tech')
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from attnlib.data.corpus import Corpus
from attnlib.data.recipes import Limits, Row, by_class, documents, flat, held_out

CORPORA: dict[str, dict[str, Any]] = tomllib.loads(Path(__file__).with_suffix(".toml").read_text("utf-8"))


def classes(name: str) -> tuple[str, ...]:
    """Return the names of the classes of a corpus."""
    return tuple(CORPORA[name]["classes"])


def make(
    name: str,
    parts: Mapping[str, Iterable[Row]],
    sums: Mapping[str, str] | Iterable[str],
    said: Mapping[str, object] | None = None,
    entry: str = "",
    **settings: Any,
) -> Corpus:
    """Return a corpus of rows by part, with the settings of its entry, or of another `entry` than its name's.

    sums: path and sha256 of the files, or only the paths where no checksum is known. said: what the notes
    take up, by name. settings: further ones of the frame, which is `flat` or `documents` of
    `attnlib.data.recipes`.
    """
    about, said, notes = {**CORPORA[entry or name], **settings}, said or {}, []
    for note in about.pop("notes"):
        if isinstance(note, str) or any(map(said.get, note)):
            text = note if isinstance(note, str) else next(iter(note.values()))
            notes.append(text.format(**said))
    if "held_out" in about:
        about["divide"] = held_out(**about.pop("held_out"))
    if "by_class" in about:
        about["divide"] = by_class(**about.pop("by_class"))
    if "length" in about:
        about["length"] = tuple(None if isinstance(bound, str) else bound for bound in about["length"])
    if "limits" in about:
        about["limits"] = Limits(**about["limits"])
    known = sums if isinstance(sums, Mapping) else dict.fromkeys(sums, "not known")
    frame = documents if about.pop("documents", False) else flat
    return frame(name, about.pop("source"), parts, about.pop("classes"), known, notes, **about)
