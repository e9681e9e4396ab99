"""What a save leads to: coalesced, one deploy and one trailing, broken saves held."""

from __future__ import annotations

from dataclasses import replace

import pytest

from flowtui.deploy.events import Outcome
from flowtui.hot import state as hot
from flowtui.hot.decide import (
    Connect,
    Decision,
    Deploy,
    LookAtDisk,
    Supersede,
    Why,
    next_steps,
)
from flowtui.hot.state import CAP, MANY, REST, HotState, Look
from flowtui.models import FlowKind, LocalFlow

ETL, REPORT = "etl.py:etl", "report.py:report"
SHARED = "helper.py"


def flow_of(target: str) -> LocalFlow:
    path, _, name = target.partition(":")
    return LocalFlow(path, 1, name, FlowKind.FLOW_OBJECT)


def look(target: str, content: str, *, broken: str = "") -> Look:
    flow = flow_of(target)
    return Look(None if broken else flow, frozenset({flow.path, SHARED}), content, broken)


class Scene:
    """A state, a clock, and the disk: every step is carried out as the decision says."""

    def __init__(self, *targets: str, at_once: int = 1) -> None:
        self.now = 100.0
        self.disk = {target: look(target, "v1") for target in targets}
        self.state = hot.marked(HotState(at_once=at_once), targets)
        self.look()

    def decide(self) -> Decision:
        return next_steps(self.state, self.now)

    def look(self) -> None:
        assert any(isinstance(step, LookAtDisk) for step in self.decide().steps)
        self.state = hot.look_begun(self.state, self.now)
        self.state = hot.look_ended(self.state, self.disk)

    def save(self, content: str, *targets: str, path: str = SHARED, broken: str = "") -> None:
        """A save, the rest after it, and the look."""
        for target in targets:
            self.disk[target] = look(target, content, broken=broken)
        self.state = hot.saved(self.state, frozenset({path}), self.now)
        self.now += REST
        self.look()

    def deploys(self) -> list[str]:
        return [step.target for step in self.decide().steps if isinstance(step, Deploy)]

    def begin(self, target: str = ETL) -> None:
        assert target in self.deploys()
        self.state = hot.deploy_begun(self.state, target)

    def end(self, outcome: Outcome = Outcome.DONE, target: str = ETL, reason: str = "") -> None:
        self.state = hot.deploy_ended(self.state, target, outcome, reason=reason)

    def why(self, target: str = ETL) -> Why | None:
        hold = self.decide().holds.get(target)
        return hold.why if hold is not None else None


def test_a_flow_that_becomes_hot_is_looked_at_and_not_deployed() -> None:
    scene = Scene(ETL)
    assert scene.decide() == Decision((), {}, None)


def test_a_save_is_deployed_after_it_rested() -> None:
    scene = Scene(ETL)
    scene.state = hot.saved(scene.state, frozenset({SHARED}), scene.now)
    waiting = scene.decide()
    assert waiting.steps == ()
    assert waiting.wake == scene.now + REST
    scene.now += REST / 2
    scene.state = hot.saved(scene.state, frozenset({"etl.py"}), scene.now)
    scene.now = waiting.wake
    again = scene.decide()
    assert again.steps == ()
    assert again.wake is not None
    scene.now = again.wake
    assert scene.decide().steps == (LookAtDisk(frozenset({SHARED, "etl.py"})),)
    scene.disk[ETL] = look(ETL, "v2")
    scene.look()
    (step,) = scene.decide().steps
    assert isinstance(step, Deploy)
    assert (step.target, step.save.paths, step.save.many) == (ETL, ("etl.py", SHARED), False)


def test_saves_without_a_rest_are_deployed_at_the_cap() -> None:
    scene = Scene(ETL)
    began = scene.now
    scene.disk[ETL] = look(ETL, "v2")
    while scene.now < began + CAP:
        scene.state = hot.saved(scene.state, frozenset({SHARED}), scene.now)
        assert scene.decide().steps == ()
        scene.now += REST / 2
    scene.look()
    scene.state = hot.saved(scene.state, frozenset({SHARED}), scene.now)
    assert scene.deploys() == [ETL]


def test_a_save_while_an_earlier_one_waits_is_waited_for() -> None:
    scene = Scene(ETL)
    scene.save("v2", ETL)
    scene.state = hot.saved(scene.state, frozenset({SHARED}), scene.now)
    assert scene.why() is Why.SAVING
    assert scene.deploys() == []


def test_what_concerns_another_flow_only_does_not_deploy_this_one() -> None:
    scene = Scene(ETL, REPORT)
    scene.save("v2", REPORT, path="report.py")
    assert scene.deploys() == [REPORT]


