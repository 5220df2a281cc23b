"""What the API takes and gives.

Reading is strict: what this version does not understand is an error, never an approval.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal, NotRequired, Required, TypedDict, TypeVar, get_args

from ._errors import InvalidResponse

Status = Literal["pending", "approved", "denied", "expired", "cancelled", "undeliverable"]
Scope = Literal["once", "conversation", "always"]
ResultStatus = Literal["succeeded", "failed"]

_T = TypeVar("_T")


class Agent(TypedDict):
    """Who wants to run the action."""

    id: str
    name: NotRequired[str]


class Conversation(TypedDict):
    """The run of the agent that asks."""

    id: str
    title: NotRequired[str]
    url: NotRequired[str]


class Place(TypedDict):
    """Where to ask, instead of in the user's direct messages."""

    channel: str
    thread_ts: NotRequired[str]


class Options(TypedDict, total=False):
    """The members of a request that may be left out."""

    user: str
    """The Slack id or email address of the person who decides. Left out with a key that is bound to a user."""
    reason: str
    """Why the agent asks, in its own words."""
    expires_in: int
    """How many seconds the user has to answer: from 10 to 604,800. Default: 1,800."""
    editable: bool
    """Whether the caller runs arguments that the user changes (`Approval.final_arguments`)."""
    abandon_after: int
    """Cancels the approval if no caller waits for it for this many seconds."""
    callback_url: str
    """Receives a webhook for this approval only."""
    slack: Place
    """Where to ask, instead of in the user's direct messages."""
    metadata: dict[str, Any]
    """Any JSON object up to 16 KiB. Returned unchanged."""


class Request(Options, total=False):
    """A request for approval."""

    agent: Required[str | Agent]
    """Who wants to run the action."""
    conversation: Required[str | Conversation]
    """The run of the agent."""
    integration: Required[str]
    """What the agent uses: `github`."""
    action: Required[str]
    """What it does with it: `create_issue`."""
    arguments: Required[Mapping[str, Any]]
    """The action's arguments."""


@dataclass(frozen=True, slots=True)
class Decision:
    """What ended an approval."""

    outcome: Status
    scope: Scope | None
    """What the user allowed; `None` if it was not approved."""
    by: str
    """`user`: a person. `auto`: a grant, the clock, or Slack. `policy`: a rule. `backend`: it was cancelled."""
    user: str | None
    """The Slack id of the person who decided."""
    grant: str | None
    """The grant that covered the request, or that the user gave with the decision."""
    reason: str | None
    """What the user wrote for the agent, or why the service ended it."""
    arguments: dict[str, Any] | None
    """The arguments as the user changed them; `None` if nothing was changed."""
    arguments_digest: str | None
    decided_at: datetime


@dataclass(frozen=True, slots=True)
class Result:
    """What came of an approved call, as it was reported."""

    status: ResultStatus
    summary: str | None
    url: str | None


@dataclass(frozen=True, slots=True)
class Permit:
    """The single use of an approval."""

    approval: str
    """The approval's id."""
    arguments_digest: str
    """The digest of the arguments that may run."""
    key: str
    """The public part of the API key that took it."""
    used_at: datetime

    @classmethod
    def from_json(cls, data: Any) -> Permit:
        """Reads what the API returns. Raises `InvalidResponse` if it is not a permit."""
        try:
            return cls(
                approval=_typed(str, data["approval"]),
                arguments_digest=_typed(str, data["arguments_digest"]),
                key=_typed(str, data["key"]),
                used_at=datetime.fromisoformat(data["used_at"]),
            )
        except (KeyError, TypeError, ValueError) as error:
            raise InvalidResponse(f"This is not a permit: {error!r}.") from error


@dataclass(frozen=True, slots=True)
class Approval:
    """One request of an agent to run an action once, and what became of it."""

    id: str
    status: Status
    user: str
    """The Slack id of the user who decides."""
    agent: str
    conversation: str
    integration: str
    action: str
    arguments: dict[str, Any]
    arguments_digest: str
    """SHA-256 over the canonical JSON (RFC 8785) of `arguments`: see `arguments_digest()`."""
    metadata: dict[str, Any] | None
    expires_at: datetime
    decision: Decision | None
    """What ended it; `None` while it is pending."""
    result: Result | None
    """What was reported after the call ran."""
    data: Mapping[str, Any] = field(repr=False, compare=False)
    """Everything that the service said."""

    @property
    def pending(self) -> bool:
        """Whether the user has yet to answer."""
        return self.status == "pending"

    @property
    def approved(self) -> bool:
        """Whether the call may run, with `final_arguments`, once."""
        return self.status == "approved"

    @property
    def final_arguments(self) -> dict[str, Any]:
        """What to run: the arguments as the user changed them, or else those that were asked for."""
        edited = self.decision.arguments if self.decision else None
        return self.arguments if edited is None else edited

    @property
    def reason(self) -> str | None:
        """Why it ended as it did, if the user or the service said."""
        return self.decision.reason if self.decision else None

    @classmethod
    def from_json(cls, data: Any) -> Approval:
        """Reads what the API returns and what webhooks carry.

        Raises `InvalidResponse` if it is not an approval, or contradicts itself.
        """
        try:
            approval = cls(
                id=_typed(str, data["id"]),
                status=_status(data["status"]),
                user=_typed(str, data["user"]),
                agent=_typed(str, data["agent"]["id"]),
                conversation=_typed(str, data["conversation"]["id"]),
                integration=_typed(str, data["integration"]),
                action=_typed(str, data["action"]),
                arguments=_typed(dict, data["arguments"]),
                arguments_digest=_typed(str, data["arguments_digest"]),
                metadata=data["metadata"],
                expires_at=datetime.fromisoformat(data["expires_at"]),
                decision=None if data["decision"] is None else _decision(data["decision"]),
                result=None if data.get("result") is None else _result(data["result"]),
                data=data,
            )
        except (KeyError, TypeError, ValueError) as error:
            raise InvalidResponse(f"Could not read the approval: {error!r}. Update this package.") from error
        outcome = approval.decision.outcome if approval.decision else "pending"
        if outcome != approval.status:
            raise InvalidResponse(f"The approval is {approval.status}, but its decision is {outcome}.")
        return approval


def _typed(kind: type[_T], value: Any) -> _T:
    if not isinstance(value, kind):
        raise TypeError(f"{value!r} is not {kind.__name__}")
    return value


def _status(value: Any) -> Status:
    if value not in get_args(Status):
        raise ValueError(f"unknown status {value!r}")
    status: Status = value
    return status


def _decision(data: Any) -> Decision:
    arguments = data["arguments"]
    return Decision(
        outcome=_status(data["outcome"]),
        scope=data["scope"],
        by=data["by"],
        user=data["user"],
        grant=data["grant"],
        reason=data["reason"],
        arguments=None if arguments is None else _typed(dict, arguments),
        arguments_digest=data["arguments_digest"],
        decided_at=datetime.fromisoformat(data["decided_at"]),
    )


def _result(data: Any) -> Result:
    return Result(status=data["status"], summary=data["summary"], url=data["url"])
