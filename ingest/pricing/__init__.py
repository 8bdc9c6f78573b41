"""List prices from public feeds, brought to one shape."""
