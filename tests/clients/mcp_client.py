"""Calls tools through `countersign mcp-gateway` with the published MCP client for Python.

Usage: mcp_client.py COMMAND ARGUMENT…: the gateway with the server behind it. Prints a line for each thing that it sees.
"""

import asyncio
import os
import sys

from mcp import Client, StdioServerParameters

command, *arguments = sys.argv[1:]


async def progressed(progress, total, message):
    print("progress", message and message.rsplit(" for ", 1)[0], flush=True)


async def call(client, name, arguments, **options):
    result = await client.call_tool(name, arguments, **options)
    print("failed" if result.is_error else "called", result.content[0].text, flush=True)


async def main():
    server = StdioServerParameters(command=command, args=arguments, env=dict(os.environ))
    async with Client(server) as client:
        page = await client.list_tools()
        print("listed", page.tools[0].title, page.tools[0].annotations.destructive_hint, flush=True)
        await call(client, "send_mail", {"to": "kim@example.com"}, progress_callback=progressed)
        await call(client, "send_mail", {"to": "bob@example.com"})
        await call(client, "read_note", {"text": "x"})
        await asyncio.gather(*(call(client, "read_note", {"text": "x"}) for _ in range(20)))
        print("waits", flush=True)
        await call(client, "send_mail", {"to": "eve@example.com"})


asyncio.run(main())
