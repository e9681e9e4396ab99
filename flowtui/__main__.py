"""Entry point of `flowtui` and `python -m flowtui`."""

from __future__ import annotations

import gc
import os
import signal
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from flowtui.warm.meeting import Warm


def main() -> None:
    """Run the command line and leave with one of the documented exit codes."""
    arguments = sys.argv[1:]
    if _opens_a_folder(arguments):
        sys.exit(_open(*arguments))
    from flowtui.warm import command

    warm = command.warm_flowtui(arguments)
    code = _by(warm, arguments) if warm is not None else None
    if code is not None:
        sys.exit(code)
    from flowtui.cli import run

    try:
        sys.exit(run(arguments))
    finally:
        if warm is not None:
            command.leave_one(warm)


def _by(warm: Warm, arguments: list[str]) -> int | None:
    from flowtui.warm import command

    code = command.run(warm, arguments)
    if code is not None and code < 0:
        signal.signal(-code, signal.SIG_DFL)
        os.kill(os.getpid(), -code)
    return code


def _opens_a_folder(arguments: list[str]) -> bool:
    """`flowtui` and `flowtui ./folder`, where nothing of the command line is needed."""
    if len(arguments) > 1 or not (sys.stdin.isatty() and sys.stdout.isatty()):
        return False
    return not arguments or (
        not arguments[0].startswith("-")
        and ("/" in arguments[0] or arguments[0] == ".")
        and os.path.isdir(arguments[0])
    )


def _open(folder: str = ".") -> int:
    from pathlib import Path

    # Imports make objects that stay; looking through them for garbage only costs time.
    gc.disable()
    from flowtui.errors import FlowtuiError
    from flowtui.tui.app import run

    try:
        return run(Path(folder))
    except FlowtuiError as error:
        from flowtui.cli.output import Output

        Output().error(error)
        return error.exit_code


if __name__ == "__main__":
    main()
