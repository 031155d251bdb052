"""Public data sets and loaders of files of your own, a source per file."""
