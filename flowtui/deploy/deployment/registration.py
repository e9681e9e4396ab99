"""What a deploy is going to register of a deployment, and what of it has to be sent."""

from __future__ import annotations

from dataclasses import dataclass, replace

from flowtui.deploy.change import Change, Changes
from flowtui.deploy.deployment.merge import Merged, merge
from flowtui.deploy.deployment.payload import with_image
from flowtui.deploy.stages.context import StageContext
from flowtui.models import FlowVersion, JsonObject


@dataclass(frozen=True, slots=True)
class Registration:
    """All that decides it. `merged` is computed anew when the server was looked at again."""

    project: str
    """Name of the project that the deployment is to be in; empty for none."""
    wanted: JsonObject
    """The payload as the project says it."""
    version: FlowVersion | None = None
    """The deployment as it is registered; None where it is new."""
    current: JsonObject | None = None
    """Its payload on the server."""
    base: JsonObject | None = None
    """The payload that was applied last from this machine, None where none was."""
    said: frozenset[str] = frozenset()
    """See `merge`."""
    same_code: bool = True
    """Whether what is registered was deployed from this machine last."""

    def merged(self) -> Merged:
        """Nothing at all for a deployment that is new: its whole payload is sent."""
        if self.current is None:
            return Merged()
        return merge(self.base, self.wanted, self.current, said=self.said, same_code=self.same_code)

    @property
    def moves(self) -> bool:
        """Whether it is registered in another project."""
        return self.version is not None and self.version.project != self.project

    def of_image(self, image: str) -> Registration:
        """With the image as its registry names it."""
        return replace(self, wanted=with_image(self.wanted, image))


def tell(ctx: StageContext, merged: Merged, *, nothing: str) -> None:
    """Into the log: what stays as somebody else left it, and what is changed; `nothing`, if so."""
    for change in merged.changes.found:
        if change.kept:
            ctx.log(f"left as it is: {change.field}: {change.before or 'removed'}")
    for change in sent(merged.changes):
        ctx.log(f"{change.sign} {change.field}")
    if not merged.fields:
        ctx.log(nothing)


def sent(changes: Changes) -> tuple[Change, ...]:
    """Those that a deploy makes, without what it leaves as it is."""
    return tuple(change for change in changes.found if not change.kept)
