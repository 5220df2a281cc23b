"""Programs that are killed or end while a person thinks.

restarts.py inline RUN_ID          runs an agent of each stack, and prints what each did
restarts.py start RUN_ID FOLDER    starts a durable run of each form, and ends
restarts.py resume RUN_ID FOLDER   reads webhooks from standard input, continues the runs, and prints what each did
"""

from __future__ import annotations

import json
import math
import os
import sys
from collections.abc import Awaitable, Callable
from dataclasses import asdict
from functools import partial
from pathlib import Path

import anyio
from langchain.agents import create_agent
from langchain.agents.middleware import HumanInTheLoopMiddleware
from langgraph.checkpoint.sqlite.aio import AsyncSqliteSaver
from local import ALICE
from pydantic_ai import DeferredToolRequests
from stacks import (
    STACKS,
    ScriptedChatModel,
    Seen,
    Turn,
    issue,
    langchain_tool,
    openai_agent,
    openai_read,
    pydantic_agent,
)

from countersign import Approvals, AsyncCountersign, Countersign, Event, verify_webhook
from countersign.langchain import DurableRuns as LangChainRuns
from countersign.openai import DurableRuns as OpenAIRuns
from countersign.pydantic_ai import DurableRuns as PydanticRuns

TURNS: list[Turn] = [[issue("A"), issue("B")]]


def approvals(client: AsyncCountersign | Countersign | None = None) -> Approvals:
    return Approvals("atlas", user=ALICE, integration="github", client=client)


async def inline(run_id: str) -> dict[str, Seen]:
    done: dict[str, Seen] = {}

    async def run(name: str) -> None:
        done[name] = await STACKS[name](approvals(), f"{run_id}-{name}", [[issue("A")]])

    async with anyio.create_task_group() as group:
        for name in STACKS:
            group.start_soon(run, name)
    return done


class Files:
    """A store of `RunState`, in a folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    async def save(self, run_id: str, state: str) -> None:
        (self._folder / run_id).write_text(state)

    async def load(self, run_id: str) -> str | None:
        path = self._folder / run_id
        return path.read_text() if path.exists() else None

    async def take(self, run_id: str) -> str | None:
        taken = self._folder / f"{run_id}.taken"
        try:
            (self._folder / run_id).rename(taken)
        except FileNotFoundError:
            return None
        return taken.read_text()


async def durable_langchain(run_id: str, folder: Path, events: list[Event]) -> Seen:
    seen = Seen()
    model = ScriptedChatModel(turns=[list(map(dict, turn)) for turn in TURNS])
    middleware = [HumanInTheLoopMiddleware(interrupt_on={"create_issue": True}, interrupt_mode="per_call")]
    async with AsyncSqliteSaver.from_conn_string(str(folder / "langchain.sqlite")) as saver:
        agent = create_agent(model, [langchain_tool(seen)], middleware=middleware, checkpointer=saver)
        runs = LangChainRuns(agent, approvals())
        if not events:
            output = await runs.start({"messages": [("user", "Go")]}, thread_id=run_id)
            assert len(output["__interrupt__"]) == 2
        for event in events:
            await runs.resume(event)
    return Seen(seen.ran, model.read)


async def durable_openai(run_id: str, folder: Path, events: list[Event]) -> Seen:
    seen = Seen()
    agent, model = openai_agent(seen, TURNS, done=1 if events else 0)
    runs = OpenAIRuns(agent, approvals(), Files(folder))
    if not events:
        assert len((await runs.start("Go", run_id=run_id)).interruptions) == 2
    results = [await runs.resume(event) for event in events]
    if events:
        # It continues once; the events after that change nothing.
        assert sum(result is not None for result in results) == 1
        seen.read = openai_read(model, TURNS)
    return seen


async def durable_pydantic_ai(run_id: str, folder: Path, events: list[Event]) -> Seen:
    seen = Seen()
    agent = pydantic_agent(seen, TURNS, output_type=[str, DeferredToolRequests])
    runs = PydanticRuns(agent, approvals(), Files(folder))
    if not events:
        result = await runs.start("Go", run_id=run_id)
        assert isinstance(result.output, DeferredToolRequests)
    results = [await runs.resume(event) for event in events]
    assert sum(result is not None for result in results) == bool(events)
    return seen


DURABLE: dict[str, Callable[[str, Path, list[Event]], Awaitable[Seen]]] = {
    "langchain": durable_langchain,
    "openai": durable_openai,
    "pydantic-ai": durable_pydantic_ai,
}


def read_event(line: str) -> Event:
    headers, body = json.loads(line)
    return verify_webhook(body, headers, os.environ["COUNTERSIGN_WEBHOOK_SECRET"], tolerance=math.inf)


async def main(mode: str, run_id: str, folder: str = "") -> None:
    if mode == "inline":
        done = await inline(run_id)
    else:
        events = list(map(read_event, sys.stdin)) if mode == "resume" else []
        done = {}
        for name, run in DURABLE.items():
            own = [event for event in events if event.conversation == f"{run_id}-{name}"]
            done[name] = await run(f"{run_id}-{name}", Path(folder), own)
    sys.stdout.write(json.dumps({name: asdict(seen) for name, seen in done.items()}))


if __name__ == "__main__":
    anyio.run(partial(main, *sys.argv[1:]))
