"""The examples, as they stand, and the pages of docs/agents that show them."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from local import Alice, Service, approve, until

PACKAGE = Path(__file__).parents[1]
PAGES = PACKAGE.parents[1] / "docs/agents"
NAMES = {
    "langchain": "langchain_agent",
    "openai-agents": "openai_agent",
    "pydantic-ai": "pydantic_ai_agent",
    "claude-agent-sdk": "claude_agent",
}

# Plays Claude Code, which the SDK would start.
CLAUDE = """
import sys
import claude_agent_sdk
from stacks import ScriptedClaude, Seen, issue

seen = Seen()
class Client(claude_agent_sdk.ClaudeSDKClient):
    def __init__(self, options):
        super().__init__(options, transport=ScriptedClaude([[issue("Cents")]], seen))
    async def query(self, prompt):
        import asyncio
        await super().query(prompt)
        self.playing = asyncio.create_task(self._custom_transport.play())
claude_agent_sdk.ClaudeSDKClient = Client
path = sys.argv[1]
exec(compile(open(path).read(), path, "exec"), {"__name__": "__main__"})
print(*seen.read[0])
"""


def blocks(page: str) -> list[str]:
    parts = (PAGES / f"{page}.md").read_text().split("```python\n")[1:]
    return [part.split("\n```")[0] + "\n" for part in parts]


@pytest.mark.parametrize(("page", "name"), NAMES.items())
def test_example_runs_what_was_approved(page: str, name: str, service: Service, alice: Alice) -> None:
    program = PACKAGE / "examples" / f"{name}.py"
    command = [sys.executable, "-c", CLAUDE, str(program)] if name == "claude_agent" else [sys.executable, str(program)]
    environment = os.environ | {"PYTHONPATH": str(PACKAGE / "tests")}
    before = {one["id"] for one in alice.recent("pending")}
    running = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment)

    def asked() -> str | None:
        return next((one["id"] for one in alice.recent("pending") if one["id"] not in before), None)

    approve(alice, until(asked, "the approval"))
    said, _ = running.communicate(timeout=60)
    assert running.returncode == 0
    assert "Cents" in said
    assert "Opened" in said


@pytest.mark.parametrize(("page", "name"), NAMES.items())
def test_page_shows_the_example(page: str, name: str) -> None:
    first, *others = blocks(page)
    _, _, program = (PACKAGE / "examples" / f"{name}.py").read_text().partition("\n\n")
    assert first == program
    for number, block in enumerate(others):
        compile(block, f"{page}.md, block {number + 2}", "exec", flags=0x2000)
