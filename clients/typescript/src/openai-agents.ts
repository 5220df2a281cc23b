/** Approvals for the OpenAI Agents SDK for JavaScript (`@openai/agents`). Tools ask if they have `needsApproval`. */
import { run, type Agent, type AgentInputItem, type NonStreamRunOptions, type RunState } from "@openai/agents";

import { Gate, type GateOptions, type ToolCall } from "./gate.js";
import type { Arguments } from "./types.js";

export type { GateOptions } from "./gate.js";

type AnyAgent = Agent<any, any>;
type AnyState = RunState<any, AnyAgent>;
type Interruption = ReturnType<AnyState["getInterruptions"]>[number];

/**
 * Runs an agent, and asks about each interruption until the run has ended. Interruptions of one turn are asked about at
 * once. Aborting `run.signal` cancels what is pending.
 */
export async function runWithApprovals<TAgent extends AnyAgent>(
  agent: TAgent,
  input: string | AgentInputItem[] | RunState<any, TAgent>,
  options: GateOptions,
  runOptions: NonStreamRunOptions<any> = {},
) {
  let result = await run(agent, input, runOptions);
  while (result.interruptions.length > 0) {
    await settle(result.state, new Gate(options, { editable: false, waits: true }), true, runOptions.signal);
    result = await run(agent, result.state, runOptions);
  }
  return result;
}

/**
 * Asks about the interruptions of a run without waiting, and approves or rejects them once all have ended. Returns the
 * ids of the approvals that have not.
 *
 * Call it when a run has stopped at interruptions, and store `state.toString()`. Call it again with the restored state
 * when a webhook arrives. If nothing is pending any more, `run(agent, state)` continues.
 */
export async function answerInterruptions(state: AnyState, options: GateOptions): Promise<string[]> {
  return settle(state, new Gate(options, { editable: false, waits: false }), false);
}

async function settle(state: AnyState, gate: Gate, wait: boolean, signal?: AbortSignal): Promise<string[]> {
  // A stored run also names the calls that were answered before it was stored. Their permits were taken then.
  const open = state.getInterruptions().map((item) => ({ item, call: callOf(item) })).filter(({ item, call }) =>
    state._context.isToolApproved({ toolName: item.name ?? call.tool, callId: call.id }) === undefined,
  );
  const asked = open.map(async ({ item, call }) => {
    return { item, verdict: wait ? await gate.decide(call, signal) : await gate.settle(call) };
  });
  const answers = await Promise.all(asked);
  const pending = answers.flatMap(({ verdict }) => ("pending" in verdict ? [verdict.pending] : []));
  // The calls of a turn run together, so their permits are taken together, when the run goes on.
  if (pending.length > 0) return pending;
  await Promise.all(
    answers.map(async ({ item, verdict }) => {
      if ("pending" in verdict) return;
      const permitted = await gate.use(verdict);
      if (permitted.approved) state.approve(item);
      else state.reject(item, { message: permitted.reason });
    }),
  );
  return [];
}

function callOf(item: Interruption): ToolCall {
  const raw = item.rawItem;
  const id = "callId" in raw ? raw.callId : raw.id;
  // Without an id, two calls could share an approval: this one is asked about under a key of its own.
  return { tool: item.name ?? raw.type ?? "tool", id: id ?? crypto.randomUUID(), arguments: argumentsOf(item) };
}

function argumentsOf({ rawItem, arguments: text }: Interruption): Arguments {
  if ("action" in rawItem && rawItem.action) return { ...rawItem.action };
  if ("operation" in rawItem) return { ...rawItem.operation };
  try {
    const value: unknown = JSON.parse(text ?? "{}");
    if (typeof value === "object" && value !== null && !Array.isArray(value)) return value as Arguments;
  } catch {
    // Shown as it is.
  }
  return { input: text ?? "" };
}
