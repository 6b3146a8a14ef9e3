"""`make demo`: the whole system deployed to a local cloud, and a walk through what it does."""
