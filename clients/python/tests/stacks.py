"""The agent frameworks, each with a model that follows a script: what ran, and what the model then read."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from dataclasses import dataclass, field
from typing import Any, TypedDict
from uuid import uuid4

import anyio
from agents import Agent as OpenAIAgent
from agents import function_tool, set_tracing_disabled
from agents.testing import ScriptedModel, assistant_message, function_call
from claude_agent_sdk import ClaudeAgentOptions, ClaudeSDKClient, Transport
from langchain.agents import create_agent
from langchain.agents.middleware import HumanInTheLoopMiddleware
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage, ToolMessage
from langchain_core.outputs import ChatGeneration, ChatResult
from langchain_core.tools import BaseTool, tool
from langgraph.checkpoint.memory import InMemorySaver
from pydantic_ai import Agent as PydanticAgent
from pydantic_ai.messages import ModelMessage, ModelResponse, TextPart, ToolCallPart, ToolReturnPart
from pydantic_ai.models.function import AgentInfo, FunctionModel

from countersign import Approvals
from countersign.claude import ClaudeApprovals
from countersign.langchain import ApprovalMiddleware
from countersign.langchain import run_with_approvals as run_langchain_with_approvals
from countersign.openai import run_with_approvals
from countersign.pydantic_ai import ApprovalCapability

set_tracing_disabled(True)


class Issue(TypedDict):
    owner: str
    repo: str
    title: str


Turn = Sequence[Issue]
"""The issues that the model wants to open at once."""


@dataclass
class Seen:
    """What a run did."""

    ran: list[Issue] = field(default_factory=list)
    """What was really opened."""
    read: list[list[str]] = field(default_factory=list)
    """What the model read after each turn, in the order of its calls."""


Run = Callable[[Approvals, str, Sequence[Turn]], Coroutine[Any, Any, Seen]]
"""Runs an agent: with these approvals, under this id, and a model that makes these turns."""


def issue(title: str) -> Issue:
    return Issue(owner="acme", repo="checkout", title=title)


def call_id(turn: int, index: int) -> str:
    return f"call_{turn}_{index}"


class ScriptedChatModel(BaseChatModel):
    """LangChain's kind of model. It goes by the messages that there are, so it survives a restart."""

    turns: list[list[dict[str, Any]]]
    read: list[list[str]] = []  # noqa: RUF012 pydantic copies it

    @property
    def _llm_type(self) -> str:
        return "scripted"

    def bind_tools(self, tools: Any, **_: Any) -> ScriptedChatModel:
        return self

    def _generate(self, messages: list[BaseMessage], *_: Any, **__: Any) -> ChatResult:
        turn = sum(isinstance(message, AIMessage) for message in messages)
        if turn:
            outputs = {one.tool_call_id: str(one.content) for one in messages if isinstance(one, ToolMessage)}
            self.read.append([outputs[call_id(turn - 1, index)] for index in range(len(self.turns[turn - 1]))])
        message = AIMessage("Done.")
        if turn < len(self.turns):
            calls = [
                {"name": "create_issue", "args": args, "id": call_id(turn, index)}
                for index, args in enumerate(self.turns[turn])
            ]
            message = AIMessage("", tool_calls=calls)
        return ChatResult(generations=[ChatGeneration(message=message)])


def langchain_tool(seen: Seen) -> BaseTool:
    @tool
    def create_issue(owner: str, repo: str, title: str) -> str:
        """Opens an issue."""
        seen.ran.append(Issue(owner=owner, repo=repo, title=title))
        return f"Opened {title}"

    return create_issue


async def langchain(approvals: Approvals, run_id: str, turns: Sequence[Turn]) -> Seen:
    """The middleware, asynchronous."""
    seen = Seen()
    model = ScriptedChatModel(turns=[list(map(dict, turn)) for turn in turns], read=seen.read)
    middleware = [ApprovalMiddleware(approvals)]
    agent: Any = create_agent(model, [langchain_tool(seen)], middleware=middleware, checkpointer=InMemorySaver())
    await agent.ainvoke({"messages": [("user", "Go")]}, {"configurable": {"thread_id": run_id}})
    seen.read = model.read
    return seen


