"""Generated corpora whose evidence is known: they need no file."""
