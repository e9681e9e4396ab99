"""Scripts that run on old Prefects' own interpreters; never imported by tests."""
