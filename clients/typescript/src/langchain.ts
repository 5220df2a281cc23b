/** Approvals for LangChain's agents (`langchain` 1). */
import { Command, interrupt, isGraphBubbleUp } from "@langchain/langgraph";
import { AIMessage, type BaseMessage, createMiddleware, ToolMessage } from "langchain";

import { Gate, type GateOptions, type ToolCall } from "./gate.js";

export type { GateOptions } from "./gate.js";

/** How an agent's tool calls are asked about. */
export interface LangChainOptions extends Omit<GateOptions, "conversation"> {
  /** Default: the thread (`configurable.thread_id`). */
  conversation?: GateOptions["conversation"];
  /** The tools that need an approval. Default: all. */
  tools?: readonly string[];
  /**
   * Interrupts the graph instead of waiting, so that the process may end meanwhile. Needs a checkpointer and a thread,
   * and tools that don't call `interrupt` themselves. Default: false.
   */
  durable?: boolean;
}

/**
 * Middleware that asks before a tool runs. Calls of one step are asked about at once, run with what the user made of
 * their arguments, and report how they ended. The model reads a refusal as the tool's error.
 */
export function approvalMiddleware(options: LangChainOptions) {
  const durable = options.durable ?? false;
  return createMiddleware({
    name: "CountersignMiddleware",
    wrapToolCall: async (request, handler) => {
      const { name, args, id } = request.toolCall;
      if (options.tools && !options.tools.includes(name)) return handler(request);
      const refusal = (content: string) => new ToolMessage({ content, name, tool_call_id: id ?? "", status: "error" });
      const thread = request.runtime.configurable?.thread_id;
      const conversation = options.conversation ?? (thread === undefined ? undefined : { id: thread });
      if (!conversation || !id) return refusal("The tool did not run: the run has no conversation or thread_id to ask in.");
      if (isAmbiguous(id, request.state.messages)) return refusal(AMBIGUOUS);
      const gate = new Gate({ ...options, conversation, run: options.run ?? thread ?? conversation.id }, { editable: true, waits: !durable });
      const call = { tool: name, id, arguments: args };
      // A tool that interrupts the graph itself is called again, with the same permit.
      const verdict = await gate.use(durable ? await settled(gate, call) : await gate.decide(call, request.runtime.signal), call);
      if (!verdict.approved) return refusal(verdict.reason);
      const approved = { ...request, toolCall: { ...request.toolCall, args: verdict.arguments } };
      return gate.run(verdict.approval, () => handler(approved), { suspended: isGraphBubbleUp, failed });
    },
  });
}

const AMBIGUOUS =
  "Not approved: several calls of this step have the same id, so they can't be told apart. No tool ran. " +
  "Make the calls again, each with an id of its own.";

/** Whether the model's last message has several calls with this id: one approval would run all of them. */
function isAmbiguous(id: string, messages: readonly BaseMessage[]): boolean {
  const last = messages.findLast((message) => AIMessage.isInstance(message));
  return (last?.tool_calls ?? []).filter((call) => call.id === id).length > 1;
}

/** Whether a tool's output is an error that the model reads. */
function failed(output: unknown): boolean {
  return ToolMessage.isInstance(output) && output.status === "error";
}

/** Interrupts until the approval has ended. What the graph is resumed with does not count: the service is asked. */
async function settled(gate: Gate, call: ToolCall) {
  for (;;) {
    const verdict = await gate.settle(call);
    if (!("pending" in verdict)) return verdict;
    interrupt({ approval: verdict.pending, tool: call.tool, arguments: call.arguments });
  }
}

/**
 * The command that resumes a graph at all of these interrupts (`result.__interrupt__`, or those of `getState`). What has
 * not been answered interrupts again.
 */
export function resume(interrupts: readonly { id?: string }[]): Command {
  return new Command({ resume: Object.fromEntries(interrupts.flatMap(({ id }) => (id ? [[id, true]] : []))) });
}
