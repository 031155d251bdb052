"""Make the built book need no other host: the script that draws charts comes from an installed package."""

from pathlib import Path

import vl_convert

from attnbook.charts.vegalite import VEGALITE_VERSION


def write_scripts(app):
    """Put the Vega bundle where Sphinx copies static files from."""
    made = Path(app.outdir).parent / "offline_scripts"
    folder = made / "offline"
    folder.mkdir(parents=True, exist_ok=True)
    vega = folder / "vega.js"
    stamp = f"// vl-convert {vl_convert.__version__}, Vega-Lite {VEGALITE_VERSION}\n"
    if not vega.exists() or not vega.read_text(encoding="utf-8").startswith(stamp):
        # The bundle is a module, which a browser refuses from file://; as a closure it is a plain script.
        bundle = vl_convert.javascript_bundle(vl_version=VEGALITE_VERSION)
        vega.write_text(f"{stamp}(() => {{{bundle}}})();\n", encoding="utf-8")
    app.config.html_static_path.append(str(made))


def drop_thebe(app):
    """Undo sphinx-thebe, which Jupyter Book always loads: its script comes from another host, and twice."""
    for listeners in app.events.listeners.values():
        for listener in list(listeners):
            name = getattr(listener.handler, "__name__", "")
            if name in ("init_thebe_core", "update_thebe_context"):
                listeners.remove(listener)


def prepare(app):
    """Run once the builder is known."""
    write_scripts(app)
    drop_thebe(app)


def setup(app):
    """Register the extension."""
    app.connect("builder-inited", prepare)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
