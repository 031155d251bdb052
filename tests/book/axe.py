"""axe-core in a page, where it is at hand: the script that `axe-playwright-python` brings, or AXE_CORE's."""

import importlib.util
import os
from pathlib import Path

# A rule that is off by default: what a button is called begins with the words on it.
# Without `preload` it asks for no style sheet, which a file may not.
OPTIONS = {
    "resultTypes": ["violations"],
    "preload": False,
    "rules": {"label-content-name-mismatch": {"enabled": True}},
}


def script() -> Path | None:
    """The path of axe.min.js, or None."""
    if named := os.environ.get("AXE_CORE"):
        return Path(named)
    found = importlib.util.find_spec("axe_playwright_python")
    path = Path(found.origin).with_name("axe.min.js") if found and found.origin else None
    return path if path and path.exists() else None


def faults(page, impacts=("critical", "serious")):
    """What axe finds on an open page: a line per rule and element, of these impacts."""
    page.add_script_tag(path=str(script()))
    found = page.evaluate("async options => (await axe.run(document, options)).violations", OPTIONS)
    return [
        f"{one['impact']} {one['id']}: {node['html'][:160]}"
        for one in found
        if one["impact"] in impacts
        for node in one["nodes"]
    ]
