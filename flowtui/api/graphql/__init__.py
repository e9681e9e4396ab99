"""The control plane of Prefect 0.6 to 1.4 over GraphQL.

`control_plane` is put together from `connection` (one API and its dialect) and what is asked over
it, a module for each subject.
"""

from flowtui.api.graphql.control_plane import GraphQLControlPlane

__all__ = ["GraphQLControlPlane"]
