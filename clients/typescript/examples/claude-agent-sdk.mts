import { query } from "@anthropic-ai/claude-agent-sdk";

import { canUseTool } from "@countersign/sdk/claude-agent-sdk";

// Without rules that allow tools, Claude asks for each that may change something.
const run = query({
  prompt: "Report that the total of the cart is off by one cent: write it to issue.md.",
  options: {
    canUseTool: canUseTool({
      user: "U0ALICE",
      conversation: { id: crypto.randomUUID(), title: "Voucher rounding" },
    }),
  },
});
for await (const message of run) {
  if (message.type === "result") console.log(message.subtype === "success" ? message.result : message.subtype);
}
