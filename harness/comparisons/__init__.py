"""Two sides measured: revisions, stored runs, a machine with itself."""
