import { AIMessage, createAgent, fakeModel, tool } from "langchain";
import { z } from "zod";

import { approvalMiddleware } from "@countersign/sdk/langchain";

// Your tools.
const createIssue = tool(({ owner, repo, title }) => `Created “${title}” in ${owner}/${repo}`, {
  name: "create_issue",
  description: "Creates an issue on GitHub.",
  schema: z.object({ owner: z.string(), repo: z.string(), title: z.string() }),
});

// A model that makes one call, so that this runs without a key. Put yours here: model: "openai:gpt-5".
const args = { owner: "acme", repo: "checkout", title: "Cart total off by one cent" };
const model = fakeModel().respondWithTools([{ name: "create_issue", id: "call-1", args }]).respond(new AIMessage("Done."));

const agent = createAgent({
  model,
  tools: [createIssue],
  middleware: [
    approvalMiddleware({
      user: "U0ALICE",
      agent: { id: "atlas", name: "Atlas" },
      conversation: { id: crypto.randomUUID(), title: "Voucher rounding" },
      integration: "github",
    }),
  ],
});
const { messages } = await agent.invoke({ messages: [{ role: "user", content: "Report that the total of the cart is off by one cent." }] });
console.log(messages.find(({ type }) => type === "tool")?.text);
