"""Training: what can be said before it, and quick training on kept features."""
