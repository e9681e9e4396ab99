"""Hot redeploy: a save of anything a flow is made from deploys it.

`state` and `decide` say purely what to do next and why everything else waits; `loop` acts, and
tells what happened as `events`.
"""
