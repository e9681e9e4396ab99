"""Flows of Prefect 0.6 to 1.4: a `Flow` object, pickled into its storage, a version each time."""