async def langchain_blocking(approvals: Approvals, run_id: str, turns: Sequence[Turn]) -> Seen:
    """The middleware, in an agent that blocks."""
    seen = Seen()
    model = ScriptedChatModel(turns=[list(map(dict, turn)) for turn in turns])
    middleware = [ApprovalMiddleware(approvals, tools=["create_issue"])]
    agent: Any = create_agent(model, [langchain_tool(seen)], middleware=middleware, checkpointer=InMemorySaver())
    config = {"configurable": {"thread_id": run_id}}
    await anyio.to_thread.run_sync(lambda: agent.invoke({"messages": [("user", "Go")]}, config))
    seen.read = model.read
    return seen


async def langchain_interrupts(approvals: Approvals, run_id: str, turns: Sequence[Turn]) -> Seen:
    """LangChain's own middleware, whose interrupts are answered."""
    seen = Seen()
    model = ScriptedChatModel(turns=[list(map(dict, turn)) for turn in turns])
    middleware = [HumanInTheLoopMiddleware(interrupt_on={"create_issue": True}, interrupt_mode="per_call")]
    agent = create_agent(model, [langchain_tool(seen)], middleware=middleware, checkpointer=InMemorySaver())
    await run_langchain_with_approvals(agent, {"messages": [("user", "Go")]}, approvals, thread_id=run_id)
    seen.read = model.read
    return seen


def openai_agent(seen: Seen, turns: Sequence[Turn], done: int = 0) -> tuple[OpenAIAgent, ScriptedModel]:
    @function_tool(needs_approval=True)
    def create_issue(owner: str, repo: str, title: str) -> str:
        """Opens an issue."""
        seen.ran.append(Issue(owner=owner, repo=repo, title=title))
        return f"Opened {title}"

    steps = [
        [function_call("create_issue", dict(args), call_id=call_id(number, index)) for index, args in enumerate(turn)]
        for number, turn in enumerate(turns)
    ]
    model = ScriptedModel([*steps[done:], [assistant_message("Done.")]])
    return OpenAIAgent(name="Atlas", model=model, tools=[create_issue]), model


def openai_read(model: ScriptedModel, turns: Sequence[Turn]) -> list[list[str]]:
    assert model.last_call
    items = [item for item in model.last_call.input if isinstance(item, dict)]
    outputs = {item["call_id"]: item["output"] for item in items if item.get("type") == "function_call_output"}
    return [[str(outputs[call_id(number, index)]) for index in range(len(turn))] for number, turn in enumerate(turns)]


async def openai(approvals: Approvals, run_id: str, turns: Sequence[Turn]) -> Seen:
    seen = Seen()
    agent, model = openai_agent(seen, turns)
    await run_with_approvals(agent, "Go", approvals, run_id=run_id)
    seen.read = openai_read(model, turns)
    return seen


def pydantic_agent(seen: Seen, turns: Sequence[Turn], **options: Any) -> PydanticAgent[None, Any]:
    def model(messages: list[ModelMessage], info: AgentInfo) -> ModelResponse:
        turn = sum(isinstance(message, ModelResponse) for message in messages)
        if turn:
            parts = [part for part in messages[-1].parts if isinstance(part, ToolReturnPart)]
            outputs = {part.tool_call_id: part.model_response_str() for part in parts}
            seen.read.append([outputs[call_id(turn - 1, index)] for index in range(len(turns[turn - 1]))])
        if turn < len(turns):
            calls = enumerate(turns[turn])
            return ModelResponse(
                [ToolCallPart("create_issue", dict(args), call_id(turn, index)) for index, args in calls]
            )
        return ModelResponse([TextPart("Done.")])

    agent: PydanticAgent[None, Any] = PydanticAgent(FunctionModel(model), **options)

    @agent.tool_plain(requires_approval=True)
    def create_issue(owner: str, repo: str, title: str) -> str:
        """Opens an issue."""
        seen.ran.append(Issue(owner=owner, repo=repo, title=title))
        return f"Opened {title}"

    return agent


