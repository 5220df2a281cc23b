import { generateText, isStepCount, jsonSchema, tool, type ModelMessage, type ToolSet } from "ai";
import { MockLanguageModelV4 } from "ai/test";

import type { Arguments, GateOptions } from "@countersign/sdk";
import { durableApproval, toolApproval, withApproval, type ToolApproval } from "@countersign/sdk/ai-sdk";

import type { Call, DurableStack, Played, Stack } from "../stack.js";

const none = undefined;
export const usage = {
  inputTokens: { total: none, noCache: none, cacheRead: none, cacheWrite: none },
  outputTokens: { total: none, text: none, reasoning: none },
};

function model(steps: Call[][]) {
  const calls = (step: Call[]) =>
    step.map(({ id, arguments: args }) => ({ type: "tool-call" as const, toolCallId: id, toolName: "create_issue", input: JSON.stringify(args) }));
  const turns = steps.map((step) => ({ content: calls(step), finishReason: { unified: "tool-calls" as const, raw: none }, usage, warnings: [] }));
  const done = { content: [{ type: "text" as const, text: "Done." }], finishReason: { unified: "stop" as const, raw: none }, usage, warnings: [] };
  return new MockLanguageModelV4({ doGenerate: [...turns, done] });
}

export function toolsFor(ran: object[]) {
  return {
    create_issue: tool({
      inputSchema: jsonSchema<Arguments>({ type: "object", properties: { title: { type: "string" } } }),
      execute: async (input) => {
        ran.push(input);
        return `created ${String(input["title"])}`;
      },
    }),
  };
}

export async function generate(steps: Call[][], messages: ModelMessage[], tools: ToolSet, approval?: ToolApproval, signal?: AbortSignal) {
  const mock = model(steps);
  const result = await generateText({
    model: mock, tools, messages, stopWhen: isStepCount(9),
    ...(approval ? { toolApproval: approval } : {}), ...(signal ? { abortSignal: signal } : {}),
  });
  return { messages: [...messages, ...result.responseMessages], seen: JSON.stringify(mock.doGenerateCalls.at(-1)?.prompt) };
}

const first: ModelMessage[] = [{ role: "user", content: "Report the bug." }];

export const wrapped: Stack = {
  name: "ai-sdk withApproval",
  edits: true,
  parallel: true,
  async play(gate, steps, signal): Promise<Played> {
    const ran: Arguments[] = [];
    const { seen } = await generate(steps, first, withApproval(toolsFor(ran), gate), undefined, signal);
    return { ran, seen };
  },
};

export const inline: Stack = {
  name: "ai-sdk toolApproval",
  edits: false,
  parallel: false,
  async play(gate, steps): Promise<Played> {
    const ran: Arguments[] = [];
    const { seen } = await generate(steps, first, toolsFor(ran), toolApproval(gate));
    return { ran, seen };
  },
};

/** Waits for durable approvals, which asks about all calls of a step at once. */
export const waiting: Stack = {
  name: "ai-sdk durableApproval, waiting",
  edits: true,
  parallel: true,
  async play(gate, steps, signal): Promise<Played> {
    const ran: Arguments[] = [];
    const approvals = durableApproval(gate);
    let left = steps;
    for (let messages = first; ; ) {
      const result = await generate(left, messages, toolsFor(ran), approvals.toolApproval, signal);
      const answered = await approvals.answer(result.messages, { wait: true, ...(signal ? { signal } : {}) });
      if (answered.messages.length === result.messages.length) return { ran, seen: result.seen };
      left = left.slice(1);
      messages = answered.messages;
    }
  },
};

export const durable: DurableStack = {
  name: "ai-sdk",
  edits: true,
  async start(gate: GateOptions, steps) {
    const { messages } = await generate(steps, first, toolsFor([]), durableApproval(gate).toolApproval);
    return JSON.stringify(messages);
  },
  async resume(gate, _steps, stored) {
    const ran: Arguments[] = [];
    const approvals = durableApproval(gate);
    const { messages, pending } = await approvals.answer(JSON.parse(stored) as ModelMessage[]);
    if (pending.length > 0) return undefined;
    const { seen } = await generate([], messages, toolsFor(ran), approvals.toolApproval);
    return { ran, seen };
  },
};
