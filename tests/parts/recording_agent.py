"""Runs on the interpreter of an old Prefect, never imported: an agent whose runs cost nothing.

Polling, submitting and its states are the real agent's. A run that it may start is written to a
file, and is over.
"""

import os
import sys

from prefect.agent.local import LocalAgent
from prefect.engine.state import Running, Success


class RecordingAgent(LocalAgent):
    def deploy_flow(self, flow_run):
        with open(os.environ["RECORD"], "a") as record:  # noqa: PTH123
            record.write(f"{flow_run.id}\n")
        for state in (Running(), Success()):
            self.client.set_flow_run_state(flow_run_id=flow_run.id, version=None, state=state)
        return "recorded"


RecordingAgent(
    name=os.environ["NAME"], agent_address=sys.argv[1], hostname_label=False, labels=[]
).start()
