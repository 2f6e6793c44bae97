"""The card's dtype plan of a step: asked for, and reduced to what a gate compares."""
