import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { test } from "node:test";

import { Countersign } from "@countersign/sdk";
import { canUseTool } from "@countersign/sdk/claude-agent-sdk";

import { pick, waitForPending, ALICE } from "./demo.js";
import { behaves } from "./stack.js";
import { inline } from "./stacks/claude-agent-sdk.js";

behaves(inline);

test("tools get the names that the hook gives them", { concurrency: true }, async () => {
  const names = { Bash: "claude.Bash", mcp__github__create_issue: "claude.mcp.github.create_issue", mcp__a__b__c: "claude.mcp.a.b__c", mcp__github__: "claude.mcp__github__" };
  for (const [tool, name] of Object.entries(names)) {
    const id = randomUUID();
    const options = { signal: new AbortController().signal, toolUseID: `${tool}-1`, requestId: "r-1" };
    const asking = canUseTool({ user: ALICE, conversation: { id } })(tool, { command: "make" }, options);
    const [pending] = await waitForPending(id);
    const { integration, action } = await new Countersign().get(pending!);
    assert.equal(`${integration}.${action}`, name);
    await pick("deny", pending!);
    assert.equal((await asking)?.behavior, "deny");
  }
});

test("an exception of the program's own functions is a refusal", async () => {
  const fail = () => {
    throw new Error("no such tool");
  };
  const options = { signal: new AbortController().signal, toolUseID: "call-1", requestId: "r-1" };
  for (const own of [{ integration: fail }, { reason: fail }]) {
    const answer = await canUseTool({ user: ALICE, conversation: { id: randomUUID() }, ...own })("Bash", {}, options);
    assert.ok(answer?.behavior === "deny" && answer.message.includes("Not approved: no such tool"));
  }
});
