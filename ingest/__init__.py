"""Pull what the clouds say about tokens and money into the landing folder, untouched."""
