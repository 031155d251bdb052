"""Tensors in a safetensors file that tells when a byte of it has changed: what the cache keeps of a model.

Nothing in such a file can run code, and no pickle is read anywhere in this package.
"""

import hashlib
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

from attnlib.cache import replacing, written

CHECKSUM = "sha256"


def checksum(tensors: Mapping[str, Tensor], metadata: Mapping[str, str]) -> str:
    """Sha256 (hex) of names, types, shapes and bytes, and of the metadata; in any order of either."""
    found = hashlib.sha256(json.dumps(dict(metadata), sort_keys=True).encode())
    for name, tensor in sorted(tensors.items()):
        found.update(f"\n{name} {tensor.dtype} {list(tensor.shape)}\n".encode())
        # A view as bytes: NumPy knows no bfloat16.
        found.update(tensor.contiguous().flatten().view(torch.uint8).numpy().data)
    return found.hexdigest()


def save_tensors(
    path: str | os.PathLike[str], tensors: Mapping[str, Tensor], metadata: Mapping[str, str]
) -> None:
    """Write tensors and metadata as one file; it has its name only when it is whole."""
    held = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    with replacing(path) as temporary:
        save_file(held, temporary, {**metadata, CHECKSUM: checksum(held, metadata)})


def load_tensors(path: str | os.PathLike[str]) -> tuple[dict[str, Tensor], dict[str, str]]:
    """Tensors and metadata of a file that `save_tensors` wrote.

    Raises FileNotFoundError; ValueError when the file is something else, is cut off, or a byte has changed.
    """
    if not Path(path).is_file():
        raise FileNotFoundError(f"no file {path}")
    try:
        with safe_open(path, framework="pt") as file:
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
            metadata = dict(file.metadata() or {})
    # Its own error, and what a damaged header gives.
    except (SafetensorError, OSError, ValueError, KeyError, OverflowError, RuntimeError) as error:
        raise ValueError(f"{path} is damaged, or no safetensors file: {error}") from error
    known = metadata.pop(CHECKSUM, None)
    if known is None:
        raise ValueError(f"{path} has no checksum: attnlib did not write it")
    if checksum(tensors, metadata) != known:
        raise ValueError(f"{path} is damaged: its content does not have its checksum")
    return tensors, metadata


def save_model(model: nn.Module, path: str | os.PathLike[str], facts: Mapping[str, object]) -> None:
    """Write a model's parameters, and facts that JSON can hold, as one file (`save_tensors`)."""
    save_tensors(path, model.state_dict(), {name: written(value) for name, value in facts.items()})


def load_model(model: nn.Module, path: str | os.PathLike[str]) -> dict[str, Any]:
    """Load parameters into `model`, and return the facts.

    Raises FileNotFoundError; ValueError when the file is none of this model's: say, truncated, with a byte
    that changed, or of another architecture.
    """
    try:
        tensors, metadata = load_tensors(path)
        model.load_state_dict(tensors)
    except (ValueError, RuntimeError) as error:
        raise ValueError(f"{path} is no file of this model's parameters: {error}") from error
    return {name: json.loads(value) for name, value in metadata.items()}
