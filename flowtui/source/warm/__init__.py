"""Pythons that have imported Prefect already, and wait for what is to be run with it.

Importing Prefect 2 or 3 takes a second of a processor; a fork of a process that has done so takes
hundredths. Each program still has a fresh process of its own, in which nothing of the user's ran
before. A warm Python serves every flowtui of its user and ends by itself when it was not needed for
a while, or when a package that it has imported is not the one on disk any more. Only on Linux:
elsewhere forks of a Python that has used the system's frameworks are not safe.

- `program`: what can be forked, and which warm Python is the right one for it
- `place`: where they are found
- `parent`: the warm Python itself, a stand-alone program
- `forking`: asks one for a fork, starts it where there is none
"""

from flowtui.source.warm.forking import KEEP, WarmStart

__all__ = ["KEEP", "WarmStart"]
