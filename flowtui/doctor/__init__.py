"""Is everything there that flowtui needs? Lines that say what is, and what to do where it is not.

Looks only: nothing is changed, pulled or unlocked, and no flow runs unless that is asked for.
"""
