"""What every adapter does with a call of a tool: ask, wait, and say whether it may run and with which arguments."""

from __future__ import annotations

import asyncio
import functools
import hashlib
import json
import logging
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import anyio

from ._clients import RETRY_FOR, AsyncCountersign, Countersign
from ._digest import arguments_digest
from ._errors import ApiError, CountersignError, Unreachable
from ._models import Agent, Approval, Conversation, Options, Request, ResultStatus
from ._protocol import RETRIED, T, fits_header
from ._protocol import Protocol as HttpProtocol

log = logging.getLogger("countersign")

# A model that tries again makes a person decide again.
NO_RETRY = "The tool did not run. Do not retry unless the user asks."
_HAS_RUN = f"Not permitted: this call has already run, or began to, and an approval covers one call. {NO_RETRY}"
# How long the service waits for a caller that was killed. A caller that lives asks again well within it.
_ABANDON_AFTER = 60
# Cleaning up and reporting must not hold up an agent.
_BRIEFLY = 3.0
_SUMMARY_MAX = 300
_KEY_MAX = 255

# The event loop itself keeps only weak references.
_finishing: set[asyncio.Task[None]] = set()


@dataclass(frozen=True, slots=True)
class ToolCall:
    """A tool that a model wants to call."""

    name: str
    """The tool's name, as the model knows it."""
    arguments: Mapping[str, Any] = field(hash=False)
    run_id: str
    """The run of the agent: the same after a restart."""
    call_id: str
    """The call: no other call of the same run has it."""
    conversation: str
    """The conversation that a conversation grant covers."""
    context: Any = field(default=None, repr=False, compare=False)
    """The framework's own object for the run or call, for your functions."""

    @property
    def idempotency_key(self) -> str:
        """The same for the same call, so that a person is asked once, also after a restart."""
        key = f"{self.run_id}:{self.call_id}"
        return (
            key
            if len(key) <= _KEY_MAX and fits_header(key)
            else hashlib.sha256(key.encode(errors="surrogatepass")).hexdigest()
        )


@dataclass(frozen=True, slots=True)
class Pending:
    """The user has yet to answer."""

    approval: Approval


@dataclass(frozen=True, slots=True)
class Allowed:
    """The call may run: once, and with these arguments."""

    approval: Approval
    arguments: dict[str, Any]
    edited: bool
    """Whether the user changed the arguments."""


@dataclass(frozen=True, slots=True)
class Refused:
    """The call must not run."""

    message: str
    """For the model: what happened, and not to retry."""
    approval: Approval | None = None
    error: Exception | None = None
    """Why the service could not be asked, if that is the reason."""

    @property
    def temporary(self) -> bool:
        """Whether the same call may be allowed when it is asked about again."""
        error = self.error
        return isinstance(error, Unreachable) or (isinstance(error, ApiError) and error.status in RETRIED)


class Summarize(Protocol):
    """Says in a few words what came of a call; `None` for nothing."""

    def __call__(self, call: ToolCall, output: Any, /) -> str | None: ...


