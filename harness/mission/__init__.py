"""One stylization in its own process, as the reference program runs it: its options, files, checkpoints and resume."""
