"""The adapter behind the real Claude Code, with a model that follows a script. `.ci/claude-code` runs these tests."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from claude_agent_sdk import ClaudeAgentOptions, ClaudeSDKClient
from local import ALICE, Alice, approve, deny
from test_client import dead_url

from countersign import Approvals, AsyncCountersign
from countersign.claude import ClaudeApprovals

CLAUDE = os.environ.get("COUNTERSIGN_CLAUDE")
pytestmark = [pytest.mark.anyio, pytest.mark.skipif(not CLAUDE, reason="needs Claude Code: .ci/claude-code")]


class Model:
    """A server of the Messages API whose model runs these commands at once, and remembers what it reads of them."""

    def __init__(self, commands: list[str]) -> None:
        self.read: list[str] = []
        model = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                request = json.loads(self.rfile.read(int(self.headers["content-length"])))
                body = "".join(f"event: {one['type']}\ndata: {json.dumps(one)}\n\n" for one in model.answer(request))
                self.send_response(200)
                self.send_header("content-type", "text/event-stream")
                self.send_header("content-length", str(len(body.encode())))
                self.end_headers()
                self.wfile.write(body.encode())

            def log_message(self, format: str, *args: Any) -> None:
                pass

        self._commands = commands
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def answer(self, request: dict[str, Any]) -> Iterator[dict[str, Any]]:
        parts = [part for message in request["messages"] for part in message["content"] if isinstance(part, dict)]
        if read := [part["content"] for part in parts if part.get("type") == "tool_result"]:
            self.read = [one if isinstance(one, str) else json.dumps(one) for one in read]
        blocks: list[tuple[dict[str, Any], dict[str, Any]]] = [
            ({"type": "text", "text": ""}, {"type": "text_delta", "text": "Done."})
        ]
        calls = bool(request.get("tools")) and not read
        if calls:
            blocks = [
                (
                    {"type": "tool_use", "id": f"toolu_{index}", "name": "Bash", "input": {}},
                    {"type": "input_json_delta", "partial_json": json.dumps({"command": command})},
                )
                for index, command in enumerate(self._commands)
            ]
        usage = {"input_tokens": 1, "output_tokens": 1}
        message = {"id": "msg_1", "type": "message", "role": "assistant", "model": request["model"], "content": []}
        yield {
            "type": "message_start",
            "message": message | {"stop_reason": None, "stop_sequence": None, "usage": usage},
        }
        for index, (block, delta) in enumerate(blocks):
            yield {"type": "content_block_start", "index": index, "content_block": block}
            yield {"type": "content_block_delta", "index": index, "delta": delta}
            yield {"type": "content_block_stop", "index": index}
        stop = {"stop_reason": "tool_use" if calls else "end_turn", "stop_sequence": None}
        yield {"type": "message_delta", "delta": stop, "usage": usage}
        yield {"type": "message_stop"}


async def run(folder: Path, commands: list[str], run_id: str, **more: Any) -> list[str]:
    """Has Claude Code run commands, and gives what its model read of them."""
    model = Model(commands)
    approvals = Approvals("claude", **({"user": ALICE, "tools": {"Bash": "postgres.execute_sql"}} | more))
    ask = ClaudeApprovals(approvals, run_id=run_id)
    environment = {"ANTHROPIC_BASE_URL": model.url, "ANTHROPIC_API_KEY": "none", "HOME": str(folder)}
    options = ClaudeAgentOptions(
        can_use_tool=ask.can_use_tool,
        hooks=ask.hooks,
        cwd=folder,
        cli_path=CLAUDE,
        env=environment | {"CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1"},
    )
    async with ClaudeSDKClient(options) as client:
        await client.query("Go")
        async for _ in client.receive_response():
            pass
    return model.read


async def test_approved_command_runs_and_is_reported(alice: Alice, run_id: str, tmp_path: Path) -> None:
    with alice.will(run_id, approve):
        await run(tmp_path, ["touch made"], run_id)
    assert (tmp_path / "made").exists()
    (approval,) = alice.approvals(run_id)
    assert approval["result"]["status"] == "succeeded"


async def test_claude_reads_why_a_command_was_denied(alice: Alice, run_id: str, tmp_path: Path) -> None:
    with alice.will(run_id, deny("Not in this folder")):
        (read,) = await run(tmp_path, ["touch made"], run_id)
    assert not (tmp_path / "made").exists()
    assert f"Not approved: denied by the user {ALICE} in Slack. Reason: “Not in this folder”." in read


async def test_commands_are_refused_while_the_service_is_down(run_id: str, tmp_path: Path) -> None:
    client = AsyncCountersign(dead_url(), "cs_x", retry_for=0.5)
    read = await run(tmp_path, ["touch a", "touch b"], run_id, client=client)
    assert len(read) == 2
    assert all("Not approved: Could not reach Countersign" in one for one in read)
    assert not list(tmp_path.glob("[ab]"))


async def test_several_commands(alice: Alice, run_id: str, tmp_path: Path) -> None:
    names = [f"made-{number}" for number in range(5)]
    with alice.will(run_id, approve, approve, approve, approve, approve):
        await run(tmp_path, [f"touch {name}" for name in names], run_id)
    assert all((tmp_path / name).exists() for name in names)
