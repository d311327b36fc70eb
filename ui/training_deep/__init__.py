"""The Train page's deep mode and its recipe: settings, the search for a rate, live charts."""
