"""One training step of a case: its inputs, its graph, its samples, its score."""
