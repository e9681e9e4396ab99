"""flowtui: the terminal control room for Prefect."""

__version__ = "0.1.0"
