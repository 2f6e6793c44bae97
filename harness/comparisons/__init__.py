"""Comparisons of two sides: of two revisions, of two stored runs, of a machine with itself."""