async def pydantic_ai(approvals: Approvals, run_id: str, turns: Sequence[Turn]) -> Seen:
    seen = Seen()
    agent = pydantic_agent(seen, turns, capabilities=[ApprovalCapability(approvals)])
    await agent.run("Go", conversation_id=run_id, run_id=run_id)
    return seen


class ScriptedClaude(Transport):
    """Claude Code's side of the SDK's control protocol, with a model that follows a script."""

    def __init__(self, turns: Sequence[Turn], seen: Seen) -> None:
        self._turns = turns
        self._seen = seen
        self._hooks: dict[str, list[str]] = {}
        self._answers: dict[str, anyio.Event] = {}
        self._responses: dict[str, Any] = {}
        self._send, self._receive = anyio.create_memory_object_stream[dict[str, Any]](1000)

    async def connect(self) -> None: ...
    async def end_input(self) -> None: ...
    def is_ready(self) -> bool:
        return True

    async def close(self) -> None:
        self._send.close()

    async def write(self, data: str) -> None:
        message = json.loads(data)
        if message["type"] == "control_request":
            request = message["request"]
            for event, matchers in (request.get("hooks") or {}).items():
                self._hooks[event] = [one for matcher in matchers for one in matcher["hookCallbackIds"]]
            answer = {"subtype": "success", "request_id": message["request_id"], "response": {}}
            await self._send.send({"type": "control_response", "response": answer})
        elif message["type"] == "control_response":
            self._responses[message["response"]["request_id"]] = message["response"]
            self._answers[message["response"]["request_id"]].set()

    async def read_messages(self) -> AsyncIterator[dict[str, Any]]:
        async for message in self._receive:
            yield message

    async def play(self) -> None:
        """Plays the turns, and ends the session."""
        for number, turn in enumerate(self._turns):
            outputs = [""] * len(turn)
            async with anyio.create_task_group() as group:
                for index in range(len(turn)):
                    group.start_soon(self._use, number, index, outputs)
            self._seen.read.append(outputs)
        await self._send.send(
            {
                "type": "result",
                "subtype": "success",
                "duration_ms": 1,
                "duration_api_ms": 1,
                "is_error": False,
                "num_turns": 1,
                "session_id": "s",
            }
        )

    async def _use(self, turn: int, index: int, outputs: list[str]) -> None:
        use = {
            "subtype": "can_use_tool",
            "tool_name": "create_issue",
            "input": dict(self._turns[turn][index]),
            "tool_use_id": call_id(turn, index),
        }
        answer = await self._ask(use)
        if answer["behavior"] == "deny":
            outputs[index] = answer["message"]
            return
        self._seen.ran.append(answer["updatedInput"])
        outputs[index] = f"Opened {answer['updatedInput']['title']}"
        for callback in self._hooks.get("PostToolUse", []):
            data = {"hook_event_name": "PostToolUse", "tool_response": outputs[index]}
            await self._ask(
                {"subtype": "hook_callback", "callback_id": callback, "tool_use_id": use["tool_use_id"], "input": data}
            )

    async def _ask(self, request: dict[str, Any]) -> dict[str, Any]:
        request_id = str(uuid4())
        self._answers[request_id] = anyio.Event()
        await self._send.send({"type": "control_request", "request_id": request_id, "request": request})
        await self._answers[request_id].wait()
        answer = self._responses[request_id]
        assert answer["subtype"] == "success", answer
        response: dict[str, Any] = answer["response"]
        return response


async def claude(approvals: Approvals, run_id: str, turns: Sequence[Turn]) -> Seen:
    seen = Seen()
    transport = ScriptedClaude(turns, seen)
    ask = ClaudeApprovals(approvals, run_id=run_id)
    options = ClaudeAgentOptions(can_use_tool=ask.can_use_tool, hooks=ask.hooks)
    async with ClaudeSDKClient(options, transport=transport) as client, anyio.create_task_group() as group:
        await client.query("Go")
        group.start_soon(transport.play)
        async for _ in client.receive_response():
            pass
    return seen


STACKS: dict[str, Run] = {
    "langchain": langchain,
    "langchain-blocking": langchain_blocking,
    "langchain-interrupts": langchain_interrupts,
    "openai": openai,
    "pydantic-ai": pydantic_ai,
    "claude": claude,
}
