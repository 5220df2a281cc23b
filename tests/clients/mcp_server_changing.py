"""An MCP server with the published SDK for Python, whose list of tools changes while it runs."""

from mcp.server.mcpserver import Context, MCPServer

server = MCPServer("changing")


@server.tool(title="Send mail")
def send_mail(to: str) -> str:
    return f"sent to {to}"


@server.tool()
async def grow(ctx: Context) -> str:
    server.add_tool(lambda: "new", name="grown")
    await ctx.notify_tools_changed()
    return "grew"


server.run("stdio")
