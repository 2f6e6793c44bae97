"""How a stylization is run and judged. The parent's side starts without TensorFlow; only workers import it."""
