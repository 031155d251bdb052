"""``python -m attnlib.data list``: the known data sets, their terms, and whether they are on this machine."""

from __future__ import annotations

import argparse
import sys

from attnlib.data import names, registry, scene_names
from attnlib.data.errors import DataError


def list_data_sets() -> str:
    """Return one block of lines per public data set, then the names that `load` and `load_scenes` know."""
    lines = []
    for data_set in registry.DATA_SETS.values():
        places = [registry.find(data_set.name, member.path) for member in data_set.members]
        places += [registry.find_folders(data_set.name, [folder.path]) for folder in data_set.folders]
        found = sum(place is not None for place in places)
        folders = sorted({str(p if p.is_dir() else p.parent) for p in places if p is not None})
        things = "folders" if not data_set.members else "files and folders" if data_set.folders else "files"
        state = f"{found} of {len(places)} {things} found in {', '.join(folders)}" if found else "not found"
        lines += [f"{data_set.name}: {data_set.title}", f"  licence: {data_set.licence}"]
        lines += [f"  address: {data_set.address}"]
        lines += [f"  how to get it: {data_set.how}"] if data_set.how else []
        lines += [f"  {state}"]
    known = f"names for load(): {', '.join(names())}"
    return "\n".join([*lines, known, f"names for load_scenes(): {', '.join(scene_names())}"])


def main() -> int:
    """Run the command line; return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m attnlib.data", description="Data sets of attnlib.")
    parser.add_argument("command", choices=["list"], help="list: known data sets, licence, whether found")
    parser.parse_args()
    try:
        print(list_data_sets())
    except DataError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
