"""The Runs page's parts, and how pages speak of deep runs."""
