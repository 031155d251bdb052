"""The theme's icons without its copy of Font Awesome: of 1.5 MB, the few that the pages use."""

import json
import re
from pathlib import Path

# Put in place of an icon by the theme's own script, so no page names it.
ALWAYS = {"xmark"}
USED = re.compile(r'class="[^"]*\bfa-solid\b[^"]*"')
NO_ICONS = {"solid", "lg", "fw", "sm", "xs"}
# As Font Awesome does it, since the theme's style is written for its elements.
SCRIPT = """// The icons of this book's pages, from Font Awesome Free (CC BY 4.0, fontawesome.com).
(() => {
  const ICONS = %s;
  const name = (element) => [...element.classList].find((one) => ICONS[one.replace(/^fa-/, "")]);
  const draw = () => document.querySelectorAll("i.fa-solid, span.fa-solid").forEach((element) => {
    const [width, height, path] = ICONS[name(element)?.replace(/^fa-/, "")] ?? [];
    if (!path) return;
    const icon = document.createElementNS("http://www.w3.org/2000/svg", "svg");
    icon.setAttribute("viewBox", `0 0 ${width} ${height}`);
    icon.setAttribute("class", `svg-inline--fa ${element.className}`);
    icon.setAttribute("aria-hidden", "true");
    Object.assign(icon.dataset, element.dataset);
    icon.innerHTML = `<path fill="currentColor" d="${path}"/>`;
    element.replaceWith(icon);
  });
  document.readyState === "loading" ? document.addEventListener("DOMContentLoaded", draw) : draw();
})();
"""


def used(pages):
    """Names of the icons in these pages."""
    found = set(ALWAYS)
    for page in pages:
        for words in USED.findall(page):
            found |= set(re.findall(r"\bfa-([a-z0-9-]+)", words)) - NO_ICONS
    return found


def drawing(name, library):
    """Width, height and path of a solid icon in the text of Font Awesome's script; None if it has none."""
    # Brands come first, then outlines, then what is solid.
    numbers = r'(?<![\w-])"?%s"?:\[(\d+),(\d+),\[[^\]]*\],"[0-9a-f]+","([^"]+)"\]'
    found = re.findall(numbers % re.escape(name), library)
    return [int(found[-1][0]), int(found[-1][1]), found[-1][2]] if found else None


def write(app, error):
    """Replace the theme's script by one with the icons that are used."""
    target = Path(app.outdir, "_static", "scripts", "fontawesome.js")
    if error or not target.exists():
        return
    library = target.read_bytes().decode()
    icons = {
        name: drawing(name, library) for name in used(page.read_bytes().decode() for page in pages_of(app))
    }
    if any(icons.values()):
        target.write_text(SCRIPT % json.dumps({name: icon for name, icon in icons.items() if icon}))


def pages_of(app):
    return Path(app.outdir).rglob("*.html")


def setup(app):
    """Register the extension."""
    app.connect("build-finished", write)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
