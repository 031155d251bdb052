"""Generated files in the layout of a data set, for the tests of its loader."""

import gzip
import io
import tarfile


def write(folder, texts, layout="plain", archive="", root=""):
    """Write texts by path: as they are, each packed, or in the archive called so, below its folder `root`."""
    folder.mkdir(parents=True, exist_ok=True)
    held = {path: text if isinstance(text, bytes) else text.encode() for path, text in texts.items()}
    if layout == "archive":
        with tarfile.open(folder / archive, "w:gz") as packed:
            for path, data in held.items():
                item = tarfile.TarInfo(f"{root}/{path}" if root else path)
                item.size = len(data)
                packed.addfile(item, io.BytesIO(data))
        return
    for path, data in held.items():
        file = folder / (f"{path}.gz" if layout == "gzip" else path)
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(gzip.compress(data) if layout == "gzip" else data)


def quoted(*fields):
    """A row of a csv file, every field in quotes."""
    return ",".join('"' + field.replace('"', '""') + '"' for field in fields) + "\n"


def sizes(corpus):
    return [len(split) for split in corpus.splits.values()]


def everything(corpus):
    """(text, label) by id."""
    return {
        name: (text, int(label))
        for split in corpus.splits.values()
        for name, text, label in zip(split.ids, split.texts, split.labels, strict=True)
    }
