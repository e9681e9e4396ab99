"""Entry point of `flowtui` and `python -m flowtui`."""

from __future__ import annotations

import gc
import sys
from pathlib import Path


def main() -> None:
    """Run the command line and leave with one of the documented exit codes."""
    arguments = sys.argv[1:]
    if _opens_a_folder(arguments):
        sys.exit(_open(Path(*arguments)))
    from flowtui.cli import run

    sys.exit(run(arguments))


def _opens_a_folder(arguments: list[str]) -> bool:
    """`flowtui` and `flowtui ./folder`, where nothing of the command line is needed."""
    if len(arguments) > 1 or not (sys.stdin.isatty() and sys.stdout.isatty()):
        return False
    return not arguments or (
        not arguments[0].startswith("-")
        and ("/" in arguments[0] or arguments[0] == ".")
        and Path(arguments[0]).is_dir()
    )


def _open(folder: Path) -> int:
    # Imports make objects that stay; looking through them for garbage only costs time.
    gc.disable()
    from flowtui.errors import FlowtuiError
    from flowtui.tui.app import run

    try:
        return run(folder)
    except FlowtuiError as error:
        from flowtui.cli.output import Output

        Output().error(error)
        return error.exit_code


if __name__ == "__main__":
    main()
