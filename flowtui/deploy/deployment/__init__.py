"""Deployments of Prefect 2 and 3: a `@flow`, its source in an image or a folder, changed in place.

- `schedules`, `work_pool`, `version`, `payload`: what would be registered, from settings and flow
- `declaration`: what the project's own prefect.yaml and calls say, as settings
- `merge`: what of that is sent, beside what was applied last and what the server has
- `snapshot`: Local storage, a copy of what the flow needs in a folder named by its content
- `image`: Docker storage
- `draft`, `run`: the plan, and carrying it out
"""
