"""Approvals for the OpenAI Agents SDK: a run that waits, and durable runs that stop while a person thinks.

A tool is asked about if it has `needs_approval`. Needs `countersign[openai]`.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Sequence
from typing import Any

from agents import Agent, Runner, RunResult, RunState, ToolCallOutputItem
from agents.items import ToolApprovalItem

from . import _durable
from ._approvals import Allowed, Approvals, Refused, ToolCall
from ._durable import Store

__all__ = ["DurableRuns", "Store", "run_with_approvals"]

Verdict = Allowed | Refused


async def run_with_approvals(
    agent: Agent[Any], input: Any, approvals: Approvals, *, run_id: str | None = None, **options: Any
) -> RunResult:
    """Does what `Runner.run` does, and waits for a person's answer whenever a tool needs approval.

    `run_id` names the run, and is the conversation of grants. `input` may be a `RunState`: with the same `run_id`, its
    calls find their approvals again, also after a restart. `options` are those of `Runner.run`.
    """
    run_id = run_id or str(uuid.uuid4())
    result = await Runner.run(agent, input, **options)
    while result.interruptions:
        state = result.to_state()
        calls = [_call(item, run_id) for item in result.interruptions]
        verdicts = await approvals.decide_all(calls)
        _answer(state, result.interruptions, verdicts)
        result = await Runner.run(agent, state, **options)
        await _report(approvals, result, calls, verdicts)
    return result


class DurableRuns(_durable.DurableRuns[RunResult]):
    """Runs that stop while a person thinks: `start`, and `resume` when the webhook comes.

    A result with `interruptions` waits. `options` are those of `Runner.run`.
    """

    async def _begin(self, input: Any) -> RunResult:
        return await Runner.run(self._agent, input, **self._options)

    def _state(self, result: RunResult) -> str | None:
        return result.to_state().to_string() if result.interruptions else None

    async def _calls(self, state: str, run_id: str) -> list[ToolCall]:
        return [_call(item, run_id) for item in (await self._load(state)).get_interruptions()]

    async def _continue(self, state: str, calls: Sequence[ToolCall], verdicts: Sequence[Verdict]) -> RunResult:
        run = await self._load(state)
        _answer(run, run.get_interruptions(), verdicts)
        result = await Runner.run(self._agent, run, **self._options)
        await _report(self._approvals, result, calls, verdicts)
        return result

    async def _load(self, state: str) -> RunState[Any, Any]:
        return await RunState.from_string(self._agent, state)


async def _report(
    approvals: Approvals, result: RunResult, calls: Sequence[ToolCall], verdicts: Sequence[Verdict]
) -> None:
    outputs = {item.call_id: item.output for item in result.new_items if isinstance(item, ToolCallOutputItem)}
    for call, verdict in zip(calls, verdicts, strict=True):
        if isinstance(verdict, Allowed) and call.call_id in outputs:
            await approvals.report(call, verdict.approval, "succeeded", outputs[call.call_id])


def _answer(state: RunState[Any, Any], items: Sequence[ToolApprovalItem], verdicts: Sequence[Verdict]) -> None:
    for item, verdict in zip(items, verdicts, strict=True):
        if isinstance(verdict, Allowed):
            state.approve(item)
        else:
            state.reject(item, rejection_message=verdict.message)


def _call(item: ToolApprovalItem, run_id: str) -> ToolCall:
    text = item.arguments or "{}"
    try:
        arguments = json.loads(text)
    except ValueError:
        arguments = None
    if not isinstance(arguments, dict):
        # Some tools take a text: a patch, for instance.
        arguments = {"input": text}
    return ToolCall(item.name or "tool", arguments, run_id, item.call_id or "", run_id, item)