class Approvals:
    """Asks about an agent's tool calls: settings say who decides, and which actions the tools are.

    `agent` is the agent's id, or its id and name. `user` is the Slack id or email address of the person who decides, or
    a function of the call; leave it out with an API key that is bound to a user.

    `integration` is the integration whose actions the tools are. `tools` names the actions of single tools, as
    `{"open_issue": "github.create_issue"}`; a slash separates the keys if the action's has a dot
    (`"claude.mcp/github.create_issue"`).

    `options` gives further members of the request, such as its `reason`. `summarize` says what is shown in Slack about
    the output of a tool; without it, only whether the tool succeeded. `client` is the client to use, of either kind.
    """

    def __init__(
        self,
        agent: str | Agent,
        *,
        user: str | Callable[[ToolCall], str] | None = None,
        integration: str | None = None,
        tools: Mapping[str, str] | None = None,
        expires_in: int | None = None,
        options: Callable[[ToolCall], Options] | None = None,
        summarize: Summarize | None = None,
        client: AsyncCountersign | Countersign | None = None,
    ) -> None:
        self._agent = agent
        self._user = user
        self._integration = integration
        self._tools = {name: _parsed(text) for name, text in (tools or {}).items()}
        self._expires_in = expires_in
        self._options = options
        self._summarize = summarize
        other = client._protocol if client else HttpProtocol(None, None, RETRY_FOR)
        settings = (other.url, other.api_key)
        self._client = (
            client if isinstance(client, AsyncCountersign) else AsyncCountersign(*settings, retry_for=other.retry_for)
        )
        self._blocking = (
            client if isinstance(client, Countersign) else Countersign(*settings, retry_for=other.retry_for)
        )

    async def decide(
        self, call: ToolCall, *, editable: bool = False, use: bool = True, repeatable: bool = False
    ) -> Allowed | Refused:
        """Asks, waits for the answer, and takes the permit: run the call now. Never raises because of the service.

        Cancelling this cancels the approval. `editable`: the caller runs the arguments of `Allowed`, which the user may
        have changed. `use`: whether to take the permit; without it, call `use` before you run the call. `repeatable` is
        described there.
        """
        verdict = await self._decide(call, editable=editable)
        return await self.use(call, verdict, repeatable=repeatable) if use else verdict

    async def _decide(self, call: ToolCall, *, editable: bool) -> Allowed | Refused:
        approval = asked = None
        try:
            asked = key, request = self._request(call, editable=editable, inline=True)
            approval = await self._client.ask(idempotency_key=key, **request)
            approval = await self._client.wait(approval)
            return _ended(self._judge(call, approval, editable=editable))
        except anyio.get_cancelled_exc_class():
            await _to_its_end(self._withdraw(approval, asked))
            raise
        except Exception as error:
            await self._withdraw(approval)
            return refuse(error)

    def decide_blocking(
        self, call: ToolCall, *, editable: bool = False, use: bool = True, repeatable: bool = False
    ) -> Allowed | Refused:
        """The blocking form of `decide`."""
        verdict = self._decide_blocking(call, editable=editable)
        if not use or isinstance(verdict, Refused):
            return verdict
        try:
            key = _permit_key(call, repeatable=repeatable)
            permit = self._blocking.use(verdict.approval, verdict.arguments, idempotency_key=key)
        except Exception as error:
            return _not_permitted(verdict, error)
        return _once(verdict, repeats=permit is None or repeatable)

    def _decide_blocking(self, call: ToolCall, *, editable: bool) -> Allowed | Refused:
        approval = asked = None
        try:
            asked = key, request = self._request(call, editable=editable, inline=True)
            approval = self._blocking.ask(idempotency_key=key, **request)
            approval = self._blocking.wait(approval)
            return _ended(self._judge(call, approval, editable=editable))
        except Exception as error:
            self._withdraw_blocking(approval)
            return refuse(error)
        except BaseException:
            self._withdraw_blocking(approval, asked)
            raise

    async def poll(self, call: ToolCall, *, editable: bool = False) -> Allowed | Refused | Pending:
        """Asks, unless it has asked before, and does not wait. For agents that stop while a person decides.

        Call `use` before you run a call that is allowed.
        """
        try:
            key, request = self._request(call, editable=editable, inline=False)
            approval = await self._client.ask(idempotency_key=key, **request)
            return self._judge(call, approval, editable=editable)
        except Exception as error:
            return refuse(error)

    async def decide_all(self, calls: Sequence[ToolCall], *, editable: bool = False) -> list[Allowed | Refused]:
        """Asks about all calls at once, waits for all answers, and takes the permits: run the calls now."""
        jobs = [functools.partial(self._decide, call, editable=editable) for call in calls]
        return await self.use_all(calls, await at_once(jobs))

    async def use(self, call: ToolCall, verdict: Allowed | Refused, *, repeatable: bool = False) -> Allowed | Refused:
        """Takes the permit of a call that is allowed, right before it runs. What comes back says whether it may.

        Each approval has one permit, so a call whose permit was taken before does not run again: after a crash, no one
        knows whether it ran. `repeatable`: the call itself gets its permit again, until its result is reported. For
        frameworks that begin a tool anew when it goes on.
        """
        if isinstance(verdict, Refused):
            return verdict
        try:
            key = _permit_key(call, repeatable=repeatable)
            permit = await self._client.use(verdict.approval, verdict.arguments, idempotency_key=key)
        except Exception as error:
            return _not_permitted(verdict, error)
        return _once(verdict, repeats=permit is None or repeatable)

    async def use_all(
        self, calls: Sequence[ToolCall], verdicts: Sequence[Allowed | Refused]
    ) -> list[Allowed | Refused]:
        """Takes the permits of all calls that are allowed, right before they run."""
        pairs = zip(calls, verdicts, strict=True)
        return await at_once([functools.partial(self.use, call, verdict) for call, verdict in pairs])

    async def poll_all(self, calls: Sequence[ToolCall], *, editable: bool = False) -> list[Allowed | Refused | Pending]:
        """Polls all calls at once."""
        return await at_once([functools.partial(self.poll, call, editable=editable) for call in calls])

    async def report(self, call: ToolCall, approval: str | Approval, status: ResultStatus, output: Any = None) -> None:
        """Tells the person who approved what came of the call. Does nothing if the service can't be reached."""
        try:
            summary = self._summary(call, output)
            await self._client._run(self._client._protocol.report(approval, status, summary, None, _BRIEFLY))
        except Exception as error:
            log.warning("Could not report the result of a call: %s", error)

    def report_blocking(
        self, call: ToolCall, approval: str | Approval, status: ResultStatus, output: Any = None
    ) -> None:
        """The blocking form of `report`."""
        try:
            summary = self._summary(call, output)
            self._blocking._run(self._blocking._protocol.report(approval, status, summary, None, _BRIEFLY))
        except Exception as error:
            log.warning("Could not report the result of a call: %s", error)

    def _request(self, call: ToolCall, *, editable: bool, inline: bool) -> tuple[str, Request]:
        if not call.call_id:
            # Calls without ids would share an approval.
            raise ValueError(f"the call of {call.name} has no id")
        integration, action = self._action(call)
        request = Request(
            agent=self._agent,
            conversation=Conversation(id=call.conversation),
            integration=integration,
            action=action,
            arguments=call.arguments,
            editable=editable,
        )
        user = self._user(call) if callable(self._user) else self._user
        if user is not None:
            request["user"] = user
        if self._expires_in is not None:
            request["expires_in"] = self._expires_in
        if inline:
            request["abandon_after"] = _ABANDON_AFTER
        if self._options:
            request = {**request, **self._options(call)}
        return call.idempotency_key, request

    def _action(self, call: ToolCall) -> tuple[str, str]:
        """The keys of integration and action."""
        if action := self._tools.get(call.name):
            return action
        if self._integration is None:
            raise ValueError(f"no action is configured for the tool {call.name}")
        return self._integration, call.name

    def _judge(self, call: ToolCall, approval: Approval, *, editable: bool) -> Allowed | Refused | Pending:
        """What an approval means for the call that it should be of."""
        if approval.pending:
            return Pending(approval)
        decision = approval.decision
        if not approval.approved or decision is None:
            return Refused(_not_approved(approval), approval)
        edited = decision.arguments is not None
        arguments = dict(approval.final_arguments if edited else call.arguments)
        digest = decision.arguments_digest if edited else approval.arguments_digest
        if (
            (approval.integration, approval.action) != self._action(call)
            or approval.arguments_digest != arguments_digest(call.arguments)
            or digest != arguments_digest(arguments)
            or (edited and not editable)
        ):
            return Refused(f"Not approved: it was approved for another call. {NO_RETRY}", approval)
        return Allowed(approval, arguments, edited)

    def _summary(self, call: ToolCall, output: Any) -> str | None:
        text = self._summarize(call, output) if self._summarize else None
        return text[:_SUMMARY_MAX] if text else None

    async def _withdraw(self, approval: Approval | None, asked: tuple[str, Request] | None = None) -> None:
        """Cancels what will not run, whatever the user clicks.

        `asked` is a request whose response did not come: with the same key, it finds its approval.
        """
        with anyio.move_on_after(_BRIEFLY):
            try:
                if approval is None and asked:
                    approval = await self._client._run(self._client._protocol.ask(*asked, _BRIEFLY))
                if approval and approval.pending:
                    await self._client._run(self._client._protocol.cancel(approval, _BRIEFLY))
            except Exception as error:
                log.warning("Could not cancel the approval %s: %s", approval.id if approval else "", error)

    def _withdraw_blocking(self, approval: Approval | None, asked: tuple[str, Request] | None = None) -> None:
        try:
            if approval is None and asked:
                approval = self._blocking._run(self._blocking._protocol.ask(*asked, _BRIEFLY))
            if approval and approval.pending:
                self._blocking._run(self._blocking._protocol.cancel(approval, _BRIEFLY))
        except Exception as error:
            log.warning("Could not cancel the approval %s: %s", approval.id if approval else "", error)


