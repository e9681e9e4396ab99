"""What the control plane holds, as a tree: projects with their flows, and work pools."""

from flowtui.tui.widgets.project_tree.tree import ProjectTree

__all__ = ["ProjectTree"]
