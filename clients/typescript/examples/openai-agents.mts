import { Agent, setTracingDisabled, tool } from "@openai/agents";
import { assistantMessage, functionCall, ScriptedModel } from "@openai/agents/testing";
import { z } from "zod";

import { runWithApprovals } from "@countersign/sdk/openai-agents";

// Your tools: those with `needsApproval` are asked about.
const createIssue = tool({
  name: "create_issue",
  description: "Creates an issue on GitHub.",
  parameters: z.object({ owner: z.string(), repo: z.string(), title: z.string() }),
  needsApproval: true,
  execute: async ({ owner, repo, title }) => {
    console.log(`Created “${title}” in ${owner}/${repo}`);
    return "Created.";
  },
});

// A model that makes one call, so that this runs without a key. Leave `model` out to use OpenAI's.
const issue = { owner: "acme", repo: "checkout", title: "Cart total off by one cent" };
const model = new ScriptedModel([[functionCall("create_issue", issue, { callId: "call-1" })], [assistantMessage("Done.")]]);
setTracingDisabled(true);

const agent = new Agent({ name: "Atlas", model, tools: [createIssue] });
const result = await runWithApprovals(agent, "Report that the total of the cart is off by one cent.", {
  user: "U0ALICE",
  agent: { id: "atlas", name: "Atlas" },
  conversation: { id: crypto.randomUUID(), title: "Voucher rounding" },
  integration: "github",
});
console.log(result.finalOutput);
