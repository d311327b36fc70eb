"""Asking the web for files: which addresses, how much, how long, and what went wrong in words."""
