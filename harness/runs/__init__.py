"""Many trials: in which order and on which devices they run, when they are enough, and their summary."""
