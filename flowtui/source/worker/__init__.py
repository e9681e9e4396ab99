"""Loads one flow file with the project's own Python and its own Prefect, and reports as JSON.

Stand-alone: Python 3.6 to 3.13, any Prefect from 0.6.1 on, standard library only, nothing of
flowtui. `loader.py` starts `__main__.py` in a process of its own, which loads this folder as a
package that the user's code cannot meet. The request is one JSON object on stdin:

    action       "inspect" or "pickle"
    root         absolute path of the project
    path         flow file, relative to the root
    name         name of the flow, or null when it is not known before loading
    variable     Python name the flow is bound to, or null
    line         1-based line of the `Flow(...)` call, 0 when unknown
    function     the function or class that a flow is made in, or null
    declared     null, or {"path", "line", "name", "dynamic"} of a call that declares a deployment,
                 where it has values that only running the file tells
    modules      [[dotted name, absolute path], ...] that a static look at the file found
    execution    null, or {"executor": ..., "executor_kwargs": ...}: the settings that are known
                 before loading; tried, so that what cannot work is known before a build
    attachment   null, or {"storage": {...}, "execution": {...}, "source_dir": str or null}
    answer       file for the answer, a JSON object: {"flow": {...}} or {"error": {...}}
    pickle       file for the pickled flow (action "pickle")
    trace        file for the stack when the process is ended from outside
    pickle_limit in bytes

stdout and stderr belong to the user's code: nothing is answered there.
"""
