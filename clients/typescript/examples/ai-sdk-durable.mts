import { createServer } from "node:http";

import { generateText, isStepCount, jsonSchema, tool, type ModelMessage } from "ai";
import { MockLanguageModelV4 } from "ai/test";

import { verifyWebhook } from "@countersign/sdk";
import { durableApproval } from "@countersign/sdk/ai-sdk";

const tools = {
  create_issue: tool({
    inputSchema: jsonSchema<{ title: string }>({ type: "object", properties: { title: { type: "string" } } }),
    execute: async ({ title }) => console.log(`Created “${title}”`),
  }),
};

// A model that makes one call, and then says what it was told. Put yours here.
const none = { total: 0, noCache: 0, cacheRead: 0, cacheWrite: 0 };
const usage = { inputTokens: none, outputTokens: { total: 0, text: 0, reasoning: 0 } };
const model = new MockLanguageModelV4({
  doGenerate: async ({ prompt }) => {
    const last = prompt.at(-1)!;
    if (last.role === "tool") {
      return { content: [{ type: "text", text: JSON.stringify(last.content) }], finishReason: { unified: "stop", raw: undefined }, usage, warnings: [] };
    }
    const input = JSON.stringify({ owner: "acme", repo: "checkout", title: "Cart total off by one cent" });
    const call = { type: "tool-call" as const, toolCallId: "call-1", toolName: "create_issue", input };
    return { content: [call], finishReason: { unified: "tool-calls", raw: undefined }, usage, warnings: [] };
  },
});

const approvals = (run: string) =>
  durableApproval({ user: "U0ALICE", agent: { id: "atlas", name: "Atlas" }, conversation: { id: run }, integration: "github" });

// In your program, a database: all that has to outlive the process are the messages of a run.
const stored = new Map<string, ModelMessage[]>();

async function continueRun(run: string, messages: ModelMessage[]) {
  const { toolApproval, answer } = approvals(run);
  const result = await generateText({ model, messages, tools, toolApproval, stopWhen: isStepCount(5) });
  const all = [...messages, ...result.responseMessages];
  stored.set(run, all);
  // Requests that ended at once, or before the messages were stored.
  const { messages: next, pending } = await answer(all);
  if (next.length > all.length) return continueRun(run, next);
  if (pending.length === 0) console.log(result.text);
}

createServer(async (request, response) => {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  try {
    const event = await verifyWebhook(Buffer.concat(chunks), request.headers, process.env["COUNTERSIGN_WEBHOOK_SECRET"]!);
    response.writeHead(204).end();
    if (event.type === "webhook.ping") return;
    const run = String(event.data.metadata?.["run"]);
    const { messages, pending } = await approvals(run).answer(stored.get(run) ?? []);
    if (pending.length === 0 && messages.at(-1)?.role === "tool") await continueRun(run, messages);
  } catch (error) {
    console.error(error);
    if (!response.headersSent) response.writeHead(401).end();
  }
}).listen(Number(process.env["PORT"] ?? 8000), "127.0.0.1");

await continueRun(crypto.randomUUID(), [{ role: "user", content: "Report that the total of the cart is off by one cent." }]);
