import { MemorySaver, type Command } from "@langchain/langgraph";
import { AIMessage, createAgent, fakeModel, tool } from "langchain";

import type { Arguments, GateOptions } from "@countersign/sdk";
import { approvalMiddleware, resume } from "@countersign/sdk/langchain";

import type { Call, DurableStack, Played, Stack } from "../stack.js";

function agentFor(gate: GateOptions, steps: Call[][], ran: Arguments[], durable?: MemorySaver) {
  const model = fakeModel();
  for (const step of steps) model.respondWithTools(step.map(({ id, arguments: args }) => ({ id, name: "create_issue", args })));
  model.respond(new AIMessage("Done."));
  const createIssue = tool(
    (input) => {
      ran.push(input as Arguments);
      return "created";
    },
    { name: "create_issue", description: "Creates an issue.", schema: { type: "object", properties: { title: { type: "string" } } } },
  );
  const { conversation, ...options } = gate;
  const agent = createAgent({
    model,
    tools: [createIssue],
    middleware: [approvalMiddleware({ ...options, durable: durable !== undefined })],
    ...(durable ? { checkpointer: durable } : {}),
  });
  return { agent, model, config: { configurable: { thread_id: conversation.id } } };
}

const input = { messages: [{ role: "user", content: "Report the bug." }] };
const seen = (model: ReturnType<typeof fakeModel>) => JSON.stringify(model.calls.at(-1)?.messages);

export const inline: Stack = {
  name: "langchain approvalMiddleware",
  edits: true,
  parallel: true,
  async play(gate, steps, signal): Promise<Played> {
    const ran: Arguments[] = [];
    const { agent, model, config } = agentFor(gate, steps, ran);
    await agent.invoke(input, { ...config, ...(signal ? { signal } : {}) });
    return { ran, seen: seen(model) };
  },
};

/** What a checkpointer with a database would keep. */
const written = (saver: MemorySaver) =>
  JSON.stringify([saver.storage, saver.writes], (_, value: unknown) => (value instanceof Uint8Array ? { bytes: Buffer.from(value).toString("base64") } : value));

function read(stored: string): MemorySaver {
  const saver = new MemorySaver();
  [saver.storage, saver.writes] = JSON.parse(stored, (_, value: { bytes?: string } | null) =>
    value?.bytes === undefined ? value : new Uint8Array(Buffer.from(value.bytes, "base64")),
  ) as [MemorySaver["storage"], MemorySaver["writes"]];
  return saver;
}

export const durable: DurableStack = {
  name: "langchain",
  edits: true,
  async start(gate, steps) {
    const saver = new MemorySaver();
    const { agent, config } = agentFor(gate, steps, [], saver);
    await agent.invoke(input, config);
    return written(saver);
  },
  async resume(gate, _steps, stored) {
    const ran: Arguments[] = [];
    const saver = read(stored);
    const { agent, model, config } = agentFor(gate, [], ran, saver);
    const state = await agent.graph.getState(config);
    const interrupts = state.tasks.flatMap((task) => task.interrupts);
    if (interrupts.length === 0) return { ran, seen: JSON.stringify(state.values) };
    const result = await agent.invoke(resume(interrupts) as Command, config);
    return "__interrupt__" in result ? undefined : { ran, seen: seen(model) };
  },
};
