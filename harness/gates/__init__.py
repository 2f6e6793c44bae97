"""Run x Baselines -> Verdicts, and how baselines come to be."""
