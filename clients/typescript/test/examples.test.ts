import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { describe, test } from "node:test";
import { fileURLToPath } from "node:url";

import { approvals, eventually, pick } from "./demo.js";

const ROOT = new URL("../../", import.meta.url);
const OUTPUT = /Created “Cart total off by one cent”|Denied in Slack by U0ALICE/;

/** The pending approvals that the examples asked for. */
async function pendingIds(): Promise<string[]> {
  return (await approvals({ status: "pending" })).filter(({ agent }) => agent.id === "atlas").map(({ id }) => id);
}

/** Runs an example against the demo, answers what it asks, and gives what it printed. */
async function run(example: string, choice: "approve" | "not_now"): Promise<string> {
  const before = new Set(await pendingIds());
  const program = spawn(process.execPath, [fileURLToPath(new URL(`build/examples/${example}.mjs`, ROOT))], { stdio: ["ignore", "pipe", "inherit"] });
  let output = "";
  program.stdout.on("data", (chunk) => (output += String(chunk)));
  try {
    const asked = await eventually(`a request of ${example}`, async () => (await pendingIds()).find((id) => !before.has(id)));
    await pick(choice, asked);
    return await eventually(`the output of ${example}`, async () => (OUTPUT.test(output) ? output : undefined));
  } finally {
    program.kill();
  }
}

describe("the examples", () => {
  for (const example of ["ai-sdk", "ai-sdk-durable", "openai-agents", "openai-agents-durable", "langchain", "langchain-durable"]) {
    test(`${example} runs what was approved`, async () => {
      assert.match(await run(example, "approve"), /Created/);
    });
  }

  test("a denied one tells the model", async () => {
    assert.match(await run("langchain-durable", "not_now"), /Their reason: “not now”/);
  });
});

describe("the pages of docs/agents", () => {
  const pages = {
    "ai-sdk.md": ["ai-sdk", "ai-sdk-durable"],
    "openai-agents-js.md": ["openai-agents", "openai-agents-durable"],
    "langchain-js.md": ["langchain", "langchain-durable"],
    "claude-agent-sdk-js.md": ["claude-agent-sdk"],
  };
  for (const [page, examples] of Object.entries(pages)) {
    test(`${page} has the examples`, () => {
      const text = readFileSync(new URL(`../../docs/agents/${page}`, ROOT), "utf8");
      const blocks = [...text.matchAll(/```ts\n([^]*?)```/g)].map(([, block]) => block);
      assert.deepEqual(blocks.slice(0, examples.length), examples.map((name) => readFileSync(new URL(`examples/${name}.mts`, ROOT), "utf8")));
    });
  }
});
