"""The calls of the API, without input and output: each is a generator of requests and pauses.

`_clients` runs them, with blocking or asynchronous I/O.
"""

from __future__ import annotations

import json
import math
import os
import random
import time
import uuid
from collections.abc import Generator, Mapping
from dataclasses import dataclass
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import Any, TypeVar

import httpx

from ._digest import arguments_digest
from ._errors import ApiError, CountersignError, InvalidResponse, Unreachable
from ._models import Agent, Approval, Conversation, Permit, Request, ResultStatus
from ._version import __version__

T = TypeVar("T")

# The longest that the service lets a call wait is 55 s.
_POLL = 50
RETRIED = frozenset({408, 425, 429, 500, 502, 503, 504})
_NOT_FOUND = 404
_CONFLICT = 409
_LONGEST_PAUSE = 5.0


@dataclass(frozen=True, slots=True)
class Send:
    """An HTTP request to send."""

    method: str
    url: str
    headers: Mapping[str, str]
    content: bytes | None
    read_timeout: float


@dataclass(frozen=True, slots=True)
class Pause:
    """A time to wait before the next step."""

    seconds: float


Steps = Generator[Send | Pause, httpx.Response | None, T]


class Protocol:
    """The calls of one backend."""

    def __init__(self, url: str | None, api_key: str | None, retry_for: float) -> None:
        # Secrets that are read from files often end in a line break.
        url = (url or os.environ.get("COUNTERSIGN_URL") or "").strip()
        api_key = (api_key or os.environ.get("COUNTERSIGN_API_KEY") or "").strip()
        if not url or not api_key:
            raise ValueError("Set COUNTERSIGN_URL and COUNTERSIGN_API_KEY, or pass url and api_key.")
        if httpx.URL(url).scheme not in ("http", "https"):
            raise ValueError(f"{url!r} is not an http or https URL.")
        if not fits_header(api_key):
            # The HTTP library would quote the key in its error, which models and logs get to read.
            raise ValueError("The API key is not valid: it looks like cs_…")
        self.url = url.rstrip("/")
        self.api_key = api_key
        self.retry_for = retry_for
        self._headers = {
            "authorization": f"Bearer {api_key}",
            "user-agent": f"countersign-python/{__version__}",
        }

    def ask(self, idempotency_key: str | None, request: Request, retry_for: float | None = None) -> Steps[Approval]:
        agent, conversation = request["agent"], request["conversation"]
        body: dict[str, Any] = {
            **request,
            "agent": Agent(id=agent) if isinstance(agent, str) else agent,
            "conversation": Conversation(id=conversation) if isinstance(conversation, str) else conversation,
        }
        # The key makes it safe to send the request again if a response is lost.
        key = idempotency_key or str(uuid.uuid4())
        if not fits_header(key):
            raise ValueError(f"The idempotency key {key!r} is not printable ASCII without spaces at its ends.")
        data = yield from self._call("POST", "/v1/approvals", body, idempotency_key=key, retry_for=retry_for)
        return Approval.from_json(data)

    def get(self, approval: str | Approval, wait: int = 0, retry_for: float | None = None) -> Steps[Approval]:
        query = f"?wait={wait}" if wait else ""
        data = yield from self._call("GET", f"{_path(approval)}{query}", patience=wait, retry_for=retry_for)
        return Approval.from_json(data)

    def wait(self, approval: str | Approval, timeout: float | None) -> Steps[Approval]:
        end = math.inf if timeout is None else time.monotonic() + timeout
        if isinstance(approval, str):
            approval = yield from self.get(approval)
        # Outages are waited out for as long as a person could have answered.
        expiry = time.monotonic() + _lifetime(approval)
        while approval.pending and (left := end - time.monotonic()) > 0:
            began = time.monotonic()
            outage = min(left, max(expiry - began, self.retry_for))
            approval = yield from self.get(approval, wait=math.ceil(min(left, _POLL)), retry_for=outage)
            if approval.pending and time.monotonic() - began < 1 < left:
                # A service that does not let the call wait, for instance because it is shutting down.
                yield Pause(1)
        return approval

    def cancel(self, approval: str | Approval, retry_for: float | None = None) -> Steps[Approval]:
        try:
            data = yield from self._call("POST", f"{_path(approval)}/cancel", retry_for=retry_for)
        except ApiError as error:
            if error.status != _CONFLICT:
                raise
            # It has already ended; how, the service says.
            return (yield from self.get(approval))
        return Approval.from_json(data)

    def use(
        self, approval: str | Approval, arguments: Mapping[str, Any], idempotency_key: str | None
    ) -> Steps[Permit | None]:
        # Of what is about to run, not what the service said was approved.
        digest = arguments_digest(arguments)
        key = idempotency_key or str(uuid.uuid4())
        body = {"arguments_digest": digest}
        try:
            data = yield from self._call("POST", f"{_path(approval)}/use", body, idempotency_key=key)
        except ApiError as error:
            if (error.status, error.type) != (_NOT_FOUND, "unknown-path"):
                raise
            return None
        permit = Permit.from_json(data)
        if permit.approval not in (approval, getattr(approval, "id", None)) or permit.arguments_digest != digest:
            raise InvalidResponse("This is the permit of another call.")
        return permit

    def report(
        self,
        approval: str | Approval,
        status: ResultStatus,
        summary: str | None,
        url: str | None,
        retry_for: float | None = None,
    ) -> Steps[None]:
        body = {"status": status, "summary": summary, "url": url}
        yield from self._call("POST", f"{_path(approval)}/result", body, retry_for=retry_for)

    def _call(
        self,
        method: str,
        path: str,
        body: Mapping[str, Any] | None = None,
        *,
        idempotency_key: str | None = None,
        patience: float = 0,
        retry_for: float | None = None,
    ) -> Steps[Any]:
        """Sends a request, and sends it again while the service is busy or can't be reached.

        `patience` is how many seconds the service may take on purpose.
        """
        headers = dict(self._headers)
        content = None
        if body is not None:
            headers["content-type"] = "application/json"
            content = json.dumps(body, allow_nan=False, ensure_ascii=False).encode()
        if idempotency_key is not None:
            headers["idempotency-key"] = idempotency_key
        send = Send(method, self.url + path, headers, content, read_timeout=patience + 15)
        first, attempt = None, 0
        while True:
            failure: CountersignError
            wanted = None
            try:
                response = yield send
            except httpx.RequestError as error:
                failure = Unreachable(f"Could not reach Countersign: {str(error) or type(error).__name__}.")
                failure.__cause__ = error
            else:
                assert response is not None, "the client gives a response for each request"  # noqa: S101
                if response.is_success:
                    return _json(response)
                failure = ApiError.from_response(response)
                if response.status_code not in RETRIED:
                    raise failure
                wanted = _retry_after(response)
            # Counted from the first failure: a call may have waited long before it.
            first = first or time.monotonic()
            # At least as long as without `Retry-After`: with a clock that is ahead, its date may have passed.
            pause = max(wanted or 0, min(0.25 * 2**attempt, _LONGEST_PAUSE) * random.uniform(0.5, 1))  # noqa: S311
            budget = self.retry_for if retry_for is None else retry_for
            if time.monotonic() + pause > first + budget:
                raise failure
            yield Pause(pause)
            attempt += 1


