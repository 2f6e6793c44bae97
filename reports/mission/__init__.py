"""What neural_style.py says, and the chart of its losses."""
