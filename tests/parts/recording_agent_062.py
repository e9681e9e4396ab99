"""The same as `recording_agent.py` for Prefect 0.6.2, whose agents start all runs of a poll."""

import os

from prefect.agent import Agent
from prefect.engine.state import Running, Success


class RecordingAgent(Agent):
    def deploy_flows(self, flow_runs):
        for flow_run in flow_runs:
            with open(os.environ["RECORD"], "a") as record:  # noqa: PTH123
                record.write(f"{flow_run.id}\n")
            for state in (Running(), Success()):
                self.client.set_flow_run_state(
                    flow_run_id=flow_run.id, version=flow_run.version, state=state
                )


RecordingAgent().start()
