"""Logs in memory: the ring of lines, what of it is shown, and how a person likes it."""