def test_a_module_of_both_deploys_both_one_after_the_other() -> None:
    scene = Scene(ETL, REPORT)
    scene.save("v2", ETL, REPORT)
    assert scene.deploys() == [ETL]
    scene.begin(ETL)
    assert scene.why(REPORT) is Why.TURN
    assert "etl" in scene.decide().holds[REPORT].words
    scene.end()
    assert scene.deploys() == [REPORT]


def test_as_many_at_once_as_the_setting_says() -> None:
    scene = Scene(ETL, REPORT, at_once=2)
    scene.save("v2", ETL, REPORT)
    assert scene.deploys() == [ETL, REPORT]


def test_who_saved_first_is_deployed_first() -> None:
    scene = Scene(ETL, REPORT)
    scene.save("v2", REPORT, path="report.py")
    scene.save("v2", ETL, path="etl.py")
    assert scene.deploys() == [REPORT]


def test_a_newer_save_supersedes_a_deploy_and_follows_it() -> None:
    scene = Scene(ETL)
    scene.save("v2", ETL)
    scene.begin()
    scene.save("v3", ETL)
    assert scene.decide().steps == (Supersede(ETL),)
    scene.state = hot.superseded(scene.state, ETL)
    assert scene.decide().steps == ()
    assert scene.why() is Why.SUPERSEDING
    scene.end(Outcome.CANCELLED)
    assert scene.deploys() == [ETL]
    scene.begin()
    scene.end()
    assert scene.decide() == Decision((), {}, None)
    assert scene.state.flows[ETL].settled == "v3"


def test_what_is_being_registered_finishes_and_the_newer_save_follows() -> None:
    scene = Scene(ETL)
    scene.save("v2", ETL)
    scene.begin()
    scene.state = hot.registering(scene.state, ETL)
    scene.save("v3", ETL)
    assert scene.decide().steps == ()
    assert scene.why() is Why.REGISTERING
    scene.end()
    assert scene.deploys() == [ETL]


def test_back_to_what_is_deployed_has_nothing_to_do() -> None:
    scene = Scene(ETL)
    scene.save("v2", ETL)
    scene.save("v1", ETL)
    assert scene.decide() == Decision((), {}, None)


def test_back_to_what_is_being_deployed_does_not_supersede_it() -> None:
    scene = Scene(ETL)
    scene.save("v2", ETL)
    scene.begin()
    scene.state = hot.registering(scene.state, ETL)
    scene.save("v3", ETL)
    scene.save("v2", ETL)
    assert scene.decide() == Decision((), {}, None)
    scene.end()
    assert scene.decide() == Decision((), {}, None)


def test_back_to_what_was_superseded_is_deployed_all_the_same() -> None:
    scene = Scene(ETL)
    scene.save("v2", ETL)
    scene.begin()
    scene.save("v3", ETL)
    scene.state = hot.superseded(scene.state, ETL)
    scene.save("v2", ETL)
    scene.end(Outcome.CANCELLED)
    assert scene.deploys() == [ETL]


def test_back_to_the_deployed_one_while_its_successor_is_cancelled_ends_there() -> None:
    scene = Scene(ETL)
    scene.save("v2", ETL)
    scene.begin()
    scene.save("v1", ETL)
    assert scene.decide().steps == (Supersede(ETL),)
    scene.state = hot.superseded(scene.state, ETL)
    scene.end(Outcome.CANCELLED)
    assert scene.decide() == Decision((), {}, None)


def test_a_broken_save_is_held_until_it_is_mended_and_supersedes_nothing() -> None:
    scene = Scene(ETL)
    scene.save("v2", ETL)
    scene.begin()
    scene.save("bad", ETL, broken="helper.py:3 does not parse: invalid syntax")
    assert scene.decide().steps == ()
    assert scene.decide().holds[ETL].words == "helper.py:3 does not parse: invalid syntax"
    scene.end()
    assert scene.why() is Why.BROKEN
    assert scene.deploys() == []
    scene.save("v3", ETL)
    assert scene.deploys() == [ETL]


def test_mended_back_to_what_is_deployed_has_nothing_to_do() -> None:
    scene = Scene(ETL)
    scene.save("bad", ETL, broken="it does not parse")
    scene.save("v1", ETL)
    assert scene.decide() == Decision((), {}, None)


def test_a_failed_deploy_waits_for_the_next_save_even_of_the_same() -> None:
    scene = Scene(ETL)
    scene.save("v2", ETL)
    scene.begin()
    scene.end(Outcome.FAILED, reason="no such package")
    assert scene.deploys() == []
    hold = scene.decide().holds[ETL]
    assert (hold.why, hold.words) == (Why.FAILED, "no such package; the next save tries again")
    scene.save("v2", ETL)
    assert scene.deploys() == [ETL]


