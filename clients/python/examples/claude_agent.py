"""An agent of the Claude Agent SDK that asks before it uses a tool. Needs access to Claude."""

import asyncio

from claude_agent_sdk import ClaudeAgentOptions, ClaudeSDKClient
from countersign import Approvals
from countersign.claude import ClaudeApprovals


async def main() -> None:
    approvals = ClaudeApprovals(Approvals("claude", user="U0ALICE", integration="claude"))
    options = ClaudeAgentOptions(can_use_tool=approvals.can_use_tool, hooks=approvals.hooks)
    async with ClaudeSDKClient(options) as client:
        await client.query("Write the word hello to the file hello.txt")
        async for message in client.receive_response():
            print(message)


asyncio.run(main())
