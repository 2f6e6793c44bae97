"""Files that other programs read, or that people read elsewhere."""
