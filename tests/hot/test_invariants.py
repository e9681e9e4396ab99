"""Whatever is saved, breaks, fails or goes away in whatever order: what always holds."""

from __future__ import annotations

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

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
from flowtui.hot.state import CAP, HotState, Look
from flowtui.models import FlowKind, LocalFlow

TARGETS = ("a.py:a", "b.py:b", "c.py:c")
SHARED = "helper.py"
STEADY = {Why.BROKEN, Why.FAILED, Why.NOT_CONNECTED, Why.ELSEWHERE}
"""Reasons that only something outside can end: a save, a server, another process."""


class HotMachine(RuleBasedStateMachine):
    """Plays the disk, the person, the pipeline and the control plane."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0
        self.state = HotState()
        self.disk = dict.fromkeys(TARGETS, ("v0", False))
        self.in_flight: dict[str, str] = {}
        self.told_to_stop: set[str] = set()
        self.deployed: dict[str, str] = {}
        self.server_is_up = True

    @initialize(at_once=st.integers(1, 3))
    def become_hot(self, at_once: int) -> None:
        self.state = hot.marked(HotState(at_once=at_once), TARGETS)
        self.settle()
        self.deployed = {target: content for target, (content, _) in self.disk.items()}

    # ------------------------------------------------------------------------- what may happen

    @rule(
        which=st.sampled_from(TARGETS),
        content=st.sampled_from(["v0", "v1", "v2"]),
        broken=st.booleans(),
    )
    def save_one(self, which: str, content: str, broken: bool) -> None:
        self.disk[which] = (f"{content} broken" if broken else content, broken)
        self.state = hot.saved(self.state, frozenset({which.partition(":")[0]}), self.now)

    @rule(content=st.sampled_from(["v0", "v1", "v2"]))
    def save_shared(self, content: str) -> None:
        for target in TARGETS:
            self.disk[target] = (content, False)
        self.state = hot.saved(self.state, frozenset({SHARED}), self.now)

    @rule(which=st.sampled_from(TARGETS), content=st.sampled_from(["v1", "v2"]))
    def save_one_and_let_it_lead_to_something(self, which: str, content: str) -> None:
        self.save_one(which, content, broken=False)
        self.now += CAP
        for _ in range(2):
            self.act()
            if self.state.looking is not None:
                self.the_look_ends()
        self.act()

    @rule(seconds=st.sampled_from([0.05, 0.2, 1.0, 11.0]))
    def time_passes(self, seconds: float) -> None:
        self.now += seconds

    @rule()
    def act(self) -> None:
        """One round of the loop."""
        self.carry_out(next_steps(self.state, self.now))

    @precondition(lambda self: self.state.looking is not None)
    @rule()
    def the_look_ends(self) -> None:
        self.state = hot.look_ended(self.state, self.looks())

    @precondition(lambda self: self.in_flight)
    @rule(data=st.data())
    def a_deploy_reaches_register(self, data: st.DataObject) -> None:
        target = data.draw(st.sampled_from(sorted(self.in_flight)))
        if target not in self.told_to_stop:
            self.state = hot.registering(self.state, target)

    @precondition(lambda self: self.in_flight)
    @rule(data=st.data(), outcome=st.sampled_from([Outcome.DONE, Outcome.FAILED]))
    def a_deploy_ends(self, data: st.DataObject, outcome: Outcome) -> None:
        self.end(data.draw(st.sampled_from(sorted(self.in_flight))), outcome)

    @rule()
    def the_server_goes_away(self) -> None:
        self.server_is_up = False

    @rule()
    def the_server_comes_back(self) -> None:
        self.server_is_up = True

    @rule(which=st.sampled_from(TARGETS), by=st.sampled_from(["", "another flowtui"]))
    def another_takes_it(self, which: str, by: str) -> None:
        if by == self.state.flows[which].elsewhere:
            return
        self.state = hot.taken(self.state, which, by)
        # What counts from here is what is on disk when it is looked at next.
        self.deployed[which] = ""

    # --------------------------------------------------------------------------- carrying it out

    def looks(self) -> dict[str, Look]:
        found: dict[str, Look] = {}
        for target, (content, broken) in self.disk.items():
            path, _, name = target.partition(":")
            flow = None if broken else LocalFlow(path, 1, name, FlowKind.FLOW_OBJECT)
            reason = "does not parse" if broken else ""
            found[target] = Look(flow, frozenset({path, SHARED}), content, reason)
        return found

    def carry_out(self, decision: Decision) -> None:
        for step in decision.steps:
            match step:
                case LookAtDisk():
                    self.state = hot.look_begun(self.state, self.now)
                case Deploy(target):
                    assert target not in self.in_flight, "two deploys of one flow"
                    self.state = hot.deploy_begun(self.state, target)
                    running = self.state.flows[target].running
                    assert running is not None
                    self.in_flight[target] = running.content
                case Supersede(target):
                    running = self.state.flows[target].running
                    assert running is not None and not running.registering
                    self.state = hot.superseded(self.state, target)
                    self.told_to_stop.add(target)
                case Connect():
                    self.state = hot.connecting(self.state)
                    self.state = (
                        hot.connection_made(self.state)
                        if self.server_is_up
                        else hot.connection_lost(self.state, "refused", self.now)
                    )

    def end(self, target: str, outcome: Outcome) -> None:
        content = self.in_flight.pop(target)
        stopped = target in self.told_to_stop
        self.told_to_stop.discard(target)
        if stopped:
            self.state = hot.deploy_ended(self.state, target, Outcome.CANCELLED)
            return
        if not self.server_is_up:
            self.state = hot.deploy_ended(self.state, target, Outcome.FAILED, lost=True)
            self.state = hot.connection_lost(self.state, "refused", self.now)
            return
        if outcome is Outcome.DONE:
            assert "broken" not in content, "a broken save was deployed"
            self.deployed[target] = content
        self.state = hot.deploy_ended(self.state, target, outcome, reason="no good")

    # ---------------------------------------------------------------------------- what always holds

    @invariant()
    def never_more_at_once_than_allowed(self) -> None:
        assert len(self.in_flight) <= self.state.at_once
        assert set(self.state.running) == set(self.in_flight)

    @invariant()
    def asking_changes_nothing(self) -> None:
        assert next_steps(self.state, self.now) == next_steps(self.state, self.now)

    @invariant()
    def who_waits_knows_why_or_is_acted_on(self) -> None:
        decision = next_steps(self.state, self.now)
        acted = {step.target for step in decision.steps if isinstance(step, Deploy)}
        for target, flow in self.state.flows.items():
            if flow.waiting is not None:
                assert target in acted or target in decision.holds

    def settle(self) -> None:
        """Let everything come to rest; the pipeline succeeds from here on."""
        for _ in range(300):
            decision = next_steps(self.state, self.now)
            if self.state.looking is not None:
                self.state = hot.look_ended(self.state, self.looks())
            elif decision.steps:
                self.carry_out(decision)
            elif self.in_flight:
                self.end(min(self.in_flight), Outcome.DONE)
            elif decision.wake is not None and self.server_is_up:
                self.now = max(self.now, decision.wake)
            else:
                return
        raise AssertionError("it never comes to rest")

    def teardown(self) -> None:
        if not self.state.flows:
            return
        self.now += CAP
        self.settle()
        holds = next_steps(self.state, self.now).holds
        for target, (content, broken) in self.disk.items():
            hold = holds.get(target)
            if hold is not None:
                assert hold.why in STEADY
                continue
            assert not broken
            flow = self.state.flows[target]
            assert flow.settled == content, "the last save is neither deployed nor held"
            assert self.deployed[target] in ("", content) or flow.look is None


TestHotMachine = HotMachine.TestCase
TestHotMachine.settings = settings(max_examples=150, stateful_step_count=40, deadline=None)


def test_a_save_whose_deploy_was_lost_is_deployed_after_the_flow_came_back() -> None:
    target = TARGETS[0]
    machine = HotMachine()
    machine.become_hot(at_once=1)
    machine.save_one_and_let_it_lead_to_something(target, "v1")
    machine.the_server_goes_away()
    machine.another_takes_it(target, "another flowtui")
    machine.another_takes_it(target, "")
    machine.end(target, Outcome.DONE)
    assert next_steps(machine.state, machine.now).holds[target].why is Why.SAVING
    machine.the_server_comes_back()
    machine.settle()
    assert machine.deployed[target] == "v1"


def test_a_deploy_begun_before_another_took_the_flow_does_not_have_the_last_word() -> None:
    target = TARGETS[0]
    machine = HotMachine()
    machine.become_hot(at_once=1)
    machine.save_one_and_let_it_lead_to_something(target, "v1")
    machine.state = hot.registering(machine.state, target)
    machine.save_one(target, "v0", broken=False)
    machine.another_takes_it(target, "another flowtui")
    machine.another_takes_it(target, "")
    machine.now += CAP
    machine.settle()
    assert machine.deployed[target] == "v0"
