import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { test } from "node:test";

import { interrupt, MemorySaver } from "@langchain/langgraph";
import { AIMessage, createAgent, fakeModel, tool } from "langchain";

import { Countersign } from "@countersign/sdk";
import { approvalMiddleware, resume } from "@countersign/sdk/langchain";

import { ALICE, approvals, asked, eventually, pick, waitForPending } from "./demo.js";
import { behaves, endures } from "./stack.js";
import { durable, inline } from "./stacks/langchain.js";

behaves(inline);
endures(durable);

test("an error that the model reads is reported as a failure", async () => {
  const id = randomUUID();
  // The agent has no such tool.
  const model = fakeModel().respondWithTools([{ name: "delete_issue", id: "call-1", args: {} }]).respond(new AIMessage("Done."));
  const createIssue = tool(() => "created", { name: "create_issue", description: "Creates an issue.", schema: { type: "object", properties: {} } });
  const middleware = [approvalMiddleware({ user: ALICE, agent: { id: "tester" }, conversation: { id }, integration: "github" })];
  const running = createAgent({ model, tools: [createIssue], middleware }).invoke({ messages: [{ role: "user", content: "Go." }] });
  const [approval] = await waitForPending(id);
  await pick("approve", approval!);
  await running;
  const { status } = await eventually("the report", async () => (await new Countersign().get(approval!)).result ?? undefined);
  assert.equal(status, "failed");
});

test("calls of one step with the same id are refused", async () => {
  const id = randomUUID();
  const twice = { name: "create_issue", id: "call-1", args: { title: "A bug" } };
  const model = fakeModel().respondWithTools([twice, twice]).respond(new AIMessage("Done."));
  let ran = 0;
  const createIssue = tool(() => `created ${(ran += 1)}`, { name: "create_issue", description: "Creates an issue.", schema: { type: "object", properties: {} } });
  const middleware = [approvalMiddleware({ user: ALICE, agent: { id: "tester" }, conversation: { id }, integration: "github" })];
  const { messages } = await createAgent({ model, tools: [createIssue], middleware }).invoke({ messages: [{ role: "user", content: "Go." }] });
  assert.equal(ran, 0);
  assert.equal(await asked(id), 0);
  assert.match(messages.at(-2)?.text ?? "", /the same id/);
});

test("a tool that interrupts the graph itself is one call", async () => {
  const id = randomUUID();
  const model = fakeModel().respondWithTools([{ name: "create_issue", id: "call-1", args: { title: "A bug" } }]).respond(new AIMessage("Done."));
  const createIssue = tool(() => `created ${String(interrupt("Which repository?"))}`, { name: "create_issue", description: "Creates an issue.", schema: { type: "object", properties: {} } });
  const middleware = [approvalMiddleware({ user: ALICE, agent: { id: "tester" }, integration: "github" })];
  const agent = createAgent({ model, tools: [createIssue], middleware, checkpointer: new MemorySaver() });
  const config = { configurable: { thread_id: id } };
  const running = agent.invoke({ messages: [{ role: "user", content: "Report the bug." }] }, config);
  await pick("approve", (await waitForPending(id))[0]!);
  await running;
  const interrupts = (await agent.graph.getState(config)).tasks.flatMap((task) => task.interrupts);
  const { messages } = await agent.invoke(resume(interrupts), config);
  assert.equal(messages.at(-2)?.text, "created true");
  assert.equal(await asked(id), 1);
  const [approval] = await approvals({ conversation: id });
  const { status } = await eventually("the report", async () => (await new Countersign().get(approval!.id)).result ?? undefined);
  assert.equal(status, "succeeded");
});
