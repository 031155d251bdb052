"""Our numbers beside the published ones: cells, ledgers, claims."""
