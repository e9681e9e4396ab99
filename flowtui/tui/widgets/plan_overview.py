"""A plan on one page: what is done and why, what it changes, and what it is made from."""

from __future__ import annotations

from textual.content import Content

from flowtui import executors
from flowtui.deploy.plan import Lane, Plan
from flowtui.quantities import counted, size
from flowtui.tui.actions import Keymap
from flowtui.tui.looks.diff import diff_lines
from flowtui.tui.looks.glyphs import Glyphs
from flowtui.tui.looks.laying import field, problem_content
from flowtui.tui.looks.words import plain

LANES = {
    Lane.NOTHING: "what is registered was made from exactly this input",
    Lane.REGISTER: "register the earlier version again; nothing is built",
    Lane.UPDATE: "change fields of what is registered; nothing is built",
    Lane.IMAGE: "build an image, check the flow in it, push it, register",
    Lane.LOCAL: "store the flow on this machine, check it in a fresh process, register",
}


def overview_content(plan: Plan, width: int, glyphs: Glyphs, keymap: Keymap) -> Content:
    """The lane and why, warnings, the difference, and below it what is rarely looked at."""
    parts = [*_what(plan, width)]
    for problem in plan.problems:
        parts += [Content("\n"), problem_content(problem, glyphs.changed, width)]
    if plan.changes is not None:
        key = keymap.key("plan.difference")
        lines = diff_lines(plan.changes, width, glyphs, key=key)
        parts += [Content("\n"), *(part for line in lines for part in (line, Content("\n")))]
    parts += [Content("\n"), *_made_from(plan, width)]
    if plan.lane is Lane.NOTHING:
        words = f"\nNothing to do. {keymap.key('plan.force')} deploys all the same."
        parts.append(Content.styled(words, "$muted"))
    return Content.assemble(*parts)


def _what(plan: Plan, width: int) -> list[Content]:
    lane_style = "bold $success" if plan.lane is Lane.NOTHING else "bold $accent"
    project = {
        True: "",
        False: "  will be created",
        None: "  the control plane was not asked whether it exists",
    }[plan.project_exists]
    current = plain(plan.current.words) if plan.current is not None else "none yet"
    lane = field(
        "lane", (str(plan.lane), lane_style), (f"  {LANES[plan.lane]}", "$muted"), width=width
    )
    why = [
        field("why" if index == 0 else "", plain(reason), width=width)
        for index, reason in enumerate(plan.reasons)
    ]
    name = plain(plan.project) or "no project"
    return [
        lane,
        *why,
        field("project", name, (project, "$warning"), width=width),
        field("registered", current, width=width),
    ]


def _made_from(plan: Plan, width: int) -> list[Content]:
    parts: list[Content] = []
    if plan.image is not None:
        parts.append(field("image", plain(plan.image), width=width))
    if plan.attachment is not None:
        parts.append(_executor(plan, width))
    if plan.context is not None:
        count = counted(plan.context.count, "file")
        parts.append(field("sends", f"{count}, {size(plan.context.size)}", width=width))
    interpreter = plan.loaded.interpreter
    origin = f"  ({plain(interpreter.origin)})" if interpreter.origin else ""
    versions = (
        f"Python {plain(interpreter.python_version)}, "
        f"Prefect {plain(interpreter.prefect_version or 'none')}"
    )
    parts.append(field("made with", versions, (origin, "$muted"), width=width))
    if plan.loaded.packages:
        packages = ", ".join(f"{p.name} {p.version}" for p in plan.loaded.packages)
        parts.append(field("packages", plain(packages), width=width))
    if plan.loaded.modules:
        modules = ", ".join(module.name for module in plan.loaded.modules)
        parts.append(field("modules", plain(modules), width=width))
    return parts


def _executor(plan: Plan, width: int) -> Content:
    words = executors.in_words(plan.execution)
    if not words:
        return field("executor", ("Prefect's default where the flow runs", "$muted"), width=width)
    setting = plan.setting("executor")
    origin = f"  ({setting.origin})" if setting is not None else ""
    return field("executor", plain(words), (origin, "$muted"), width=width)
