"""Generated files in the layout of a data set, for the tests of its loader."""

import gzip
from pathlib import Path

from tests.data.faulty import tarred


def write(folder, texts, layout="plain", archive="", root=""):
    """Write texts by path: as they are, each packed, or in the archive called so, below its folder `root`."""
    folder.mkdir(parents=True, exist_ok=True)
    held = {path: text if isinstance(text, bytes) else text.encode() for path, text in texts.items()}
    if layout == "archive":
        members = {str(Path(root, path)): data for path, data in held.items()}
        return (folder / archive).write_bytes(tarred(members))
    for path, data in held.items():
        file = folder / (f"{path}.gz" if layout == "gzip" else path)
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(gzip.compress(data) if layout == "gzip" else data)


def quoted(*fields):
    """A row of a csv file, every field in quotes."""
    return ",".join('"' + field.replace('"', '""') + '"' for field in fields) + "\n"


def sizes(corpus):
    return [len(split) for split in corpus.splits.values()]


def each_text(corpus, *columns):
    """The named columns of all splits, a tuple for each text."""
    for split in corpus.splits.values():
        yield from zip(*(getattr(split, column) for column in columns), strict=True)


def everything(corpus):
    """(text, label) by id."""
    return {name: (text, int(label)) for name, text, label in each_text(corpus, "ids", "texts", "labels")}
