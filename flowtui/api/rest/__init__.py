"""The control plane of Prefect 2 and 3 over REST: `prefect server` and Prefect Cloud.

`control_plane` is put together from `connection` (one API: its retries, its CSRF tokens, what it
can do) and what is asked over it, a module for each subject.
"""

from flowtui.api.rest.control_plane import RestControlPlane

__all__ = ["RestControlPlane"]
