"""Figures over many runs: an index in SQL, the order of revisions in it, and where a figure changed."""
