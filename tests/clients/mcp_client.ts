// Calls tools through `countersign mcp-gateway` with the published MCP client for TypeScript.
// Usage: mcp_client.ts COMMAND ARGUMENT…: the gateway with the server behind it. Prints a line for each thing that it sees.
import { Client } from "@modelcontextprotocol/client";
import { StdioClientTransport } from "@modelcontextprotocol/client/stdio";

const [command = "", ...args] = process.argv.slice(2);
const client = new Client({ name: "typescript", version: "1" });
await client.connect(new StdioClientTransport({ command, args, env: process.env as Record<string, string> }));

const { tools } = await client.listTools();
console.log("listed", tools[0]?.title, tools[0]?.annotations?.destructiveHint);

async function call(name: string, args: Record<string, unknown>, options = {}) {
  const result = await client.callTool({ name, arguments: args }, options);
  const [first] = result.content as { text?: string }[];
  console.log(result.isError ? "failed" : "called", first?.text);
}

const onprogress = ({ message }: { message?: string }) => console.log("progress", message?.replace(/ for \d+ s$/, ""));
await call("send_mail", { to: "kim@example.com" }, { onprogress, resetTimeoutOnProgress: true });
await call("send_mail", { to: "bob@example.com" });
await call("read_note", { text: "x" });
await Promise.all(Array.from({ length: 20 }, () => call("read_note", { text: "x" })));
console.log("waits");
await call("send_mail", { to: "eve@example.com" });
