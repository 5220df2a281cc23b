"""Approvals for LangChain agents: a middleware that waits, and durable runs that stop while a person thinks.

Needs `countersign[langchain]`.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from functools import partial
from typing import Any
from weakref import WeakValueDictionary

import anyio
from langchain.agents.middleware import AgentMiddleware, AgentState, ToolCallRequest
from langchain.tools import ToolRuntime
from langchain_core.messages import AIMessage, ToolMessage
from langchain_core.messages import ToolCall as ModelToolCall
from langgraph.errors import GraphBubbleUp
from langgraph.runtime import Runtime
from langgraph.types import Command, Interrupt

from ._approvals import Allowed, Approvals, Pending, Refused, ToolCall, at_once, edit_notice, raise_temporary
from ._models import ResultStatus
from ._webhook import Event

__all__ = ["ApprovalMiddleware", "DurableRuns", "run_with_approvals"]

Output = ToolMessage | Command[Any]
_AMBIGUOUS = Refused(
    "Not approved: several calls of this step have the same id, so they can't be told apart. No tool ran."
    " Make the calls again, each with an id of its own."
)


class ApprovalMiddleware(AgentMiddleware[AgentState[Any], Any, Any]):
    """Asks before a tool runs, and waits for the answer. Needs no checkpointer.

    `tools` names the tools to ask about; all of them by default. Put it before middleware that retries tools: an
    approval covers one call.
    """

    def __init__(self, approvals: Approvals, *, tools: Collection[str] | None = None) -> None:
        super().__init__()
        self._approvals = approvals
        self._tools = tools

    def after_model(self, state: AgentState[Any], runtime: Runtime[Any]) -> None:
        """Asks about all calls of the model at once, and waits.

        An agent that blocks runs only a few tools at the same time. When they run, they find their approvals.
        """
        calls = [call for call in self._new_calls(state, runtime) if not _is_ambiguous(call.call_id, state["messages"])]
        if len(calls) > 1:
            with ThreadPoolExecutor(len(calls)) as threads:
                list(threads.map(lambda call: self._approvals.decide_blocking(call, editable=True, use=False), calls))

    async def aafter_model(self, state: AgentState[Any], runtime: Runtime[Any]) -> None:
        """Does nothing: an asynchronous agent runs all tools at the same time."""

    def wrap_tool_call(self, request: ToolCallRequest, handler: Callable[[ToolCallRequest], Output]) -> Output:
        if not self._asks(request.tool_call["name"]):
            return handler(request)
        call = _call(request.tool_call, request.state, request.runtime)
        if _is_ambiguous(call.call_id, request.state["messages"]):
            return _refusal(request, _AMBIGUOUS)
        verdict = self._approvals.decide_blocking(call, editable=True, repeatable=True)
        if isinstance(verdict, Refused):
            return _refusal(request, verdict)
        try:
            output = handler(_as_approved(request, verdict))
        except GraphBubbleUp:
            raise  # The tool has not ended: it waits for something else.
        except Exception:
            self._approvals.report_blocking(call, verdict.approval, "failed")
            raise
        self._approvals.report_blocking(call, verdict.approval, _status(output), output)
        return _noted(output, verdict)

    async def awrap_tool_call(
        self, request: ToolCallRequest, handler: Callable[[ToolCallRequest], Awaitable[Output]]
    ) -> Output:
        if not self._asks(request.tool_call["name"]):
            return await handler(request)
        call = _call(request.tool_call, request.state, request.runtime)
        if _is_ambiguous(call.call_id, request.state["messages"]):
            return _refusal(request, _AMBIGUOUS)
        verdict = await self._approvals.decide(call, editable=True, repeatable=True)
        if isinstance(verdict, Refused):
            return _refusal(request, verdict)
        try:
            output = await handler(_as_approved(request, verdict))
        except GraphBubbleUp:
            raise  # The tool has not ended: it waits for something else.
        except Exception:
            await self._approvals.report(call, verdict.approval, "failed")
            raise
        await self._approvals.report(call, verdict.approval, _status(output), output)
        return _noted(output, verdict)

    def _asks(self, name: str) -> bool:
        return self._tools is None or name in self._tools

    def _new_calls(self, state: AgentState[Any], runtime: Runtime[Any]) -> list[ToolCall]:
        """The calls of the last message that nothing has answered."""
        messages = state["messages"]
        answered = {message.tool_call_id for message in messages if isinstance(message, ToolMessage)}
        last = next((message for message in reversed(messages) if isinstance(message, AIMessage)), None)
        calls = last.tool_calls if last else []
        return [
            _call(call, state, runtime) for call in calls if self._asks(call["name"]) and call["id"] not in answered
        ]


async def run_with_approvals(
    agent: Any, input: Any, approvals: Approvals, *, thread_id: str, **options: Any
) -> dict[str, Any]:
    """Runs an agent with `HumanInTheLoopMiddleware(…, interrupt_mode="per_call")`, and waits for all answers.

    After a restart, call it again with the same `thread_id` and `None` as input. `options` are those of `ainvoke`.
    """
    runs = _Runs(agent, approvals, partial(approvals.decide, use=False), options)
    output = await runs.invoke(thread_id, input)
    return await runs.proceed(thread_id, output) or output


class DurableRuns:
    """Runs of an agent with `HumanInTheLoopMiddleware(…, interrupt_mode="per_call")` that stop while a person thinks.

    The agent's checkpointer keeps the run, so any process may continue it when the webhook comes. `lock(thread_id)`
    gives an asynchronous context manager that lets one process at a time continue a thread; the default knows only
    this process. `options` are those of `ainvoke`.
    """

    def __init__(
        self,
        agent: Any,
        approvals: Approvals,
        *,
        lock: Callable[[str], AbstractAsyncContextManager[Any]] | None = None,
        **options: Any,
    ) -> None:
        self._runs = _Runs(agent, approvals, approvals.poll, options)
        self._lock = lock or _Locks()

    async def start(self, input: Any, *, thread_id: str) -> dict[str, Any]:
        """Runs the agent until it ends or a person is asked: then `__interrupt__` is in the output."""
        async with self._lock(thread_id):
            output = await self._runs.invoke(thread_id, input)
            return await self._runs.proceed(thread_id, output) or output

    async def resume(self, event: Event | str) -> dict[str, Any] | None:
        """Continues the run that a webhook is about; `None` if it does not wait for that answer.

        An event may come twice. A thread's id in its place continues what a killed process left. Raises if the
        service can't say how the run's other calls stand: answer 503, and the webhook comes again.
        """
        thread_id = event if isinstance(event, str) else event.conversation
        if thread_id is None:
            return None
        async with self._lock(thread_id):
            return await self._runs.proceed(thread_id)


class _Runs:
    """Answers the interrupts of runs."""

    def __init__(
        self,
        agent: Any,
        approvals: Approvals,
        ask: Callable[..., Awaitable[Allowed | Refused | Pending]],
        options: dict[str, Any],
    ) -> None:
        self._agent = agent
        self._approvals = approvals
        self._ask = ask
        self._options = options
        # A tool's output is seen only when all tools of its step have ended.
        self._unreported: dict[ToolCall, Allowed] = {}

    async def invoke(self, thread_id: str, input: Any) -> dict[str, Any]:
        output: dict[str, Any] = await self._agent.ainvoke(input, _config(thread_id), **self._options)
        return output

    async def proceed(self, thread_id: str, output: dict[str, Any] | None = None) -> dict[str, Any] | None:
        """Resumes with every answer that there is, until there are no more. Without an output, for a webhook."""
        while True:
            state = await self._agent.aget_state(_config(thread_id))
            found = [one for one in state.interrupts if _is_approval(one)]
            calls = [_interrupted_call(one, thread_id, state.values) for one in found]
            messages = state.values["messages"]
            verdicts = await at_once(
                [
                    partial(self._answer, call, messages, editable=_may_edit(one))
                    for call, one in zip(calls, found, strict=True)
                ]
            )
            if output is None:
                raise_temporary(verdicts)
            answers = {}
            for interrupt, call, verdict in zip(found, calls, verdicts, strict=True):
                if isinstance(verdict, Pending):
                    continue
                # A step runs when all of its calls have an answer, and an answer that was lost is given again.
                permitted = await self._approvals.use(call, verdict, repeatable=True)
                answers[interrupt.id] = _decision(call, permitted)
                if isinstance(permitted, Allowed):
                    self._unreported[call] = permitted
            if not answers:
                return output
            output = await self.invoke(thread_id, Command(resume=answers))
            await self._report(output)

    async def _answer(self, call: ToolCall, messages: Sequence[Any], *, editable: bool) -> Allowed | Refused | Pending:
        if _is_ambiguous(call.call_id, messages):
            return _AMBIGUOUS
        return await self._ask(call, editable=editable)

    async def _report(self, output: dict[str, Any]) -> None:
        messages = [message for message in output["messages"] if isinstance(message, ToolMessage)]
        outputs = {message.tool_call_id: message for message in messages}
        for call in [call for call in self._unreported if call.call_id in outputs]:
            output_of = outputs[call.call_id]
            await self._approvals.report(call, self._unreported.pop(call).approval, _status(output_of), output_of)


class _Locks:
    """A lock for each thread, within this process."""

    def __init__(self) -> None:
        self._locks: WeakValueDictionary[str, anyio.Lock] = WeakValueDictionary()

    @asynccontextmanager
    async def __call__(self, thread_id: str) -> AsyncIterator[None]:
        lock = self._locks.setdefault(thread_id, anyio.Lock())
        async with lock:
            yield


def _config(thread_id: str) -> dict[str, Any]:
    return {"configurable": {"thread_id": thread_id}}


def _call(call: ModelToolCall, state: Any, runtime: Runtime[Any] | ToolRuntime[Any, Any]) -> ToolCall:
    messages = state["messages"]
    info = runtime.execution_info
    # Without a checkpointer there are no threads. Each run then has a first message of its own.
    thread_id = (info and info.thread_id) or messages[0].id
    return ToolCall(call["name"], call["args"], thread_id, call["id"] or "", thread_id, runtime)


def _interrupted_call(interrupt: Interrupt[Any], thread_id: str, state: Any) -> ToolCall:
    request = interrupt.value
    return ToolCall(request["name"], request["args"], thread_id, request["tool_call_id"] or "", thread_id, state)


def _is_approval(interrupt: Interrupt[Any]) -> bool:
    return isinstance(interrupt.value, dict) and interrupt.value.get("type") == "tool_approval"


def _may_edit(interrupt: Interrupt[Any]) -> bool:
    schema = interrupt.response_schema
    return isinstance(schema, dict) and "edit" in schema.get("discriminator", {}).get("mapping", {})


def _decision(call: ToolCall, verdict: Allowed | Refused) -> dict[str, Any]:
    """The answer to an interrupt of `HumanInTheLoopMiddleware`."""
    if isinstance(verdict, Refused):
        return {"type": "reject", "message": verdict.message}
    if verdict.edited:
        return {"type": "edit", "edited_action": {"name": call.name, "args": verdict.arguments}}
    return {"type": "approve"}


def _is_ambiguous(call_id: str, messages: Sequence[Any]) -> bool:
    """Whether the model's last message has several calls with this id: one approval would run all of them."""
    last = next((message for message in reversed(messages) if isinstance(message, AIMessage)), None)
    return last is not None and sum(call["id"] == call_id for call in last.tool_calls) > 1


def _refusal(request: ToolCallRequest, verdict: Refused) -> ToolMessage:
    call = request.tool_call
    return ToolMessage(verdict.message, name=call["name"], tool_call_id=call["id"], status="error")


def _as_approved(request: ToolCallRequest, verdict: Allowed) -> ToolCallRequest:
    if not verdict.edited:
        return request
    return request.override(tool_call={**request.tool_call, "args": verdict.arguments})


def _status(output: Output) -> ResultStatus:
    return "failed" if isinstance(output, ToolMessage) and output.status == "error" else "succeeded"


def _noted(output: Output, verdict: Allowed) -> Output:
    """Tells the model which arguments the tool ran with, if not with its own."""
    if not verdict.edited or not isinstance(output, ToolMessage):
        return output
    notice = edit_notice(verdict.arguments)
    if isinstance(output.content, str):
        return output.model_copy(update={"content": f"{notice}\n\n{output.content}"})
    return output.model_copy(update={"content": [{"type": "text", "text": notice}, *output.content]})
