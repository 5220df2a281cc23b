"""Calls tools through `countersign mcp-gateway --listen` with the published MCP client for Python.

Usage: mcp_http_client.py URL, with the API key in COUNTERSIGN_API_KEY. Prints a line for each thing that it sees.
"""

import asyncio
import os
import sys

import httpx2
from mcp import Client
from mcp.client.streamable_http import streamable_http_client


async def call(client, name, arguments):
    result = await client.call_tool(name, arguments)
    print("failed" if result.is_error else "called", result.content[0].text, flush=True)


async def main():
    headers = {"Authorization": f"Bearer {os.environ['COUNTERSIGN_API_KEY']}"}
    async with httpx2.AsyncClient(headers=headers, timeout=60, trust_env=False) as http:
        async with Client(streamable_http_client(sys.argv[1], http_client=http)) as client:
            tools = (await client.list_tools()).tools
            print("listed", client.protocol_version, *(tool.name for tool in tools), flush=True)
            await call(client, "send_mail", {"to": "kim@example.com"})
            await call(client, "send_mail", {"to": "bob@example.com"})
            async with client.listen(tools_list_changed=True) as changes:
                await call(client, "grow", {})
                print("told", type(await anext(aiter(changes))).__name__, flush=True)
            tools = (await client.list_tools()).tools
            print("listed", *(tool.name for tool in tools), flush=True)
            waiting = asyncio.create_task(call(client, "send_mail", {"to": "eve@example.com"}))
            await asyncio.to_thread(sys.stdin.readline)
            waiting.cancel()
            await asyncio.gather(waiting, return_exceptions=True)
            print("gave up", flush=True)


asyncio.run(main())
