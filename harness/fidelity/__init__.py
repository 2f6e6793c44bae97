"""Is the picture right: what is measured of it in the worker, and what that says in the parent."""
