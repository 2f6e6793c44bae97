"""One process: the worker, and the parent that watches it."""
