"""Any Prefect: load each state on standard input (JSON, one a line) as a runner or an agent does.

Prints what each is, seen from inside: `Submitted(Retrying)`, or the error.
"""

import json
import sys

from marshmallow import ValidationError
from prefect.serialization.state import StateSchema

names = []
for line in sys.stdin:
    try:
        state = StateSchema().load(json.loads(line))
    except ValidationError as error:
        names.append(repr(error))
        continue
    wrapped = getattr(state, "state", None)
    name = type(state).__name__
    names.append(name if wrapped is None else f"{name}({type(wrapped).__name__})")
print("FOUND " + json.dumps(names))
