"""Which ops make a picture wrong."""
