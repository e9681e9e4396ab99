"""Entry point of `flowtui` and `python -m flowtui`."""

from __future__ import annotations

import sys


def main() -> None:
    """Run the command line and leave with one of the documented exit codes."""
    from flowtui.cli import run

    sys.exit(run(sys.argv[1:]))


if __name__ == "__main__":
    main()
