/** Approvals for the Claude Agent SDK (`@anthropic-ai/claude-agent-sdk`). */
import type { CanUseTool } from "@anthropic-ai/claude-agent-sdk";

import { Gate, type Action, type GateOptions, type ToolCall } from "./gate.js";
import { serverKey, toolKey } from "./keys.js";

/** How the tools of Claude are asked about. */
export interface ClaudeOptions extends Omit<GateOptions, "integration" | "agent"> {
  /** Default: Claude. */
  agent?: GateOptions["agent"];
  /**
   * What integrations begin with, or a function that gives the action of a tool. Default: `claude`, which gives
   * `claude.Bash` and `claude.mcp.github.create_issue`.
   */
  integration?: GateOptions["integration"];
}

/** A callback for `query({ options: { canUseTool } })`. Claude Code calls it for every tool that its rules don't allow. */
export function canUseTool(options: ClaudeOptions): CanUseTool {
  const { integration = "claude", agent = { id: "claude", name: "Claude" } } = options;
  return async (tool, input, { signal, toolUseID }) => {
    const call: ToolCall = { tool, id: toolUseID, arguments: input };
    const named = typeof integration === "string" ? await actionOf(integration, tool) : undefined;
    // A function of the user's is called where an exception is a refusal.
    const gate = new Gate({ ...options, agent, integration: named ? () => named : integration }, { editable: true, waits: true });
    const verdict = await gate.approve(call, signal);
    return verdict.approved
      ? { behavior: "allow", updatedInput: verdict.arguments }
      : { behavior: "deny", message: verdict.reason };
  };
}

/** The same names as `countersign hook` gives them, so that grants are valid for both. */
async function actionOf(agent: string, tool: string): Promise<Action> {
  const [server, name] = tool.startsWith("mcp__") ? splitOnce(tool.slice("mcp__".length), "__") : [];
  if (!server || !name) return { integration: agent, action: await toolKey(tool) };
  return { integration: await serverKey(agent, server), action: await toolKey(name) };
}

function splitOnce(text: string, separator: string): string[] {
  const at = text.indexOf(separator);
  return at < 0 ? [text] : [text.slice(0, at), text.slice(at + separator.length)];
}
