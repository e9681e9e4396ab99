"""Flow runs as a person meets them, worked out for the app and for the command line alike.

What is typed for a run becomes `values` of parameters, `fields` beside them and its `start`; runs
come in a `listing`, and the task runs of one in the order of its graph (`tasks`).
"""
