/** A plugin for OpenClaw, which asks before OpenClaw runs a tool. `openclaw.plugin.json` describes its settings. */
import { Countersign } from "./client.js";
import { Gate } from "./gate.js";
import type { Arguments } from "./types.js";

/** The plugin's settings, `plugins.entries.countersign.config`. */
export interface OpenClawSettings {
  /** Default: COUNTERSIGN_URL. */
  url?: string;
  /** Default: COUNTERSIGN_API_KEY. */
  apiKey?: string;
  /** Who decides. May be left out if the API key is bound to a user. */
  user?: string;
  /** What the actions of the tools belong to. Default: `openclaw`. */
  integration?: string;
  /** OpenClaw's ids of the tools that need an approval. Default: all. */
  tools?: string[];
  /** How many seconds the user has to answer. Default: 1800. */
  expiresIn?: number;
}

/** The part of OpenClaw's plugin API that is used here (`openclaw/plugin-sdk/plugin-entry`). */
export interface OpenClawApi {
  pluginConfig?: Record<string, unknown>;
  on(hook: "before_tool_call", handler: BeforeToolCall, options: { matcher?: string[]; timeoutMs: number }): void;
}

export type BeforeToolCall = (
  event: { toolName: string; params: Record<string, unknown>; runId?: string; toolCallId?: string },
  context: { agentId?: string; sessionKey?: string; sessionId?: string; runId?: string; abortSignal?: AbortSignal },
) => Promise<{ params?: Arguments; block?: boolean; blockReason?: string } | undefined>;

/** OpenClaw gives a hook 15 seconds unless it says more. An approval has to end first: then the model reads why. */
const GRACE = 120;

export default {
  id: "countersign",
  name: "Countersign",
  description: "Asks a person in Slack before a tool runs.",
  register(api: OpenClawApi): void {
    const settings = (api.pluginConfig ?? {}) as OpenClawSettings;
    const expiresIn = settings.expiresIn ?? 1800;
    const { url, apiKey, user, integration = "openclaw", tools } = settings;
    const handler: BeforeToolCall = async ({ toolName, params, ...event }, context) => {
      const conversation = context.sessionKey ?? context.sessionId ?? event.runId ?? context.runId ?? "openclaw";
      const gate = new Gate(
        {
          // Here and not in `register`: a plugin that can't be loaded asks about nothing, a hook that fails blocks.
          countersign: new Countersign({ ...(url ? { url } : {}), ...(apiKey ? { apiKey } : {}) }),
          ...(user ? { user } : {}),
          agent: { id: context.agentId ?? "openclaw", name: "OpenClaw" },
          conversation: { id: conversation },
          run: event.runId ?? context.runId ?? conversation,
          integration,
          request: { expires_in: expiresIn },
        },
        { editable: true, waits: true },
      );
      const call = { tool: toolName, id: event.toolCallId ?? crypto.randomUUID(), arguments: params };
      const verdict = await gate.approve(call, context.abortSignal);
      if (!verdict.approved) return { block: true, blockReason: verdict.reason };
      return verdict.edited ? { params: verdict.arguments } : undefined;
    };
    api.on("before_tool_call", handler, { ...(tools ? { matcher: tools } : {}), timeoutMs: (expiresIn + GRACE) * 1000 });
  },
};
