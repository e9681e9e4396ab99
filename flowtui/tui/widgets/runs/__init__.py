"""Runs as a list: its columns, the list, and what it is asked."""
