"""Runs that stop while a person thinks, and continue when the webhook comes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Generic, Protocol, TypeVar

from ._approvals import Allowed, Approvals, Pending, Refused, ToolCall, raise_temporary
from ._webhook import Event

R = TypeVar("R")


class Store(Protocol):
    """Keeps runs that wait: an id and a state, which is JSON, for each. Use storage that only you can write."""

    async def save(self, run_id: str, state: str) -> None:
        """Writes the state, in place of an older one."""

    async def load(self, run_id: str) -> str | None:
        """Reads the state."""

    async def take(self, run_id: str) -> str | None:
        """Reads the state and deletes it, in one step: of several callers, one gets it."""


class DurableRuns(Generic[R]):
    """Runs of an agent that stop while a person thinks. Any process may continue them when the webhook comes.

    A run continues once all of its calls have ended. It is taken from the store first, so its tools run at most once;
    a process that is killed after that loses the run.
    """

    _editable = False

    def __init__(self, agent: Any, approvals: Approvals, store: Store, **options: Any) -> None:
        self._agent = agent
        self._approvals = approvals
        self._store = store
        self._options = options

    async def start(self, input: Any, *, run_id: str) -> R:
        """Runs the agent until it ends or a person is asked. `run_id` is also the conversation of grants."""
        return await self._proceed(await self._begin(input), run_id)

    async def resume(self, event: Event | str) -> R | None:
        """Continues the run that a webhook is about; `None` if it does not wait, or for other calls too.

        An event may come twice. A run's id in its place continues what a killed process left. Raises if the service
        can't say how the run's calls stand: answer 503, and the webhook comes again.
        """
        run_id = event if isinstance(event, str) else event.conversation
        if run_id is None:
            return None
        while (stored := await self._store.load(run_id)) is not None:
            calls = await self._calls(stored, run_id)
            verdicts = await self._approvals.poll_all(calls, editable=self._editable)
            raise_temporary(verdicts)
            ended = [verdict for verdict in verdicts if not isinstance(verdict, Pending)]
            if len(ended) < len(calls):
                return None
            taken = await self._store.take(run_id)
            if taken == stored:
                permitted = await self._approvals.use_all(calls, ended)
                return await self._proceed(await self._continue(stored, calls, permitted), run_id)
            if taken is not None:
                # Another process continued the run and saved it again.
                await self._store.save(run_id, taken)
        return None

    async def _proceed(self, result: R, run_id: str) -> R:
        """Asks about the calls that wait, and leaves the run in the store unless all of them have an answer."""
        while (state := self._state(result)) is not None:
            # Saved first: a webhook may come before the response to the last request.
            await self._store.save(run_id, state)
            calls = await self._calls(state, run_id)
            verdicts = await self._approvals.poll_all(calls, editable=self._editable)
            ended = [verdict for verdict in verdicts if not isinstance(verdict, Pending)]
            if len(ended) < len(calls) or await self._store.take(run_id) is None:
                break
            result = await self._continue(state, calls, await self._approvals.use_all(calls, ended))
        return result

    async def _begin(self, input: Any) -> R:
        """Starts a run."""
        raise NotImplementedError

    def _state(self, result: R) -> str | None:
        """What is to be stored of a run that waits; `None` if it has ended."""
        raise NotImplementedError

    async def _calls(self, state: str, run_id: str) -> list[ToolCall]:
        """The calls that a stored run waits for."""
        raise NotImplementedError

    async def _continue(self, state: str, calls: Sequence[ToolCall], verdicts: Sequence[Allowed | Refused]) -> R:
        """Continues a stored run with the answers to its calls."""
        raise NotImplementedError
