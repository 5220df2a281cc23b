"""What the adapters share."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Unpack

import anyio
import pytest
from local import ALICE, Alice, approve, deny, until
from restarts import TURNS, approvals
from stacks import Seen, issue, openai_agent, openai_read
from test_client import DENIED

from countersign import (
    Allowed,
    Approval,
    Approvals,
    AsyncCountersign,
    Countersign,
    Event,
    Pending,
    Refused,
    Request,
    ToolCall,
)
from countersign.openai import DurableRuns

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("service")]


def call(run_id: str, call_id: str = "c", title: str = "A") -> ToolCall:
    return ToolCall("create_issue", dict(issue(title)), run_id, call_id, run_id)


@pytest.mark.parametrize("anyio_backend", ["asyncio", "trio"])
async def test_decides_and_cancels_under_both_event_loops(alice: Alice, run_id: str) -> None:
    with alice.will(run_id, approve):
        assert isinstance(await approvals().decide(call(run_id)), Allowed)
    with anyio.move_on_after(1):
        await approvals().decide(call(run_id, "other"))
    assert [one["status"] for one in alice.approvals(run_id)] == ["cancelled", "approved"]


class ResponseLost(AsyncCountersign):
    """The service takes the request, but its response does not come."""

    async def ask(self, *, idempotency_key: str | None = None, **request: Unpack[Request]) -> Approval:
        await super().ask(idempotency_key=idempotency_key, **request)
        await anyio.sleep_forever()
        raise AssertionError


@pytest.mark.parametrize("anyio_backend", ["asyncio", "trio"])
async def test_cancels_what_it_was_asking(alice: Alice, run_id: str) -> None:
    with anyio.move_on_after(1):
        await approvals(client=ResponseLost()).decide(call(run_id))
    assert [one["status"] for one in alice.approvals(run_id)] == ["cancelled"]


def test_interrupted_program_cancels_what_it_was_asking(alice: Alice, run_id: str) -> None:
    class Interrupted(Countersign):
        def ask(self, *, idempotency_key: str | None = None, **request: Unpack[Request]) -> Approval:
            super().ask(idempotency_key=idempotency_key, **request)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        approvals(client=Interrupted()).decide_blocking(call(run_id))
    assert [one["status"] for one in alice.approvals(run_id)] == ["cancelled"]


async def test_model_reads_that_a_rule_denied(run_id: str) -> None:
    class Blocked(AsyncCountersign):
        async def ask(self, *, idempotency_key: str | None = None, **request: Unpack[Request]) -> Approval:
            return Approval.from_json(DENIED)

    verdict = await approvals(client=Blocked()).decide(call(run_id))
    assert isinstance(verdict, Refused)
    assert "denied by a rule of the workspace's admins. Reason: “Release freeze”." in verdict.message


async def test_call_without_an_id_is_refused(run_id: str) -> None:
    verdict = await approvals().decide(call(run_id, ""))
    assert isinstance(verdict, Refused)
    assert "the call of create_issue has no id" in verdict.message


async def test_call_id_that_is_used_for_another_call_is_refused(alice: Alice, run_id: str) -> None:
    assert isinstance(await approvals().poll(call(run_id)), Pending)
    verdict = await approvals().poll(call(run_id, title="B"))
    assert isinstance(verdict, Refused)
    assert "The idempotency key was used for another request" in verdict.message
    assert not verdict.temporary


async def test_permit_is_taken_right_before_the_call_runs(alice: Alice, run_id: str) -> None:
    with alice.will(run_id, approve):
        verdict = await approvals().decide(call(run_id), use=False)
    assert isinstance(verdict, Allowed)
    # The same call of another process.
    assert isinstance(await approvals().decide(call(run_id)), Allowed)
    again = await approvals().use(call(run_id), verdict)
    assert isinstance(again, Refused)
    assert "already run" in again.message


async def test_repeatable_call_gets_its_permit_again_until_it_is_reported(alice: Alice, run_id: str) -> None:
    asking, once = approvals(), call(run_id)
    with alice.will(run_id, approve):
        verdict = await asking.decide(once, repeatable=True)
    assert isinstance(verdict, Allowed)
    assert isinstance(await asking.decide(once, repeatable=True), Allowed)
    assert isinstance(await asking.decide(once), Refused)
    await asking.report(once, verdict.approval, "succeeded")
    again = await asking.decide(once, repeatable=True)
    assert isinstance(again, Refused)
    assert "already run" in again.message


async def test_approval_of_another_action_is_refused(alice: Alice, run_id: str) -> None:
    class Confused(AsyncCountersign):
        async def wait(self, approval: str | Approval, timeout: float | None = None) -> Approval:
            return await super().wait(other)

    options = {"user": ALICE, "agent": "atlas", "conversation": run_id, "integration": "github"}
    async with AsyncCountersign() as client:
        with alice.will(run_id, approve):
            other = await client.ask(action="delete_file", arguments=dict(issue("A")), **options)  # type: ignore[arg-type]
            await client.wait(other)
    verdict = await Approvals("atlas", user=ALICE, integration="github", client=Confused()).decide(call(run_id))
    assert isinstance(verdict, Refused)
    assert "approved for another call" in verdict.message


async def test_actions_and_more_of_the_request(alice: Alice, run_id: str) -> None:
    asking = Approvals(
        "atlas",
        user=lambda call: ALICE if call.context == "Alice" else "",
        tools={"create_issue": "gmail.send_email", "other": "claude.mcp/github.create"},
        options=lambda call: {"reason": f"Because of {call.name}", "metadata": {"job": 7}},
        client=Countersign(),
    )
    verdict = await asking.poll(ToolCall("create_issue", {}, run_id, "c", run_id, context="Alice"))
    assert isinstance(verdict, Pending)
    data = verdict.approval.data
    assert (data["integration"], data["action"]) == ("gmail", "send_email")
    assert (data["reason"], data["metadata"]) == ("Because of create_issue", {"job": 7})
    nested = await asking.poll(ToolCall("other", {}, run_id, "d", run_id, context="Alice"))
    assert isinstance(nested, Pending)
    assert (nested.approval.integration, nested.approval.action) == ("claude.mcp", "github.create")
    unknown = await asking.poll(ToolCall("unknown", {}, run_id, "e", run_id))
    assert isinstance(unknown, Refused)
    assert "no action is configured for the tool unknown" in unknown.message
    with pytest.raises(ValueError, match=r"integration\.action"):
        Approvals("atlas", tools={"x": "github"})


async def test_arguments_that_are_not_json_are_refused(run_id: str) -> None:
    for odd in (float("nan"), object(), "\ud800", 2**53 + 1):
        verdict = await approvals().decide(ToolCall("create_issue", {"title": odd}, run_id, "c", run_id))
        assert isinstance(verdict, Refused)


class Memory:
    """A store in memory."""

    def __init__(self) -> None:
        self.states: dict[str, str] = {}

    async def save(self, run_id: str, state: str) -> None:
        self.states[run_id] = state

    async def load(self, run_id: str) -> str | None:
        return self.states.get(run_id)

    async def take(self, run_id: str) -> str | None:
        return self.states.pop(run_id, None)


async def test_durable_run_continues_once_after_its_last_answer(alice: Alice, run_id: str) -> None:
    seen = Seen()
    agent, model = openai_agent(seen, TURNS)
    runs = DurableRuns(agent, approvals(), Memory())
    assert len((await runs.start("Go", run_id=run_id)).interruptions) == 2
    by_title = {one["arguments"]["title"]: one["id"] for one in alice.approvals(run_id)}

    async def answered(title: str, answer: object) -> Event:
        await anyio.to_thread.run_sync(answer, alice, by_title[title])  # type: ignore[arg-type]
        ended = lambda: alice.get(by_title[title])["decision"]  # noqa: E731
        await anyio.to_thread.run_sync(until, ended, "the decision")
        approval = Approval.from_json(alice.get(by_title[title]))
        return Event("dlv_1", f"approval.{approval.status}", datetime.now(UTC), approval)

    first = await answered("A", approve)
    assert await runs.resume(first) is None
    last = await answered("B", deny("No"))
    results = []

    async def resume(event: Event) -> None:
        results.append(await runs.resume(event))

    async with anyio.create_task_group() as group:
        for event in (first, last, last):
            group.start_soon(resume, event)
    assert sum(result is not None for result in results) == 1
    assert seen.ran == [issue("A")]
    ((opened, refused),) = openai_read(model, TURNS)
    assert opened == "Opened A"
    assert "Reason: “No”" in refused


async def test_durable_run_is_kept_while_the_service_is_down(alice: Alice, run_id: str) -> None:
    store = Memory()
    agent, _ = openai_agent(Seen(), TURNS)
    await DurableRuns(agent, approvals(), store).start("Go", run_id=run_id)
    down = Approvals(
        "atlas", user=ALICE, integration="github", client=Countersign("http://127.0.0.1:1", "cs_x", retry_for=0)
    )
    with pytest.raises(Exception, match="Could not reach Countersign"):
        await DurableRuns(agent, down, store).resume(run_id)
    assert run_id in store.states
