"""Sorting photos into classes: lists of them, what the model would call them, look-alike groups."""