def refuse(error: Exception) -> Refused:
    """The refusal of a call that could not be asked about."""
    what = str(error) or type(error).__name__
    return Refused(f"Not approved: {what.rstrip('.')}. {NO_RETRY}", error=error)


def _permit_key(call: ToolCall, *, repeatable: bool) -> str | None:
    return call.idempotency_key if repeatable else None


def _once(verdict: Allowed, *, repeats: bool) -> Allowed | Refused:
    """Refuses what has run, where taking the permit does not tell: it may be taken again, or the service has none."""
    return Refused(_HAS_RUN, verdict.approval) if repeats and verdict.approval.result else verdict


def _not_permitted(verdict: Allowed, error: Exception) -> Refused:
    """The refusal of a call that was approved."""
    if isinstance(error, ApiError) and error.type == "permit-used":
        return Refused(_HAS_RUN, verdict.approval, error)
    what = error.title if isinstance(error, ApiError) else str(error) or type(error).__name__
    return Refused(f"Not permitted to run: {what.rstrip('.')}. {NO_RETRY}", verdict.approval, error)


def raise_temporary(verdicts: Sequence[Allowed | Refused | Pending]) -> None:
    """Raises the error of a call whose state could not be read, but may be later."""
    for verdict in verdicts:
        if isinstance(verdict, Refused) and verdict.temporary and verdict.error:
            raise verdict.error


