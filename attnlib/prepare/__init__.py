"""One call that every notebook starts with: a corpus, a trained model, and what was read from it."""

from attnlib.prepare.pooled import Prepared, every_epoch, prepare, prepare_like

__all__ = ["Prepared", "every_epoch", "prepare", "prepare_like"]
