"""What the search for what makes a mode compute a user's graph wrong says of itself."""

PHASES = {
    "reference": "running it in float32",
    "noise": "measuring how far harmless noise moves it",
    "proof": "running it with what the file says",
}
STAGES = {
    0: "first the whole",
    1: "stage 1 of 4, layers",
    2: "stage 2 of 4, scopes",
    3: "stage 3 of 4, types of op",
    4: "stage 4 of 4, ops",
}
"""By the number of a stage: where the search is."""
