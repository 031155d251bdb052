"""``attnlib data list | get NAME | verify NAME | cite NAME``: the known data sets.

`list`: their terms, and whether they are on this machine. `get`: downloads what lacks. `verify`: compares
the files that are here with the recorded checksums. `cite`: what to cite, and the licence. NAME is a data
set's, or one that `load` or `load_scenes` knows.
"""

import argparse
import sys
from collections.abc import Sequence

from attnlib import command
from attnlib.checks import one_of
from attnlib.data import files, names, scene_names
from attnlib.data.catalogue import DATA_SETS, SET_OF, DataSet

COMMANDS = {
    "get": "download what this machine lacks of a set, if it may be downloaded, and verify all of it",
    "verify": "compare the files on this machine with the recorded checksums; status 1 if one is wrong",
    "cite": "print citation and licence",
}
NOTES = {"unknown": "no checksum is known", "missing": "not on this machine"}


def list_data_sets() -> str:
    """One block of lines per public data set, then the names that `load` and `load_scenes` know."""
    lines = []
    for name, data_set in DATA_SETS.items():
        places = [files.find(name, item.path) for item in data_set.files]
        found = [place for place in places if place is not None]
        folders = sorted({str(place if place.is_dir() else place.parent) for place in found})
        lines += [
            f"{name}: {data_set.title}",
            f"  licence: {data_set.licence}",
            f"  address: {data_set.address}",
            *(f"  mirror: {mirror}" for mirror in data_set.mirrors),
            *([f"  size: {data_set.size / 1e6:.1f} MB"] if data_set.size is not None else []),
            *([f"  how to get it: {data_set.how}"] if data_set.how else []),
            f"  {len(found)} of {len(places)} found in {', '.join(folders)}" if found else "  not found",
        ]
    known = {"load": names(), "load_scenes": scene_names()}
    return "\n".join([*lines, *(f"names for {call}(): {', '.join(found)}" for call, found in known.items())])


def set_of(name: str) -> DataSet | None:
    """The data set that a name means; None for a name of `load` that is generated and needs no file.

    Raises ValueError for a name that nothing has.
    """
    one_of("data set", name, (*DATA_SETS, *SET_OF, *names(), *scene_names()))
    return DATA_SETS.get(SET_OF.get(name, name))


def report(name: str, checked: Sequence[files.Checked]) -> int:
    """Print what was found, one line per file or folder; the exit status is 1 if anything is wrong."""
    for row in checked:
        note = row.problem or NOTES.get(row.state, "")
        print("  ".join(part for part in (f"{row.state:7}", row.path, row.where, note) if part))
    counts = [(state, sum(row.state == state for row in checked)) for state in files.STATES]
    print(f"{name}: {', '.join(f'{count} {state}' for state, count in counts if count)}")
    return int(any(row.state == "wrong" for row in checked))


def run(word: str, name: str) -> int:
    """Run one command for one data set; return the exit status."""
    data_set = set_of(name)
    if data_set is None:
        print(f"{name} is generated: there is no file, and nothing to cite but this package.")
        return 0
    if data_set.name != name:
        print(f"{name} is made from the set {data_set.name}.")
    if word == "cite":
        print(f"{data_set.title}\n{data_set.citation}\n{data_set.address}\nlicence: {data_set.licence}")
        return 0
    return report(data_set.name, files.get(data_set.name) if word == "get" else files.check(data_set.name))


def main(words: Sequence[str] | None = None) -> int:
    """Run the command line; return the exit status."""
    parser = argparse.ArgumentParser(prog="attnlib data", description="Data sets of attnlib.")
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("list", help="known data sets: licence, address, whether found")
    for word, meaning in COMMANDS.items():
        commands.add_parser(word, help=meaning).add_argument("name", type=str.lower, help="as in list")
    given = parser.parse_args(words)
    try:
        if given.command != "list":
            return run(given.command, given.name)
        print(list_data_sets())
        return 0
    except ValueError as error:
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