def test_a_deploy_that_a_person_cancelled_waits_for_the_next_save() -> None:
    scene = Scene(ETL)
    scene.save("v2", ETL)
    scene.begin()
    scene.end(Outcome.CANCELLED, reason="cancelled during build")
    assert scene.why() is Why.FAILED
    scene.save("v3", ETL)
    assert scene.deploys() == [ETL]


def test_many_files_at_once_are_one_deploy_each_and_said_so() -> None:
    scene = Scene(ETL, REPORT, at_once=2)
    for target in (ETL, REPORT):
        scene.disk[target] = look(target, "v2")
    paths = frozenset({f"f{number}.py" for number in range(MANY)} | {SHARED})
    scene.state = hot.saved(scene.state, paths, scene.now)
    scene.now += REST
    scene.look()
    steps = [step for step in scene.decide().steps if isinstance(step, Deploy)]
    assert [(step.target, step.save.many) for step in steps] == [(ETL, True), (REPORT, True)]


def test_a_lost_connection_holds_and_is_tried_again_with_growing_pauses() -> None:
    scene = Scene(ETL)
    scene.save("v2", ETL)
    scene.begin()
    scene.state = hot.deploy_ended(scene.state, ETL, Outcome.FAILED, lost=True)
    pauses: list[float] = []
    for _ in range(7):
        scene.state = hot.connection_lost(scene.state, "refused", scene.now)
        assert scene.why() is Why.NOT_CONNECTED
        decision = scene.decide()
        assert decision.steps == ()
        assert decision.wake is not None
        pauses.append(round(decision.wake - scene.now))
        scene.now = decision.wake
        assert scene.decide().steps == (Connect(),)
        scene.state = hot.connecting(scene.state)
        assert scene.decide().steps == ()
    assert pauses == [2, 4, 8, 16, 32, 60, 60]
    scene.state = hot.connection_made(scene.state)
    assert scene.deploys() == [ETL]


def test_nothing_to_deploy_needs_no_connection() -> None:
    scene = Scene(ETL)
    scene.state = hot.connection_lost(scene.state, "refused", scene.now)
    assert scene.decide() == Decision((), {}, None)


def test_hot_elsewhere_is_not_deployed_here_and_starts_anew_when_free() -> None:
    scene = Scene(ETL)
    scene.state = hot.taken(scene.state, ETL, "hot in another flowtui (process 7)")
    scene.save("v2", ETL)
    assert scene.deploys() == []
    assert scene.decide().holds[ETL].words == "hot in another flowtui (process 7)"
    scene.state = hot.taken(scene.state, ETL, "")
    scene.look()
    assert scene.decide() == Decision((), {}, None)
    scene.save("v3", ETL)
    assert scene.deploys() == [ETL]


def test_a_flow_no_longer_hot_finishes_its_deploy_and_is_forgotten() -> None:
    scene = Scene(ETL, REPORT)
    scene.save("v2", ETL)
    scene.begin()
    scene.state = hot.marked(scene.state, (REPORT,))
    scene.save("v3", ETL)
    assert scene.decide().steps == ()
    scene.end()
    assert set(scene.state.flows) == {REPORT}


def test_hot_again_while_its_deploy_still_runs_goes_on() -> None:
    scene = Scene(ETL)
    scene.save("v2", ETL)
    scene.begin()
    scene.state = hot.marked(scene.state, ())
    scene.state = hot.marked(scene.state, (ETL,))
    scene.end()
    assert scene.state.flows[ETL].settled == "v2"


def test_a_flow_hot_while_broken_is_deployed_when_mended() -> None:
    scene = Scene(ETL)
    scene.state = HotState()
    scene.disk[ETL] = look(ETL, "bad", broken="it does not parse")
    scene.state = hot.marked(scene.state, (ETL,))
    scene.look()
    assert scene.why() is Why.BROKEN
    scene.save("v2", ETL)
    assert scene.deploys() == [ETL]


def test_a_new_file_that_changes_what_a_flow_is_made_from_concerns_it() -> None:
    scene = Scene(ETL)
    scene.disk[ETL] = replace(look(ETL, "v2"), needs=frozenset({"etl.py", "new.py"}))
    scene.state = hot.saved(scene.state, frozenset({"new.py"}), scene.now)
    scene.now += REST
    scene.look()
    assert scene.deploys() == [ETL]


def test_beginning_what_was_not_decided_is_a_fault() -> None:
    scene = Scene(ETL)
    with pytest.raises(ValueError, match="nothing to deploy"):
        hot.deploy_begun(scene.state, ETL)
