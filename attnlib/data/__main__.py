"""``attnlib data list | get NAME | verify NAME | cite NAME``: the known data sets.

`list`: their terms, and whether they are on this machine. `get`: downloads what lacks. `verify`: compares
the files that are here with the recorded checksums. `cite`: what to cite, and the licence. NAME is a data
set's, or one that `load` or `load_scenes` knows.
"""

from __future__ import annotations

import argparse
import difflib
import sys
from collections.abc import Callable, Sequence

from attnlib import command
from attnlib.data import names, registry, scene_names
from attnlib.data.catalogue import SET_OF, DataSet
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
        lines += [f"  mirror: {mirror}" for mirror in data_set.mirrors]
        lines += [f"  size: {data_set.size / 1e6:.1f} MB"] if data_set.size is not None else []
        lines += [f"  how to get it: {data_set.how}"] if data_set.how else []
        lines += [f"  {state}"]
    known = f"names for load(): {', '.join(names())}"
    return "\n".join([*lines, known, f"names for load_scenes(): {', '.join(scene_names())}"])


def set_of(name: str) -> DataSet | None:
    """Return the data set that a name means; None for a name of `load` that is generated and needs no file.

    Raises DataError for a name that nothing has.
    """
    if found := registry.DATA_SETS.get(SET_OF.get(name, name)):
        return found
    generated = (*names(), *scene_names())
    if name in generated:
        return None
    known = (*registry.DATA_SETS, *SET_OF, *generated)
    close = difflib.get_close_matches(name.lower(), known, n=1)
    hint = f" Did you mean {close[0]!r}?" if close else ""
    raise DataError(f"unknown data set {name!r}.{hint} Known: {', '.join(registry.DATA_SETS)}")


def _report(data_set: DataSet, checked: Sequence[registry.Checked]) -> int:
    """Print what was found, one line per file or folder; return the exit status: 1 if anything is wrong."""
    notes = {"unknown": "no checksum is known", "missing": "not on this machine"}
    for row in checked:
        note = row.problem or notes.get(row.state, "")
        print("  ".join(part for part in (f"{row.state:7}", row.path, row.where, note) if part))
    counts = [(state, sum(row.state == state for row in checked)) for state in registry.STATES]
    print(f"{data_set.name}: {', '.join(f'{count} {state}' for state, count in counts if count)}")
    return int(any(row.state == "wrong" for row in checked))


def get(data_set: DataSet) -> int:
    """Download what lacks of a data set, and check all of it."""
    return _report(data_set, registry.get(data_set.name))


def verify(data_set: DataSet) -> int:
    """Check what is here of a data set."""
    return _report(data_set, registry.check(data_set.name))


def cite(data_set: DataSet) -> int:
    """Print what to cite, and the licence."""
    print(f"{data_set.title}\n{data_set.citation}\n{data_set.address}\nlicence: {data_set.licence}")
    return 0


COMMANDS: dict[str, tuple[Callable[[DataSet], int], str]] = {
    "get": (get, "download what this machine lacks of a set, if it may be downloaded, and verify all of it"),
    "verify": (
        verify,
        "compare the files on this machine with the recorded checksums; status 1 if one is wrong",
    ),
    "cite": (cite, "print citation and licence"),
}


def main(words: Sequence[str] | None = None) -> int:
    """Run the command line; return the exit status."""
    parser = argparse.ArgumentParser(prog="attnlib data", description="Data sets of attnlib.")
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("list", help="known data sets: licence, address, whether found")
    for word, (_, meaning) in COMMANDS.items():
        commands.add_parser(word, help=meaning).add_argument("name", help="a data set, as in list")
    given = parser.parse_args(words)
    try:
        if given.command == "list":
            print(list_data_sets())
            return 0
        data_set = set_of(given.name)
        if data_set is None:
            print(f"{given.name} is generated: there is no file, and nothing to cite but this package.")
            return 0
        if data_set.name != given.name:
            print(f"{given.name} is made from the set {data_set.name}.")
        return COMMANDS[given.command][0](data_set)
    except DataError as error:
        print(error, file=sys.stderr)
        return 1


def attnlib() -> None:
    """The command `attnlib`, of which `data` is the one subject."""
    words = sys.argv[1:]
    if words[:1] != ["data"]:
        raise SystemExit("usage: attnlib data list | get NAME | verify NAME | cite NAME")
    command.run(lambda: main(words[1:]))


if __name__ == "__main__":
    command.run(main)
