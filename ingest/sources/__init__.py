"""One module per source; sources never import each other."""
