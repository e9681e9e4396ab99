"""Flows that the end-to-end tests copy into a project and run on old Prefects' interpreters."""
