/** Approvals for the AI SDK (`ai` 7). */
import type { ModelMessage, ToolApprovalStatus, ToolSet } from "ai";

import { Gate, type GateOptions, type ToolCall } from "./gate.js";
import type { Arguments } from "./types.js";

export type { GateOptions } from "./gate.js";

/** A setting for `toolApproval` that suits any tools. */
export type ToolApproval = (options: {
  toolCall: { toolName: string; toolCallId: string; input: unknown };
  messages: ModelMessage[];
}) => Promise<ToolApprovalStatus>;

/** Which tools need an approval. Default: all that run here. */
export interface AiSdkOptions extends GateOptions {
  tools?: readonly string[];
}

/**
 * The same tools, each of which asks before it runs. Calls of one step are asked about at once, run with what the user
 * made of their arguments, and report how they ended. The model reads a refusal as the tool's error.
 */
export function withApproval<TOOLS extends ToolSet>(tools: TOOLS, options: AiSdkOptions): TOOLS {
  const gate = new Gate(options, { editable: true, waits: true });
  const wrapped = Object.entries(tools).map(([tool, definition]) => {
    const { execute } = definition;
    if (!execute || !needsApproval(tool, options)) return [tool, definition];
    const asks: typeof execute = async (input, execution) => {
      const call = { tool, id: execution.toolCallId, arguments: input as Arguments };
      const verdict = await gate.approve(call, execution.abortSignal);
      if (!verdict.approved) throw new Error(verdict.reason);
      return gate.run(verdict.approval, () => last(execute(verdict.arguments, execution)));
    };
    return [tool, { ...definition, execute: asks }];
  });
  return Object.fromEntries(wrapped) as TOOLS;
}

/**
 * A function for `toolApproval` that waits for the answer. The AI SDK calls it for one call of a step after the other,
 * without a signal, and runs the arguments as they are: `withApproval` does more.
 */
export function toolApproval(options: AiSdkOptions): ToolApproval {
  const gate = new Gate(options, { editable: false, waits: true });
  return async ({ toolCall }) => {
    if (!needsApproval(toolCall.toolName, options)) return "not-applicable";
    return status(await gate.approve(callOf(toolCall)));
  };
}

/** Approvals that outlive the process: the run stops at `user-approval`, and goes on from stored messages. */
export interface DurableApproval {
  /** For `toolApproval`: asks, and doesn't wait. On resuming, lets only run what was approved, exactly as it was. */
  toolApproval: ToolApproval;
  /**
   * Answers the open requests in these messages. Call it when a webhook arrives; continue with the returned messages if
   * `pending` is empty. Arguments that the user changed are in the calls of the returned messages.
   */
  answer(messages: readonly ModelMessage[], options?: { wait?: boolean; signal?: AbortSignal }): Promise<{
    messages: ModelMessage[];
    /** The ids of approvals that have not ended. */
    pending: string[];
  }>;
}

/** Asks without waiting. `callback_url` in `request`, or the backend's webhook endpoint, says when to `answer`. */
export function durableApproval(options: AiSdkOptions): DurableApproval {
  const gate = new Gate(options, { editable: true, waits: false });
  return {
    async toolApproval({ toolCall, messages }) {
      if (!needsApproval(toolCall.toolName, options)) return "not-applicable";
      const call = callOf(toolCall);
      const answered = responseTo(toolCall.toolCallId, messages);
      // Stored messages may have passed through a browser: what counts is what the service says.
      if (answered) return status(await gate.use(await gate.check(answered.reason?.match(APPROVAL_ID)?.[0], call)));
      const verdict = await gate.settle(call);
      if ("pending" in verdict) return { type: "user-approval", reason: `Asked in Slack (${verdict.pending}).` };
      // An edited call runs from the messages: `answer` puts the changed arguments into them.
      if (verdict.approved && verdict.edited) return { type: "user-approval", reason: `Answered (${verdict.approval.id}).` };
      return status(await gate.use(verdict));
    },

    async answer(messages, { wait = false, signal } = {}) {
      const open = openRequests(messages);
      const verdicts = await Promise.all(
        open.map(({ call }) => (wait ? gate.decide(call, signal) : gate.settle(call))),
      );
      const pending = verdicts.flatMap((verdict) => ("pending" in verdict ? [verdict.pending] : []));
      if (open.length === 0 || pending.length > 0) return { messages: [...messages], pending };
      const edits = new Map<string, Arguments>();
      const content = open.map(({ approvalId, call }, index) => {
        const verdict = verdicts[index]!;
        if ("pending" in verdict) throw new Error("unreachable");
        if (!verdict.approved) return { type: "tool-approval-response" as const, approvalId, approved: false, reason: verdict.reason };
        if (verdict.edited) edits.set(call.id, verdict.arguments);
        const reason = `${verdict.reason} (${verdict.approval.id})`;
        return { type: "tool-approval-response" as const, approvalId, approved: true, reason };
      });
      return { messages: [...messages.map((message) => edited(message, edits)), { role: "tool", content }], pending };
    },
  };
}

const APPROVAL_ID = /apr_[0-9a-f]{32}/;

function needsApproval(tool: string, { tools }: AiSdkOptions): boolean {
  return tools?.includes(tool) ?? true;
}

function callOf(toolCall: { toolName: string; toolCallId: string; input: unknown }): ToolCall {
  return { tool: toolCall.toolName, id: toolCall.toolCallId, arguments: toolCall.input as Arguments };
}

function status({ approved, reason }: { approved: boolean; reason: string }): ToolApprovalStatus {
  return { type: approved ? "approved" : "denied", reason };
}

/** The last output of a tool that streams several. */
async function last<T>(output: AsyncIterable<T> | PromiseLike<T> | T): Promise<T> {
  if (!(typeof output === "object" && output !== null && Symbol.asyncIterator in output)) return output;
  let result: T | undefined;
  for await (const part of output) result = part;
  return result as T;
}

/** The unanswered requests, with their calls. */
function openRequests(messages: readonly ModelMessage[]): { approvalId: string; call: ToolCall }[] {
  const calls = new Map<string, ToolCall>();
  const open = new Map<string, string>();
  for (const { role, content } of messages) {
    if (typeof content === "string") continue;
    for (const part of content) {
      if (part.type === "tool-call") calls.set(part.toolCallId, callOf(part));
      if (role === "assistant" && part.type === "tool-approval-request") open.set(part.approvalId, part.toolCallId);
      if (part.type === "tool-approval-response") open.delete(part.approvalId);
    }
  }
  return [...open].flatMap(([approvalId, id]) => {
    const call = calls.get(id);
    return call ? [{ approvalId, call }] : [];
  });
}

/** The answer to the request about this call, if there is one. */
function responseTo(toolCallId: string, messages: readonly ModelMessage[]): { reason?: string } | undefined {
  const parts = messages.flatMap(({ content }) => (typeof content === "string" ? [] : [...content]));
  const request = parts.find((part) => part.type === "tool-approval-request" && part.toolCallId === toolCallId);
  if (request?.type !== "tool-approval-request") return undefined;
  const response = parts.find((part) => part.type === "tool-approval-response" && part.approvalId === request.approvalId);
  return response?.type === "tool-approval-response" ? response : undefined;
}

function edited(message: ModelMessage, edits: ReadonlyMap<string, Arguments>): ModelMessage {
  if (message.role !== "assistant" || typeof message.content === "string") return message;
  const content = message.content.map((part) =>
    part.type === "tool-call" && edits.has(part.toolCallId) ? { ...part, input: edits.get(part.toolCallId) } : part,
  );
  return { ...message, content };
}
