"""GraphDefs: their nodes, their shapes, and the normal form that the card's compiler sees."""
