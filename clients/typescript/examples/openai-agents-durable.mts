import { createServer } from "node:http";

import { Agent, run, RunState, setTracingDisabled, tool, type AgentInputItem } from "@openai/agents";
import { assistantMessage, functionCall, ScriptedModel } from "@openai/agents/testing";
import { z } from "zod";

import { verifyWebhook } from "@countersign/sdk";
import { answerInterruptions } from "@countersign/sdk/openai-agents";

const createIssue = tool({
  name: "create_issue",
  description: "Creates an issue on GitHub.",
  parameters: z.object({ owner: z.string(), repo: z.string(), title: z.string() }),
  needsApproval: true,
  execute: async ({ title }) => `Created “${title}”`,
});

// A model that makes one call, and then says what it was told. Leave `model` out to use OpenAI's.
const issue = { owner: "acme", repo: "checkout", title: "Cart total off by one cent" };
const told = (input: string | AgentInputItem[]) => JSON.stringify(typeof input === "string" ? input : input.at(-1));
const model = new ScriptedModel([
  [functionCall("create_issue", issue, { callId: "call-1" })],
  { type: "responder", respond: ({ request }) => [assistantMessage(told(request.input))] },
]);
setTracingDisabled(true);
const agent = new Agent({ name: "Atlas", model, tools: [createIssue] });

const options = (id: string) =>
  ({ user: "U0ALICE", agent: { id: "atlas", name: "Atlas" }, conversation: { id }, integration: "github" });

// In your program, a database: all that has to outlive the process is the state of a run.
const stored = new Map<string, string>();

async function continueRun(id: string, input: string | RunState<undefined, typeof agent>) {
  for (let next = input; ; ) {
    const result = await run(agent, next);
    const { state, interruptions } = result;
    if (interruptions.length === 0) return console.log(result.finalOutput);
    stored.set(id, state.toString());
    // Once all have ended, they are approved or rejected in the state.
    if ((await answerInterruptions(state, options(id))).length > 0) return;
    next = state;
  }
}

createServer(async (request, response) => {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  try {
    const event = await verifyWebhook(Buffer.concat(chunks), request.headers, process.env["COUNTERSIGN_WEBHOOK_SECRET"]!);
    response.writeHead(204).end();
    if (event.type === "webhook.ping") return;
    const id = String(event.data.metadata?.["run"]);
    const text = stored.get(id);
    if (!text) return;
    const state = await RunState.fromString<undefined, typeof agent>(agent, text);
    if ((await answerInterruptions(state, options(id))).length === 0) await continueRun(id, state);
  } catch (error) {
    console.error(error);
    if (!response.headersSent) response.writeHead(401).end();
  }
}).listen(Number(process.env["PORT"] ?? 8000), "127.0.0.1");

await continueRun(crypto.randomUUID(), "Report that the total of the cart is off by one cent.");
