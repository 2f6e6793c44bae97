"""What machine and software this is."""
