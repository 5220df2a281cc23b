import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { test } from "node:test";

import { isStepCount, jsonSchema, streamText, tool } from "ai";
import { MockLanguageModelV4, simulateReadableStream } from "ai/test";

import { Countersign } from "@countersign/sdk";
import { withApproval } from "@countersign/sdk/ai-sdk";

import { eventually, pick, waitForPending } from "./demo.js";
import { behaves, gateOptions } from "./stack.js";
import { inline, toolsFor, usage, wrapped } from "./stacks/ai-sdk.js";

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

test("a streamed run asks about all calls of a step, too", async () => {
  const id = randomUUID();
  const ran: object[] = [];
  const calls = ["A bug", "Another bug"].map((title, index) => ({ type: "tool-call" as const, toolCallId: `call-${index}`, toolName: "create_issue", input: JSON.stringify({ title }) }));
  const finish = (unified: "stop" | "tool-calls") => ({ type: "finish" as const, finishReason: { unified, raw: undefined }, usage });
  const model = new MockLanguageModelV4({
    doStream: [
      { stream: simulateReadableStream({ chunks: [...calls, finish("tool-calls")] }) },
      { stream: simulateReadableStream({ chunks: [finish("stop")] }) },
    ],
  });
  const result = streamText({ model, prompt: "Report the bugs.", tools: withApproval(toolsFor(ran), gateOptions(id)), stopWhen: isStepCount(2) });
  const streaming = result.consumeStream();
  for (const approval of await waitForPending(id, 2)) await pick("approve", approval);
  await streaming;
  assert.equal(ran.length, 2);
});
