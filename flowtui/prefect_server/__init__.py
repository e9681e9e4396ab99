"""The project's own `prefect server` (Prefect 2 and 3) as a managed child of flowtui."""
