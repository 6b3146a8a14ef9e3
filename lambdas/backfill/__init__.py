"""The function `backfill`: the steps of a run."""
