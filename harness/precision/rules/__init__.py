"""What the card's compiler decides: op table, configuration, dtype of each op, and the plan that comes of it."""
