import { fileURLToPath } from "node:url";

import { query } from "@anthropic-ai/claude-agent-sdk";

import { canUseTool } from "@countersign/sdk/claude-agent-sdk";

import type { Played, Stack } from "../stack.js";

export const inline: Stack = {
  name: "claude-agent-sdk canUseTool",
  edits: true,
  parallel: true,
  async play(gate, steps, signal): Promise<Played> {
    const abortController = new AbortController();
    signal?.addEventListener("abort", () => abortController.abort());
    async function* prompt() {
      yield { type: "user" as const, message: { role: "user" as const, content: "Report the bug." }, parent_tool_use_id: null };
      // The input ends with the run: without it there is no one to answer.
      await finished;
    }
    let finish = () => {};
    const finished = new Promise<void>((resolve) => (finish = resolve));
    const run = query({
      prompt: prompt(),
      options: {
        abortController,
        // An MCP server that the demo describes.
        canUseTool: canUseTool({ ...gate, integration: () => ({ integration: "github", action: "create_issue" }) }),
        env: { ...process.env, CALLS: JSON.stringify(steps) },
        executable: "node",
        pathToClaudeCodeExecutable: fileURLToPath(new URL("../../../test/stacks/claude-cli.mjs", import.meta.url)),
      },
    });
    try {
      for await (const message of run) {
        if (message.type === "result" && message.subtype === "success") return JSON.parse(message.result) as Played;
      }
    } finally {
      finish();
    }
    throw new Error("no result");
  },
};
