"""People approve in Slack what AI agents are about to do.

    from countersign import Countersign

    client = Countersign()
    approval = client.ask(
        user="alice@example.com",
        agent="atlas",
        conversation="c-42",
        integration="github",
        action="create_issue",
        arguments={"title": "Hello"},
    )
    if client.wait(approval).approved:
        ...

Adapters for agent frameworks: `countersign.langchain`, `countersign.openai`, `countersign.pydantic_ai`,
`countersign.claude`.
"""

from ._approvals import Allowed, Approvals, Pending, Refused, ToolCall
from ._clients import AsyncCountersign, Countersign
from ._digest import arguments_digest
from ._errors import ApiError, CountersignError, InvalidResponse, Unreachable, WebhookError
from ._models import Agent, Approval, Conversation, Decision, Options, Permit, Place, Request, Result
from ._version import __version__
from ._webhook import Event, verify_webhook

__all__ = [
    "Agent",
    "Allowed",
    "ApiError",
    "Approval",
    "Approvals",
    "AsyncCountersign",
    "Conversation",
    "Countersign",
    "CountersignError",
    "Decision",
    "Event",
    "InvalidResponse",
    "Options",
    "Pending",
    "Permit",
    "Place",
    "Refused",
    "Request",
    "Result",
    "ToolCall",
    "Unreachable",
    "WebhookError",
    "__version__",
    "arguments_digest",
    "verify_webhook",
]
