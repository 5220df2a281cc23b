import { Agent, run, Runner, RunState, setTracingDisabled, tool } from "@openai/agents";
import { assistantMessage, functionCall, ScriptedModel } from "@openai/agents/testing";

import type { Arguments } from "@countersign/sdk";
import { answerInterruptions, runWithApprovals } from "@countersign/sdk/openai-agents";

import type { Call, DurableStack, Played, Stack } from "../stack.js";

setTracingDisabled(true);

function agentFor(steps: Call[][], ran: Arguments[]) {
  const model = new ScriptedModel([
    ...steps.map((step) => step.map(({ id, arguments: args }) => functionCall("create_issue", args, { callId: id }))),
    [assistantMessage("Done.")],
  ]);
  const createIssue = tool({
    name: "create_issue",
    description: "Creates an issue.",
    parameters: { type: "object", properties: { title: { type: "string" } }, required: [], additionalProperties: true },
    strict: false,
    needsApproval: true,
    execute: async (input) => {
      ran.push(input as Arguments);
      return "created";
    },
  });
  return { agent: new Agent({ name: "Tester", model, tools: [createIssue] }), model };
}

const seen = (model: ScriptedModel) => JSON.stringify(model.calls.at(-1)?.request.input);

export const inline: Stack = {
  name: "openai-agents runWithApprovals",
  edits: false,
  parallel: true,
  async play(gate, steps, signal): Promise<Played> {
    const ran: Arguments[] = [];
    const { agent, model } = agentFor(steps, ran);
    await runWithApprovals(agent, "Report the bug.", gate, signal ? { signal } : {});
    return { ran, seen: seen(model) };
  },
};

export const durable: DurableStack = {
  name: "openai-agents",
  edits: false,
  async start(gate, steps) {
    const { agent } = agentFor(steps, []);
    const result = await run(agent, "Report the bug.");
    await answerInterruptions(result.state, gate);
    return result.state.toString();
  },
  async resume(gate, _steps, stored) {
    const ran: Arguments[] = [];
    const { agent, model } = agentFor([], ran);
    const state = await RunState.fromString(agent, stored);
    if ((await answerInterruptions(state, gate)).length > 0) return undefined;
    await new Runner().run(agent, state);
    return { ran, seen: seen(model) };
  },
};
