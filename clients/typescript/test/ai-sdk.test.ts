import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { test } from "node:test";

import { jsonSchema, tool } from "ai";

import { Countersign } from "@countersign/sdk";
import { withApproval } from "@countersign/sdk/ai-sdk";

import { eventually, pick, waitForPending } from "./demo.js";
import { behaves, gateOptions } from "./stack.js";
import { inline, wrapped } from "./stacks/ai-sdk.js";

behaves(wrapped);
behaves(inline);

test("a tool that streams its output gives the last", async () => {
  const id = randomUUID();
  const tools = withApproval(
    { create_issue: tool({ inputSchema: jsonSchema({ type: "object" }), execute: async function* () { yield "opening"; yield "opened"; } }), other: tool({ inputSchema: jsonSchema({ type: "object" }) }) },
    gateOptions(id),
  );
  const output = tools.create_issue.execute({ title: "A bug" }, { toolCallId: "call-1", messages: [], context: {} });
  const [approval] = await waitForPending(id);
  await pick("approve", approval!);
  assert.equal(await output, "opened");
  // The person reads what came of it.
  await eventually("the report", async () => (await new Countersign().get(approval!)).result ?? undefined);
  assert.equal("execute" in tools.other, false);
});
