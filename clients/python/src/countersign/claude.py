"""Approvals for the Claude Agent SDK: a `can_use_tool` that asks in Slack, and hooks that report results.

Needs `countersign[claude]`.
"""

from __future__ import annotations

import uuid
from typing import Any

from claude_agent_sdk import (
    CanUseTool,
    HookCallback,
    HookMatcher,
    PermissionResult,
    PermissionResultAllow,
    PermissionResultDeny,
    ToolPermissionContext,
)

from ._approvals import Allowed, Approvals, Refused, ToolCall
from ._models import ResultStatus

__all__ = ["ClaudeApprovals", "can_use_tool"]


def can_use_tool(approvals: Approvals, *, run_id: str | None = None) -> CanUseTool:
    """The callback for `ClaudeAgentOptions(can_use_tool=…)`. See `ClaudeApprovals`."""
    return ClaudeApprovals(approvals, run_id=run_id).can_use_tool


class ClaudeApprovals:
    """Asks before Claude uses a tool that it does not already have permission for, and waits for the answer.

    `run_id` is the session's id. The same one finds the approvals again after a restart. It is also the conversation of
    grants. `hooks` reports in Slack what came of the calls.
    """

    def __init__(self, approvals: Approvals, *, run_id: str | None = None) -> None:
        self._approvals = approvals
        self._run_id = run_id or str(uuid.uuid4())
        self._running: dict[str, tuple[ToolCall, Allowed]] = {}

    async def can_use_tool(
        self, tool_name: str, tool_input: dict[str, Any], context: ToolPermissionContext
    ) -> PermissionResult:
        """Asks, and waits. Claude reads why a call was refused."""
        call_id = context.tool_use_id or str(uuid.uuid4())
        call = ToolCall(tool_name, tool_input, self._run_id, call_id, self._run_id, context)
        verdict = await self._approvals.decide(call, editable=True)
        if isinstance(verdict, Refused):
            return PermissionResultDeny(message=verdict.message)
        self._running[call_id] = (call, verdict)
        return PermissionResultAllow(updated_input=verdict.arguments)

    @property
    def hooks(self) -> dict[Any, list[HookMatcher]]:
        """Hooks for `ClaudeAgentOptions(hooks=…)` that report whether an approved call succeeded."""
        return {
            "PostToolUse": [HookMatcher(hooks=[self._reporting("succeeded", "tool_response")])],
            "PostToolUseFailure": [HookMatcher(hooks=[self._reporting("failed", "error")])],
        }

    def _reporting(self, status: ResultStatus, output: str) -> HookCallback:
        async def report(data: Any, tool_use_id: str | None, _: Any) -> Any:
            if running := self._running.pop(tool_use_id or "", None):
                call, verdict = running
                await self._approvals.report(call, verdict.approval, status, data.get(output))
            return {}

        return report
