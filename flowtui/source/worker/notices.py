"""Lines of ours between those of the user's code."""

import os


class Notices:
    """Lines of ours between the user's, written past whatever the user did to sys.stderr."""

    def __init__(self):
        self._fd = os.dup(2)

    def __call__(self, text):
        try:
            os.write(self._fd, ("flowtui: " + text + "\n").encode("utf-8", "replace"))
        except OSError:
            return  # the user's code closed every file; the notice is not worth the flow
