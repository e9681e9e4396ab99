"""flowtui's own command line, run by a warm flowtui.

A deploy that finds little to do takes less time than importing all that a deploy may need. This
process only passes on what its terminal and its user tell the fork: signals, and how it ended.
"""

from __future__ import annotations

import os
import signal
import sys

from flowtui.warm.meeting import FLOWTUI, KEEP, VARIABLE, Warm, is_ready, request, send_head

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import FrameType

_COMMANDS = ("deploy", "plan")
_READY_SECONDS = 0.5
"""One that needs longer is still starting: this command is quicker without it."""
_PASSED_ON = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT)
_SOURCE = "import sys; from flowtui.cli import run; sys.exit(run(sys.argv[1:]))"


def warm_flowtui(arguments: Sequence[str]) -> Warm | None:
    """The one that can run this command line; None where it is to be run here."""
    if sys.platform != "linux" or not arguments or arguments[0] not in _COMMANDS:
        return None
    try:
        keep = float(os.environ.get(VARIABLE) or KEEP)
    except ValueError:
        return None  # the command says what is wrong
    if not 0 < keep < float("inf") or not sys.executable:
        return None
    return Warm(FLOWTUI, sys.executable, os.environ, keep)


def run(warm: Warm, arguments: Sequence[str]) -> int | None:
    """Its exit status, -n when signal n ended it; None where there is no warm one yet."""
    channel = warm.connect()
    if channel is None:
        return None
    with channel:
        if not is_ready(channel, _READY_SECONDS):
            return None
        try:
            asked = request(["flowtui", *arguments], _SOURCE, "", os.getcwd(), os.environ)
            channel.setblocking(True)
            status = send_head(channel, asked, (0, 1, 2))
            channel.sendall(asked)
        except OSError:
            return None
        with os.fdopen(status, "rb", 0) as told:
            pid = int(told.readline() or 0)
            if pid <= 0:
                return None
            _pass_on_signals(pid)
            return int(told.readline() or -signal.SIGKILL)


def leave_one(warm: Warm) -> None:
    """For the next command: it starts in the background, now that this one is done."""
    channel = warm.connect_or_start()
    if channel is not None:
        channel.close()


def _pass_on_signals(pid: int) -> None:
    def pass_on(number: int, _: FrameType | None) -> None:
        try:
            os.kill(pid, number)
        except ProcessLookupError:
            return  # it has just ended

    def stop(_: int, __: FrameType | None) -> None:
        os.kill(pid, signal.SIGSTOP)
        os.kill(os.getpid(), signal.SIGSTOP)
        os.kill(pid, signal.SIGCONT)

    for number in _PASSED_ON:
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, pass_on)
    if signal.getsignal(signal.SIGTSTP) is not signal.SIG_IGN:
        signal.signal(signal.SIGTSTP, stop)
