"""Anthropic's and OpenAI's organisation reports; not part of the demo."""
