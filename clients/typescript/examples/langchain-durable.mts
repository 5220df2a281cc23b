import { createServer } from "node:http";

import { MemorySaver } from "@langchain/langgraph";
import { AIMessage, createAgent, fakeModel, tool } from "langchain";
import { z } from "zod";

import { verifyWebhook } from "@countersign/sdk";
import { approvalMiddleware, resume } from "@countersign/sdk/langchain";

const createIssue = tool(({ title }) => `Created “${title}”`, {
  name: "create_issue",
  description: "Creates an issue on GitHub.",
  schema: z.object({ owner: z.string(), repo: z.string(), title: z.string() }),
});

// A model that makes one call, and then says what it was told. Put yours here: model: "openai:gpt-5".
const args = { owner: "acme", repo: "checkout", title: "Cart total off by one cent" };
const model = fakeModel()
  .respondWithTools([{ name: "create_issue", id: "call-1", args }])
  .respond((messages) => new AIMessage(messages.at(-1)!.text));

const agent = createAgent({
  model,
  tools: [createIssue],
  middleware: [approvalMiddleware({ user: "U0ALICE", agent: { id: "atlas", name: "Atlas" }, integration: "github", durable: true })],
  // In your program, one with a database: all that has to outlive the process is there.
  checkpointer: new MemorySaver(),
});

createServer(async (request, response) => {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  try {
    const event = await verifyWebhook(Buffer.concat(chunks), request.headers, process.env["COUNTERSIGN_WEBHOOK_SECRET"]!);
    response.writeHead(204).end();
    if (event.type === "webhook.ping") return;
    // The thread is the run.
    const config = { configurable: { thread_id: String(event.data.metadata?.["run"]) } };
    const { tasks } = await agent.graph.getState(config);
    const interrupts = tasks.flatMap((task) => task.interrupts);
    if (interrupts.length === 0) return;
    const { messages } = await agent.invoke(resume(interrupts), config);
    console.log(messages.at(-1)?.text);
  } catch (error) {
    console.error(error);
    if (!response.headersSent) response.writeHead(401).end();
  }
}).listen(Number(process.env["PORT"] ?? 8000), "127.0.0.1");

await agent.invoke(
  { messages: [{ role: "user", content: "Report that the total of the cart is off by one cent." }] },
  { configurable: { thread_id: crypto.randomUUID() } },
);
