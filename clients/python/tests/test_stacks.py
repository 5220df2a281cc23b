"""What each adapter must do, with the real framework, a scripted model and the real service."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

import anyio
import pytest
from langchain.agents import create_agent
from langchain.agents.middleware import AgentMiddleware
from langchain_core.messages import AIMessage, BaseMessage, ToolMessage
from langchain_core.outputs import ChatGeneration, ChatResult
from local import ALICE, Alice, approve, approve_all, approve_for_conversation, deny, edit, until
from stacks import STACKS, Run, ScriptedChatModel, Seen, Turn, issue, langchain_tool
from test_client import dead_url

from countersign import Approvals, AsyncCountersign, ToolCall
from countersign.langchain import ApprovalMiddleware

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("service")]

each_stack = pytest.mark.parametrize("run", STACKS.values(), ids=STACKS.keys())
NO_RETRY = "The tool did not run. Do not retry unless the user asks."


def approvals(**more: Any) -> Approvals:
    return Approvals({"id": "atlas", "name": "Atlas"}, **({"user": ALICE, "integration": "github"} | more))


@each_stack
async def test_approved_call_runs_and_is_reported(run: Run, alice: Alice, run_id: str) -> None:
    def summarize(call: ToolCall, output: Any) -> str:
        return f"Did {call.name}"

    with alice.will(run_id, approve):
        seen = await run(approvals(summarize=summarize), run_id, [[issue("A")]])
    assert seen == Seen(ran=[issue("A")], read=[["Opened A"]])
    (approval,) = alice.approvals(run_id)
    assert (approval["result"]["status"], approval["result"]["summary"]) == ("succeeded", "Did create_issue")


@each_stack
async def test_model_reads_why_a_call_was_denied(run: Run, alice: Alice, run_id: str) -> None:
    with alice.will(run_id, deny("Wrong repository, use “storefront”")):
        seen = await run(approvals(), run_id, [[issue("A")]])
    assert seen.ran == []
    ((read,),) = seen.read
    reason = f"denied by the user {ALICE} in Slack. Reason: “Wrong repository, use “storefront””. {NO_RETRY}"
    assert read.endswith(f"Not approved: {reason}")


@each_stack
async def test_grant_for_the_conversation_asks_once(run: Run, alice: Alice, run_id: str) -> None:
    with alice.will(run_id, approve_for_conversation):
        seen = await run(approvals(), run_id, [[issue("A")], [issue("B")]])
    assert seen == Seen(ran=[issue("A"), issue("B")], read=[["Opened A"], ["Opened B"]])
    second, first = alice.approvals(run_id)
    assert (first["decision"]["by"], second["decision"]["by"]) == ("user", "auto")


@each_stack
async def test_expired_call_is_a_refusal(run: Run, alice: Alice, run_id: str) -> None:
    async def later() -> None:
        await anyio.to_thread.run_sync(lambda: until(lambda: alice.approvals(run_id), "the approval"))
        await anyio.to_thread.run_sync(alice.pass_time, 20)

    async with anyio.create_task_group() as group:
        group.start_soon(later)
        seen = await run(approvals(expires_in=600), run_id, [[issue("A")]])
    assert seen.ran == []
    ((read,),) = seen.read
    assert "the request for approval expired before the user answered" in read


@each_stack
async def test_service_that_is_down_is_a_refusal(run: Run, run_id: str) -> None:
    began = time.monotonic()
    client = AsyncCountersign(dead_url(), "cs_x", retry_for=0.5)
    seen = await run(approvals(client=client), run_id, [[issue("A"), issue("B")]])
    assert seen.ran == []
    ((read, _),) = seen.read
    assert "Not approved: Could not reach Countersign" in read
    assert NO_RETRY in read
    assert time.monotonic() - began < 20


@each_stack
@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"client": AsyncCountersign("http://127.0.0.1:1", "cs_x", retry_for=0)}, "Could not reach"),
        ({"user": "U0NO"}, ""),
    ],
)
async def test_refused_request_is_a_refusal(run: Run, run_id: str, wrong: dict[str, Any], says: str) -> None:
    seen = await run(approvals(**wrong), run_id, [[issue("A")]])
    assert seen.ran == []
    ((read,),) = seen.read
    assert f"Not approved: {says}" in read


@each_stack
async def test_twenty_calls_are_asked_at_once(run: Run, alice: Alice, run_id: str) -> None:
    turn: Turn = [issue(f"Issue {number}") for number in range(20)]
    with alice.will(run_id, approve_all(20)):
        seen = await run(approvals(), run_id, [turn])
    assert sorted(one["title"] for one in seen.ran) == sorted(one["title"] for one in turn)
    assert seen.read == [[f"Opened {one['title']}" for one in turn]]
    assert len(alice.approvals(run_id)) == 20


@pytest.mark.parametrize("run", [run for name, run in STACKS.items() if name != "openai"])
async def test_edited_arguments_run(run: Run, alice: Alice, run_id: str) -> None:
    with alice.will(run_id, edit(title="Better")):
        seen = await run(approvals(), run_id, [[issue("A")]])
    assert seen.ran == [issue("Better")]
    ((read,),) = seen.read
    assert read.endswith("Opened Better")


@each_stack
async def test_cancelled_run_cancels_the_approval(run: Run, alice: Alice, run_id: str) -> None:
    if run is STACKS["langchain-blocking"]:
        pytest.skip("a thread can't be cancelled")
    turns: Sequence[Turn] = [[issue("A")]]
    async with anyio.create_task_group() as group:
        group.start_soon(run, approvals(), run_id, turns)
        await anyio.to_thread.run_sync(lambda: until(lambda: alice.approvals(run_id), "the approval"))
        await anyio.sleep(0.2)
        group.cancel_scope.cancel()
    # A framework may leave its tasks to end on their own.
    cancelled = lambda: alice.approvals(run_id, "cancelled")  # noqa: E731
    assert await anyio.to_thread.run_sync(lambda: until(cancelled, "the end of the approval"))


@each_stack
async def test_repeated_run_finds_its_approval_and_runs_nothing_twice(run: Run, alice: Alice, run_id: str) -> None:
    turns: Sequence[Turn] = [[issue("A")]]
    with alice.will(run_id, approve):
        await run(approvals(), run_id, turns)
    again = await run(approvals(), run_id, turns)
    assert again.ran == []
    ((read,),) = again.read
    assert "this call has already run" in read
    assert len(alice.approvals(run_id)) == 1


class SameIds(ScriptedChatModel):
    """Gives all calls of a step one id."""

    def _generate(self, messages: list[BaseMessage], *more: Any, **options: Any) -> ChatResult:
        if any(isinstance(message, AIMessage) for message in messages):
            return ChatResult(generations=[ChatGeneration(message=AIMessage("Done."))])
        calls = [{"name": "create_issue", "args": args, "id": "call_0"} for args in self.turns[0]]
        return ChatResult(generations=[ChatGeneration(message=AIMessage("", tool_calls=calls))])


@pytest.mark.parametrize("blocking", [True, False])
async def test_calls_of_a_step_with_one_id_are_refused(blocking: bool) -> None:
    seen = Seen()
    client = AsyncCountersign(dead_url(), "cs_x", retry_for=0)
    model = SameIds(turns=[[dict(issue("A")), dict(issue("A"))]])
    agent: Any = create_agent(model, [langchain_tool(seen)], middleware=[ApprovalMiddleware(approvals(client=client))])
    start = {"messages": [("user", "Go")]}
    output = agent.invoke(start) if blocking else await agent.ainvoke(start)
    assert seen.ran == []
    read = [message.content for message in output["messages"] if isinstance(message, ToolMessage)]
    assert len(read) == 2
    assert all("the same id" in one for one in read)


class DynamicTool(AgentMiddleware):
    """Gives the model a tool that the agent does not know, as LangChain documents."""

    def __init__(self, seen: Seen) -> None:
        self._tool = langchain_tool(seen)

    def wrap_tool_call(self, request: Any, handler: Any) -> Any:
        return handler(request.override(tool=self._tool))

    async def awrap_tool_call(self, request: Any, handler: Any) -> Any:
        return await handler(request.override(tool=self._tool))


@pytest.mark.parametrize("blocking", [True, False])
async def test_tool_that_langchain_gets_from_middleware_is_asked_about(blocking: bool, run_id: str) -> None:
    seen = Seen()
    client = AsyncCountersign(dead_url(), "cs_x", retry_for=0)
    middleware: list[Any] = [ApprovalMiddleware(approvals(client=client)), DynamicTool(seen)]
    agent: Any = create_agent(ScriptedChatModel(turns=[[dict(issue("A"))]]), [], middleware=middleware)
    start = {"messages": [("user", "Go")]}
    output = agent.invoke(start) if blocking else await agent.ainvoke(start)
    assert seen.ran == []
    assert "Not approved: Could not reach Countersign" in output["messages"][-2].content
