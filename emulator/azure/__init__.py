"""A local Azure: Entra tokens, Resource Manager, Cost Management, Consumption, Cognitive Services and Monitor."""