def _path(approval: str | Approval) -> str:
    approval_id = approval if isinstance(approval, str) else approval.id
    if not approval_id.replace("_", "").isalnum():
        raise ValueError(f"{approval_id!r} is not the id of an approval.")
    return f"/v1/approvals/{approval_id}"


def _lifetime(approval: Approval) -> float:
    """How many seconds the user has to answer, by the service's clock: this machine's may differ."""
    try:
        return (approval.expires_at - datetime.fromisoformat(approval.data["created_at"])).total_seconds()
    except (KeyError, TypeError, ValueError):
        return 0


def _json(response: httpx.Response) -> Any:
    try:
        return response.json()
    except (ValueError, RecursionError) as error:
        raise InvalidResponse(
            "Could not read the response: it is not JSON. Check that COUNTERSIGN_URL is the service's address."
        ) from error


def _retry_after(response: httpx.Response) -> float | None:
    value = response.headers.get("retry-after", "")
    if value.isascii() and value.isdigit():
        return float(value)
    try:
        return max(0.0, parsedate_to_datetime(value).timestamp() - time.time())
    except (ValueError, OverflowError):
        return None


def fits_header(text: str) -> bool:
    """Whether this can be the value of a header as it is."""
    return text.isascii() and text.isprintable() and text == text.strip()
