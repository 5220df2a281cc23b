"""An agent of the OpenAI Agents SDK that asks before it opens an issue."""

import asyncio

from agents import Agent, ToolCallOutputItem, function_tool, set_tracing_disabled
from agents.testing import ScriptedModel, assistant_message, function_call
from countersign import Approvals
from countersign.openai import run_with_approvals


@function_tool(needs_approval=True)
def create_issue(owner: str, repo: str, title: str) -> str:
    """Opens an issue."""
    return f"Opened “{title}” in {owner}/{repo}"


# A scripted model, so that this runs without an account. Use your own, such as "gpt-5".
set_tracing_disabled(True)
call = function_call(
    "create_issue", {"owner": "acme", "repo": "checkout", "title": "Cents"}, call_id="call_1"
)
model = ScriptedModel([[call], [assistant_message("Done.")]])

approvals = Approvals("atlas", user="U0ALICE", integration="github")
agent = Agent(name="Atlas", model=model, tools=[create_issue])
result = asyncio.run(run_with_approvals(agent, "Open an issue about the missing cents", approvals))
print(*(item.output for item in result.new_items if isinstance(item, ToolCallOutputItem)))
