"""Approvals for Pydantic AI: a capability that waits, and durable runs that stop while a person thinks.

A tool is asked about if it has `requires_approval=True`, or its toolset `approval_required()`. Needs
`countersign[pydantic-ai]`.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from pydantic import TypeAdapter
from pydantic_ai import AgentRunResult, DeferredToolRequests, DeferredToolResults, RunContext, ToolApproved, ToolDenied
from pydantic_ai.capabilities import AbstractCapability
from pydantic_ai.messages import ModelMessagesTypeAdapter, ToolCallPart
from pydantic_ai.tools import ToolDefinition

from . import _durable
from ._approvals import Allowed, Approvals, Refused, ToolCall, edit_notice
from ._durable import Store
from ._models import ResultStatus

__all__ = ["ApprovalCapability", "DurableRuns", "Store"]

_REQUESTS = TypeAdapter(DeferredToolRequests)

# Where the approval's id travels with the call, so that its result can be reported.
_APPROVAL = "countersign_approval"
_EDITED = "countersign_edited"


class _ResultReports(AbstractCapability[Any]):
    """Reports what came of approved calls."""

    def __init__(self, approvals: Approvals) -> None:
        super().__init__()
        self._approvals = approvals

    async def after_tool_execute(
        self,
        ctx: RunContext[Any],
        *,
        call: ToolCallPart,
        tool_def: ToolDefinition,
        args: dict[str, Any],
        result: Any,
    ) -> Any:
        await self._report(ctx, call, args, "succeeded", result)
        if _metadata(ctx).get(_EDITED) and isinstance(result, str):
            return f"{edit_notice(args)}\n\n{result}"
        return result

    async def on_tool_execute_error(
        self,
        ctx: RunContext[Any],
        *,
        call: ToolCallPart,
        tool_def: ToolDefinition,
        args: dict[str, Any],
        error: Exception,
    ) -> Any:
        await self._report(ctx, call, args, "failed", error)
        raise error

    async def _report(
        self,
        ctx: RunContext[Any],
        part: ToolCallPart,
        args: dict[str, Any],
        status: ResultStatus,
        output: Any,
    ) -> None:
        if approval := _metadata(ctx).get(_APPROVAL):
            call = ToolCall(part.tool_name, args, str(ctx.run_id), part.tool_call_id, str(ctx.conversation_id), ctx)
            await self._approvals.report(call, approval, status, output)


class ApprovalCapability(_ResultReports):
    """Asks before a tool that requires approval runs, and waits for the answer. Reports what came of it.

    With the same `run_id`, a run that goes on from stored messages finds the approvals of their calls again.
    """

    async def handle_deferred_tool_calls(
        self, ctx: RunContext[Any], *, requests: DeferredToolRequests
    ) -> DeferredToolResults | None:
        if not requests.approvals:
            return None
        calls = [_call(part, str(ctx.run_id), str(ctx.conversation_id), ctx) for part in requests.approvals]
        return _results(requests, calls, await self._approvals.decide_all(calls, editable=True))


class DurableRuns(_durable.DurableRuns[AgentRunResult[Any]]):
    """Runs that stop while a person thinks: `start`, and `resume` when the webhook comes.

    The agent needs `DeferredToolRequests` among its output types: a result with this output waits. `options` are those
    of the agent's `run`. Calls that are executed elsewhere are not for this.
    """

    _editable = True

    async def _begin(self, input: Any) -> AgentRunResult[Any]:
        return await self._run(user_prompt=input)

    def _state(self, result: AgentRunResult[Any]) -> str | None:
        if not isinstance(result.output, DeferredToolRequests):
            return None
        messages = result.all_messages_json().decode()
        return json.dumps({"messages": messages, "requests": _REQUESTS.dump_json(result.output).decode()})

    async def _calls(self, state: str, run_id: str) -> list[ToolCall]:
        requests = _REQUESTS.validate_json(json.loads(state)["requests"])
        return [_call(part, run_id, run_id, None) for part in requests.approvals]

    async def _continue(
        self, state: str, calls: Sequence[ToolCall], verdicts: Sequence[Allowed | Refused]
    ) -> AgentRunResult[Any]:
        stored = json.loads(state)
        return await self._run(
            message_history=ModelMessagesTypeAdapter.validate_json(stored["messages"]),
            deferred_tool_results=_results(_REQUESTS.validate_json(stored["requests"]), calls, verdicts),
        )

    async def _run(self, **arguments: Any) -> AgentRunResult[Any]:
        own = [*self._options.get("capabilities", []), _ResultReports(self._approvals)]
        result: AgentRunResult[Any] = await self._agent.run(**self._options | arguments | {"capabilities": own})
        return result


def _call(part: ToolCallPart, run_id: str, conversation: str, context: Any) -> ToolCall:
    return ToolCall(part.tool_name, part.args_as_dict(), run_id, part.tool_call_id, conversation, context)


def _results(
    requests: DeferredToolRequests, calls: Sequence[ToolCall], verdicts: Sequence[Allowed | Refused]
) -> DeferredToolResults:
    answers: dict[str, bool | ToolApproved | ToolDenied] = {}
    metadata: dict[str, dict[str, Any]] = {}
    for call, verdict in zip(calls, verdicts, strict=True):
        if isinstance(verdict, Allowed):
            answers[call.call_id] = ToolApproved(override_args=verdict.arguments if verdict.edited else None)
            metadata[call.call_id] = {_APPROVAL: verdict.approval.id, _EDITED: verdict.edited}
        else:
            answers[call.call_id] = ToolDenied(verdict.message)
    return requests.build_results(approvals=answers, metadata=metadata)


def _metadata(ctx: RunContext[Any]) -> dict[str, Any]:
    found = ctx.tool_call_metadata
    return found if ctx.tool_call_approved and isinstance(found, dict) else {}
