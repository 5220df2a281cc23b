import assert from "node:assert/strict";

import type { Arguments } from "@countersign/sdk";
import plugin, { type BeforeToolCall } from "@countersign/sdk/openclaw";

import type { Stack } from "../stack.js";

/** Calls the hook as OpenClaw does: all calls of a step at once, each with a limit, and blocked if the hook fails. */
export const inline: Stack = {
  name: "openclaw plugin",
  edits: true,
  parallel: true,
  async play({ user, conversation, countersign, request }, steps, signal) {
    const hooks: { handler: BeforeToolCall; timeoutMs: number }[] = [];
    const pluginConfig = {
      user, integration: "github", expiresIn: request?.expires_in ?? 1800,
      // Nothing listens there.
      ...(countersign ? { url: "http://127.0.0.1:9", apiKey: "cs_x", retryFor: 300 } : {}),
    };
    plugin.register({ pluginConfig, on: (_, handler, { timeoutMs }) => hooks.push({ handler, timeoutMs }) });
    const [{ handler, timeoutMs }] = hooks as [(typeof hooks)[number]];
    assert.ok(timeoutMs > 1000 * pluginConfig.expiresIn);
    const ran: Arguments[] = [];
    let seen: unknown[] = [];
    for (const step of steps) {
      seen = await Promise.all(
        step.map(async ({ id, arguments: params }) => {
          const event = { toolName: "create_issue", params, toolCallId: id };
          const context = { sessionKey: conversation.id, agentId: "main", ...(signal ? { abortSignal: signal } : {}) };
          const result = await handler(event, context).catch((error: unknown) => ({ block: true, blockReason: String(error) }));
          if (result?.block) return result.blockReason;
          ran.push((result as { params?: Arguments } | undefined)?.params ?? params);
          return "created";
        }),
      );
    }
    return { ran, seen: JSON.stringify(seen) };
  },
};
