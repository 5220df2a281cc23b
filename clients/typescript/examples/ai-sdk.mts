import { generateText, isStepCount, jsonSchema, tool } from "ai";
import { MockLanguageModelV4 } from "ai/test";

import { withApproval } from "@countersign/sdk/ai-sdk";

// Your tools.
const tools = {
  create_issue: tool({
    description: "Creates an issue on GitHub.",
    inputSchema: jsonSchema<{ owner: string; repo: string; title: string }>({
      type: "object",
      properties: { owner: { type: "string" }, repo: { type: "string" }, title: { type: "string" } },
      required: ["owner", "repo", "title"],
    }),
    execute: async ({ owner, repo, title }) => `Created “${title}” in ${owner}/${repo}`,
  }),
};

// A model that makes one call, so that this runs without a key. Put yours here: model: "openai/gpt-5".
const input = JSON.stringify({ owner: "acme", repo: "checkout", title: "Cart total off by one cent" });
const usage = {
  inputTokens: { total: 1, noCache: 1, cacheRead: 0, cacheWrite: 0 },
  outputTokens: { total: 1, text: 1, reasoning: 0 },
};
const model = new MockLanguageModelV4({
  doGenerate: [
    {
      content: [{ type: "tool-call", toolCallId: "call-1", toolName: "create_issue", input }],
      finishReason: { unified: "tool-calls", raw: undefined }, usage, warnings: [],
    },
    { content: [{ type: "text", text: "Done." }], finishReason: { unified: "stop", raw: undefined }, usage, warnings: [] },
  ],
});

const result = await generateText({
  model,
  prompt: "Report that the total of the cart is off by one cent.",
  tools: withApproval(tools, {
    user: "U0ALICE",
    agent: { id: "atlas", name: "Atlas" },
    conversation: { id: crypto.randomUUID(), title: "Voucher rounding" },
    integration: "github",
  }),
  stopWhen: isStepCount(5),
});
for (const { content } of result.steps) {
  for (const part of content) {
    if (part.type === "tool-result") console.log(part.output);
    if (part.type === "tool-error") console.log(String(part.error));
  }
}
