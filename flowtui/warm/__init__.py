"""Pythons that have imported what takes long, and wait for what is to be run with it.

Importing Prefect 2 or 3 takes a second of a processor, importing what a deploy of flowtui needs a
fifth of one; a fork of a process that has done so takes hundredths. Each program still has a fresh
process of its own, in which nothing of the user's ran before. A warm Python serves every flowtui of
its user and ends by itself when nobody needed it for a while (FLOWTUI_KEEP_WARM, in seconds), or
when a file that it has imported is not the one on disk any more. Only on Linux: elsewhere forks of
a Python that has used the system's frameworks are not safe.

- `program`: what can be forked, and which warm Python is the right one for it
- `place`: where they are found, and how long they wait
- `parent`: the warm Python itself, a stand-alone program
- `meeting`: connects to one, starts it where there is none, sends it a program
- `forking`: for programs that import Prefect, another way to start them
- `command`: for flowtui's own command line
"""
