"""Many trials: their order, their devices, when they are enough, and what they say together."""
