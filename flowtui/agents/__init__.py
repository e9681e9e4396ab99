"""Prefect's agents: which of them can take a run, and running one as a child process."""
