"""An installed package that carries files, made here: what stands for those of the Python index."""

from pathlib import Path

from attnlib.cache import file_checksum


def install(site, monkeypatch, known, write):
    """A `pretrained.Package` below `site`, with the checksums of the files that `write` makes in a folder."""
    about, folder = site / f"{known.name.replace('-', '_')}-{known.version}.dist-info", site / known.folder
    about.mkdir(parents=True)
    about.joinpath("METADATA").write_text(f"Name: {known.name}\nVersion: {known.version}\n")
    folder.mkdir(parents=True)
    # Whoever imports its code fails.
    site.joinpath(Path(known.folder).parts[0], "__init__.py").write_text("raise RuntimeError('imported')\n")
    write(folder)
    monkeypatch.syspath_prepend(site)
    return known._replace(checksums={name: file_checksum(folder / name) for name in known.checksums})
