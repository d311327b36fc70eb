"""What the pages share: the router, the open data set, pictures, words, work going on."""
