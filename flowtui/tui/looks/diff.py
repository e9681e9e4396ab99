"""What differs between what is registered and what would be, laid out as lines.

Every change has a sign beside its colour; values that differ stand below one another, names and
arrows in columns; of a long value only what differs is shown.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from textual.content import Content

from flowtui.deploy.change import Aspect, Change, Changes, Sign
from flowtui.deploy.change_text import KEPT, Shown, by_aspect, not_compared, will_change
from flowtui.quantities import counted
from flowtui.tui.looks.glyphs import Glyphs
from flowtui.tui.looks.laying import hanging
from flowtui.tui.looks.words import padded, plain, shortened

SHOWN_LINES = 12
"""Lines of one difference that are shown before it is opened in full."""

_SIGNS = {
    Sign.ADDED: ("+", "$success"),
    Sign.CHANGED: ("~", "$warning"),
    Sign.REMOVED: ("-", "$error"),
}
_KEPT = ("=", "$secondary")
_WIDEST_NAME = 30
_LONG = 12
"""Characters of a value in which the part that differs is looked for."""
_INDENT = "  "


@dataclass(frozen=True, slots=True)
class _Columns:
    """Cells of the names and of the values before, the same for all of an aspect."""

    width: int
    name: int
    before: int

    @classmethod
    def of(cls, found: Sequence[Shown], width: int) -> _Columns:
        name = min(max(len(plain(each.change.name)) for each in found), _WIDEST_NAME, width // 3)
        beside = [each for each in found if each.before and each.after and not each.change.kept]
        before = max((len(plain(each.before)) for each in beside), default=0)
        return cls(width, max(name, 4), before)

    def stacked(self, shown: Shown, arrow: int) -> bool:
        """Whether the values are too long to stand beside one another."""
        after = len(plain(shown.after))
        return len(_INDENT) + 2 + self.name + 2 + self.before + arrow + after > self.width


def diff_lines(
    changes: Changes, width: int, glyphs: Glyphs, *, key: str = "", most: int | None = SHOWN_LINES
) -> list[Content]:
    """Each without a line break, none wider than `width`.

    Of a longer difference `most` lines are shown, and `key` is said to open all of it.
    """
    lines = _wrapped(Content(""), _summary(changes), width)
    for aspect, found in by_aspect(changes):
        lines += [Content(""), _heading(aspect, found, width, glyphs)]
        columns = _Columns.of(found, width)
        for shown in found:
            lines += _change(shown, columns, glyphs)
            lines += _difference(shown, width, most, key)
    quiet: list[Content] = []
    if changes.same:
        text = Content.styled(f"the same: {', '.join(changes.same)}", "$muted")
        quiet += _wrapped(Content.styled("= ", "$muted"), text, width)
    for why, aspects in not_compared(changes):
        text = Content.styled(f"{', '.join(aspects)}: not compared, {plain(why)}", "$muted")
        quiet += _wrapped(Content.styled("? ", "$warning"), text, width)
    return [*lines, *([Content(""), *quiet] if quiet else [])]


def _summary(changes: Changes) -> Content:
    """For example `+1 added  ~3 changed  =1 stays`."""
    going = will_change(changes)
    stay = len(changes.found) - len(going)
    if not going and not stay:
        return Content.styled("No difference was found.", "$success" if changes.same else "$muted")
    counts = [(sign, sum(each.sign is sign for each in going)) for sign in Sign]
    parts: list[tuple[str, str]] = [
        (f"{_SIGNS[sign][0]}{count} {sign}", f"bold {_SIGNS[sign][1]}")
        for sign, count in counts
        if count
    ]
    if stay:
        parts.append((f"{_KEPT[0]}{stay} {'stays' if stay == 1 else 'stay'}", _KEPT[1]))
    return Content("  ").join(Content.styled(text, style) for text, style in parts)


def _heading(aspect: Aspect, found: Sequence[Shown], width: int, glyphs: Glyphs) -> Content:
    going = sum(not each.change.kept for each in found)
    said = counted(going, "change") if going else KEPT
    title = str(aspect).capitalize()
    rule = glyphs.bar_empty * max(width - len(title) - len(said) - 2, 0)
    return Content.assemble((title, "bold"), (f" {rule} ", "$faint"), (said, "$muted"))


def _change(shown: Shown, columns: _Columns, glyphs: Glyphs) -> list[Content]:
    """The line of the change, with its values beside the name, or below it."""
    change = shown.change
    sign, style = _KEPT if change.kept else _SIGNS[change.sign]
    name = padded(shortened(plain(change.name), columns.name), columns.name)
    head = Content.assemble(_INDENT, (f"{sign} ", f"bold {style}"), (name, style), "  ")
    if shown.lines:
        long_name = Content.styled(plain(change.name), style)
        first = Content.assemble(_INDENT, (f"{sign} ", f"bold {style}"))
        return _wrapped(first, Content.assemble(long_name, "  ", _tally(shown)), columns.width)
    if change.kept:
        return _wrapped(head, _kept(shown), columns.width)
    if not (shown.before and shown.after):
        value = Content.styled(plain(shown.before or shown.after), _value_style(change))
        return _wrapped(head, value, columns.width)
    old, new = _marked(plain(shown.before), plain(shown.after))
    arrow = f" {glyphs.arrow} "
    if not columns.stacked(shown, len(arrow)):
        gap = " " * max(columns.before - old.cell_length, 0)
        return [Content.assemble(head, old, gap, (arrow, "$muted"), new)]
    below = f"{_INDENT}    "
    return [
        head.rstrip(),
        *_wrapped(Content.assemble(below, ("- ", "$error")), old, columns.width),
        *_wrapped(Content.assemble(below, ("+ ", "$success")), new, columns.width),
    ]


def _kept(shown: Shown) -> Content:
    parts: list[str | tuple[str, str]] = [plain(shown.before) or "removed", (f"  {KEPT}", "$muted")]
    if shown.after:
        parts.append((f"; the project says {plain(shown.after)}", "$muted"))
    return Content.assemble(*parts)


def _value_style(change: Change) -> str:
    return "$muted strike" if change.sign is Sign.REMOVED else "$foreground"


def _marked(before: str, after: str) -> tuple[Content, Content]:
    """Both values, of long ones what differs in bold: the ends that are alike stay quiet."""
    if max(len(before), len(after)) < _LONG:
        return Content.styled(before, "bold $error"), Content.styled(after, "bold $success")
    start = 0
    while start < min(len(before), len(after)) and before[start] == after[start]:
        start += 1
    end = 0
    most = min(len(before), len(after)) - start
    while end < most and before[len(before) - 1 - end] == after[len(after) - 1 - end]:
        end += 1

    def parts(text: str, style: str) -> Content:
        stop = len(text) - end
        return Content.assemble(
            (text[:start], "$muted"), (text[start:stop], f"bold {style}"), (text[stop:], "$muted")
        )

    return parts(before, "$error"), parts(after, "$success")


def _tally(shown: Shown) -> Content:
    """How many lines come and go: `+3 -1`."""
    more = sum(line.startswith("+") for line in shown.lines)
    less = sum(line.startswith("-") for line in shown.lines)
    kept = (f"  {KEPT}", "$muted") if shown.change.kept else ""
    counts = [(f"+{more} ", "$success") if more else "", (f"-{less}", "$error") if less else ""]
    return Content.assemble(*counts, kept)


def _difference(shown: Shown, width: int, most: int | None, key: str) -> list[Content]:
    """The lines of a difference, with a bar at the left that tells them from changes."""
    more = len(shown.lines) - most if most is not None else 0
    # A difference that is cut by a line or two takes as many as the word that it is cut.
    lines = shown.lines if more <= 2 else shown.lines[:most]
    room = width - 6
    made = [_line(line, room) for line in lines]
    if len(lines) < len(shown.lines):
        where = f", {key} shows all" if key else ""
        hidden = counted(len(shown.lines) - len(lines), "more line")
        made.append(Content.styled(f"    … {hidden}{where}", "$muted"))
    return made


def _line(line: str, room: int) -> Content:
    text = plain(line.expandtabs(4))
    mark, rest = text[:1], text[1:]
    if mark == "@":
        return Content.styled(f"    {shortened(_place(text), room)}", "$secondary")
    style = {"+": "$success", "-": "$error", "…": "$muted"}.get(mark, "$muted")
    shown = shortened(f"{mark} {rest}" if mark in "+- " else text, room)
    return Content.styled(f"    {shown}", style)


def _place(header: str) -> str:
    """`@@ -4,3 +4,5 @@` as a person says it."""
    parts = header.split()
    if len(parts) < 3:
        return header
    first, _, count = parts[2].lstrip("+").partition(",")
    if not (first.isdigit() and (count or "1").isdigit()):
        return header
    last = int(first) + int(count or 1) - 1
    return f"line {first}" if last <= int(first) else f"lines {first} to {last}"


def _wrapped(head: Content, text: Content, width: int) -> list[Content]:
    return list(hanging(head, text, width).rstrip("\n").split("\n"))
