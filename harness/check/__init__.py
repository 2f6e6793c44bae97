"""Numbers of the user's own graph: run in every mode, rounded as the card rounds, and held against float32."""
