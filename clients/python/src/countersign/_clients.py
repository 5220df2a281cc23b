"""The clients: blocking and asynchronous, with the same calls."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any, Unpack

import anyio
import httpx
from anyio.lowlevel import RunVar

from ._models import Approval, Permit, Request, ResultStatus
from ._protocol import Pause, Protocol, Send, Steps, T

# Each call that waits for a person has a connection of its own.
_LIMITS = httpx.Limits(max_connections=None, max_keepalive_connections=20)
RETRY_FOR = 30.0


def _timeout(send: Send) -> httpx.Timeout:
    return httpx.Timeout(10, read=send.read_timeout, pool=None)


class Countersign:
    """A blocking client of Countersign's API.

    `url` and `api_key` default to the variables COUNTERSIGN_URL and COUNTERSIGN_API_KEY. A call that finds the service
    busy or unreachable is sent again, with growing pauses or as `Retry-After` says, for `retry_for` seconds; then it
    raises `ApiError` or `Unreachable`. `http` is your own `httpx.Client`; you close it.
    """

    def __init__(
        self,
        url: str | None = None,
        api_key: str | None = None,
        *,
        retry_for: float = RETRY_FOR,
        http: httpx.Client | None = None,
    ) -> None:
        self._protocol = Protocol(url, api_key, retry_for)
        self._owned = http is None
        self._http = http or httpx.Client(limits=_LIMITS)

    def ask(self, *, idempotency_key: str | None = None, **request: Unpack[Request]) -> Approval:
        """Asks. The approval is already `approved` if a grant covers the request; otherwise wait for it.

        With your own `idempotency_key`, the same request finds its approval again, also after a restart.
        """
        return self._run(self._protocol.ask(idempotency_key, request))

    def get(self, approval: str | Approval) -> Approval:
        """The approval as it is now."""
        return self._run(self._protocol.get(approval))

    def wait(self, approval: str | Approval, timeout: float | None = None) -> Approval:
        """Waits until the approval has ended, or for `timeout` seconds: then it is still `pending`."""
        return self._run(self._protocol.wait(approval, timeout))

    def cancel(self, approval: str | Approval) -> Approval:
        """Cancels the approval, and gives it as it then is. One that has already ended stays as it is."""
        return self._run(self._protocol.cancel(approval))

    def use(
        self, approval: str | Approval, arguments: Mapping[str, Any], *, idempotency_key: str | None = None
    ) -> Permit | None:
        """Takes the permit to run the call once, with these arguments. Call it right before the call runs.

        Raises `ApiError` if the call must not run: the permit was used, has lapsed, or is for other arguments, or the
        auto-approval behind it was turned off. `None`: the service is older than permits, and the approval is enough.
        """
        return self._run(self._protocol.use(approval, arguments, idempotency_key))

    def report(
        self,
        approval: str | Approval,
        status: ResultStatus,
        *,
        summary: str | None = None,
        url: str | None = None,
    ) -> None:
        """Tells the person who approved what came of the call: a summary of up to 300 characters, a link."""
        self._run(self._protocol.report(approval, status, summary, url))

    def close(self) -> None:
        """Closes the connections."""
        if self._owned:
            self._http.close()

    def __enter__(self) -> Countersign:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _run(self, steps: Steps[T]) -> T:
        try:
            step = next(steps)
            while True:
                if isinstance(step, Pause):
                    time.sleep(step.seconds)
                    step = steps.send(None)
                    continue
                try:
                    response = self._http.request(
                        step.method,
                        step.url,
                        headers=dict(step.headers),
                        content=step.content,
                        timeout=_timeout(step),
                    )
                except httpx.RequestError as error:
                    step = steps.throw(error)
                else:
                    step = steps.send(response)
        except StopIteration as end:
            value: T = end.value
            return value


class AsyncCountersign:
    """`Countersign` for asyncio and Trio, with the same calls. One client may be used in several event loops."""

    def __init__(
        self,
        url: str | None = None,
        api_key: str | None = None,
        *,
        retry_for: float = RETRY_FOR,
        http: httpx.AsyncClient | None = None,
    ) -> None:
        self._protocol = Protocol(url, api_key, retry_for)
        self._given = http
        # Connections belong to the event loop that opened them.
        self._own: RunVar[httpx.AsyncClient] = RunVar("countersign_http")

    async def ask(self, *, idempotency_key: str | None = None, **request: Unpack[Request]) -> Approval:
        """Asks: see `Countersign.ask`."""
        return await self._run(self._protocol.ask(idempotency_key, request))

    async def get(self, approval: str | Approval) -> Approval:
        """The approval as it is now."""
        return await self._run(self._protocol.get(approval))

    async def wait(self, approval: str | Approval, timeout: float | None = None) -> Approval:
        """Waits until the approval has ended, or for `timeout` seconds: then it is still `pending`."""
        return await self._run(self._protocol.wait(approval, timeout))

    async def cancel(self, approval: str | Approval) -> Approval:
        """Cancels the approval, and gives it as it then is. One that has already ended stays as it is."""
        return await self._run(self._protocol.cancel(approval))

    async def use(
        self, approval: str | Approval, arguments: Mapping[str, Any], *, idempotency_key: str | None = None
    ) -> Permit | None:
        """Takes the permit to run the call once, with these arguments: see `Countersign.use`."""
        return await self._run(self._protocol.use(approval, arguments, idempotency_key))

    async def report(
        self,
        approval: str | Approval,
        status: ResultStatus,
        *,
        summary: str | None = None,
        url: str | None = None,
    ) -> None:
        """Tells the person who approved what came of the call: a summary of up to 300 characters, a link."""
        await self._run(self._protocol.report(approval, status, summary, url))

    async def aclose(self) -> None:
        """Closes the connections of this event loop."""
        if http := self._own.get(None):
            await http.aclose()

    async def __aenter__(self) -> AsyncCountersign:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    def _http(self) -> httpx.AsyncClient:
        if self._given:
            return self._given
        http = self._own.get(None)
        if http is None or http.is_closed:
            http = httpx.AsyncClient(limits=_LIMITS)
            self._own.set(http)
        return http

    async def _run(self, steps: Steps[T]) -> T:
        try:
            step = next(steps)
            while True:
                if isinstance(step, Pause):
                    await anyio.sleep(step.seconds)
                    step = steps.send(None)
                    continue
                try:
                    response = await self._http().request(
                        step.method,
                        step.url,
                        headers=dict(step.headers),
                        content=step.content,
                        timeout=_timeout(step),
                    )
                except httpx.RequestError as error:
                    step = steps.throw(error)
                else:
                    step = steps.send(response)
        except StopIteration as end:
            value: T = end.value
            return value