def edit_notice(arguments: Mapping[str, Any]) -> str:
    """What the model is told before the output of a call whose arguments the user changed."""
    text = json.dumps(arguments, ensure_ascii=False)
    return f"The user changed the arguments before approving. The tool ran with: {text}"


def _not_approved(approval: Approval) -> str:
    decision = approval.decision
    who = (decision.user if decision else None) or approval.user
    by_rule = decision is not None and decision.by == "policy"
    what = {
        "denied": "denied by a rule of the workspace's admins" if by_rule else f"denied by the user {who} in Slack",
        "expired": "the request for approval expired before the user answered",
        "cancelled": "the request for approval was cancelled",
        "undeliverable": "Slack could not deliver the request for approval",
    }[approval.status]
    reason = f" Reason: “{approval.reason}”." if approval.reason else ""
    return f"Not approved: {what}.{reason} {NO_RETRY}"


def _ended(verdict: Allowed | Refused | Pending) -> Allowed | Refused:
    if isinstance(verdict, Pending):
        raise CountersignError("the user has not answered")
    return verdict


async def _to_its_end(work: Coroutine[Any, Any, None]) -> None:
    """Runs this to its end, even if the task that waits for it is cancelled."""
    with anyio.CancelScope(shield=True):
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            # Trio: nothing cancels what is in a shielded scope.
            await work
            return
        # Frameworks may cancel a task several times, which the scope does not keep away.
        task = loop.create_task(work)
        _finishing.add(task)
        task.add_done_callback(_finishing.discard)
        await asyncio.shield(task)


async def at_once(jobs: Sequence[Callable[[], Awaitable[T]]]) -> list[T]:
    """What each job gives, in the order of the jobs, which run at the same time."""
    given: dict[int, T] = {}

    async def run(index: int) -> None:
        given[index] = await jobs[index]()

    async with anyio.create_task_group() as group:
        for index in range(len(jobs)):
            group.start_soon(run, index)
    return [given[index] for index in range(len(jobs))]


def _parsed(text: str) -> tuple[str, str]:
    integration, found, action = text.partition("/") if "/" in text else text.rpartition(".")
    if not found:
        raise ValueError(f"{text!r} is not an action: write integration.action")
    return integration, action
