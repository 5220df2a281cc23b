import { Countersign } from "./client.js";
import { digest, sha256 } from "./digest.js";
import { toolKey } from "./keys.js";
import type { Approval, Arguments, AskRequest, Result } from "./types.js";
import { notPermitted, unavailable, verdict, type Verdict } from "./verdict.js";

/** A tool call of an agent. */
export interface ToolCall {
  /** The tool's name. */
  tool: string;
  /** The id of this call. The same after a restart, and never used twice in a run. */
  id: string;
  arguments: Arguments;
}

/** An action in Countersign. */
export interface Action {
  integration: string;
  action: string;
}

/** How an agent's tool calls are asked about. */
export interface GateOptions {
  /** Default: `new Countersign()`, which reads the environment. */
  countersign?: Countersign;
  /** Who decides: a Slack user id or an email address. May be left out if the API key is bound to a user. */
  user?: string;
  /** Who wants to run the tools. */
  agent: AskRequest["agent"];
  /** What the user thinks of as one conversation: *Auto-approve for this conversation* is valid within it. */
  conversation: AskRequest["conversation"];
  /** Makes the ids of calls unique: the id of this run of the agent. Default: the conversation's id. */
  run?: string;
  /** The integration that the tools belong to, or a function that gives the action of a tool. */
  integration: string | ((call: ToolCall) => Action);
  /** Why the agent makes this call, in its own words. */
  reason?: (call: ToolCall) => string | undefined;
  /** Further members of the request, such as `expires_in`, `slack` or `callback_url`. */
  request?: Partial<AskRequest>;
}

/** What an adapter decides about its requests. */
interface GateDefaults {
  /** Whether the stack can run arguments that the user changed. */
  editable: boolean;
  /** Whether the program waits while a person thinks. Once it is gone, the approval is cancelled. */
  waits: boolean;
}

/** The longest idempotency key, and the longest summary of a result. */
const [LONGEST_KEY, LONGEST_SUMMARY] = [255, 300];
/** A program that waits comes back within seconds. */
const ABANDON_AFTER = 60;

/** Asks about an agent's tool calls. What goes wrong is a refusal, never an exception. */
export class Gate {
  readonly #options: GateOptions;
  readonly #defaults: GateDefaults;
  readonly #countersign: Countersign;

  constructor(options: GateOptions, defaults: GateDefaults) {
    this.#options = options;
    this.#defaults = defaults;
    this.#countersign = options.countersign ?? new Countersign();
  }

  /**
   * Asks, waits for the answer, and takes the permit: the call runs now. If `signal` is aborted, the approval is
   * cancelled.
   */
  async approve(call: ToolCall, signal?: AbortSignal): Promise<Verdict> {
    return this.use(await this.decide(call, signal));
  }

  /**
   * Takes the permit of a call that was approved, right before it runs. An approval has one permit: a call whose permit
   * was taken does not run again, because nobody knows whether it ran. With `again`, the call itself gets its permit
   * again, until its result is reported: for a stack that begins a tool anew when it goes on.
   */
  async use(verdict: Verdict, again?: ToolCall): Promise<Verdict> {
    if (!verdict.approved) return verdict;
    try {
      const idempotencyKey = again && (await this.#key(again));
      await this.#countersign.use(verdict.approval, verdict.arguments, { idempotencyKey });
      return verdict;
    } catch (error) {
      return notPermitted(error, verdict.approval);
    }
  }

  /** Asks, and waits for the answer. The permit is not taken. */
  async decide(call: ToolCall, signal?: AbortSignal): Promise<Verdict> {
    let asked: Promise<Approval> | undefined;
    try {
      signal?.throwIfAborted();
      // Asking is not aborted halfway: the approval's id is needed to cancel it.
      asked = this.#ask(call);
      const approval = await unlessAborted(asked, signal);
      return await verdict(await this.#countersign.wait(approval, { signal }), call.arguments);
    } catch (error) {
      // No program will run this call. If the service can't be reached now, it cancels the abandoned approval.
      asked?.then((approval) => this.#countersign.cancel(approval.id)).catch(() => {});
      return unavailable(signal?.aborted ? new Error("the run was stopped.") : error);
    }
  }

  /**
   * Asks, without waiting: the approval's id while it is pending. Ask again to learn how it ended. The permit is not
   * taken.
   */
  async settle(call: ToolCall): Promise<Verdict | { pending: string }> {
    try {
      const approval = await this.#ask(call);
      return approval.status === "pending" ? { pending: approval.id } : await verdict(approval, call.arguments);
    } catch (error) {
      return unavailable(error);
    }
  }

  /** Whether this approval is of this call, and lets it run with exactly these arguments. The permit is not taken. */
  async check(id: string | undefined, call: ToolCall): Promise<Verdict> {
    try {
      if (!id) throw new Error("the answer does not name an approval.");
      const approval = await this.#countersign.get(id);
      const { run, call: approved } = approval.metadata ?? {};
      if (run !== this.#run || approved !== call.id) throw new Error("the approval is for a different call.");
      const decided = await verdict(approval, approval.arguments);
      if (decided.approved && (await digest(decided.arguments)) !== (await digest(call.arguments))) {
        throw new Error("the approval is for other arguments.");
      }
      return decided;
    } catch (error) {
      return unavailable(error);
    }
  }

  /**
   * Runs an approved call, and reports whether it succeeded. The report never changes what the call returns. An error
   * that is `suspended` says that the call goes on later, an output that is `failed` that it did not succeed.
   */
  async run<T>(
    approval: Approval,
    call: () => PromiseLike<T> | T,
    { suspended, failed }: { suspended?: (error: unknown) => boolean; failed?: (output: T) => boolean } = {},
  ): Promise<T> {
    const report = (result: Result) => void this.#countersign.report(approval.id, result).catch(() => {});
    try {
      const output = await call();
      report({ status: failed?.(output) ? "failed" : "succeeded" });
      return output;
    } catch (error) {
      if (suspended?.(error)) throw error;
      const summary = (error instanceof Error ? error.message : String(error)).slice(0, LONGEST_SUMMARY);
      report({ status: "failed", ...(summary ? { summary } : {}) });
      throw error;
    }
  }

  get #run(): string {
    return this.#options.run ?? this.#options.conversation.id;
  }

  async #ask(call: ToolCall): Promise<Approval> {
    const { user, agent, conversation, integration, reason, request } = this.#options;
    const { editable, waits } = this.#defaults;
    const action = typeof integration === "string" ? { integration, action: await toolKey(call.tool) } : integration(call);
    const why = reason?.(call);
    // Throws if JSON would hide what the arguments hold, before a person is asked.
    await digest(call.arguments);
    // The same in every attempt, also after a restart: another request with the same key is refused.
    const body: AskRequest = {
      ...(user === undefined ? {} : { user }),
      agent,
      conversation,
      ...action,
      arguments: call.arguments,
      ...(why === undefined ? {} : { reason: why }),
      ...(waits ? { abandon_after: ABANDON_AFTER } : {}),
      editable,
      ...request,
      metadata: { ...request?.metadata, run: this.#run, call: call.id },
    };
    // A stack that would run the arguments as they were must not be sent others.
    if (!editable) body.editable = false;
    return this.#countersign.ask(body, { idempotencyKey: await this.#key(call) });
  }

  /** The same for the same call, also after a restart. */
  async #key(call: ToolCall): Promise<string> {
    const key = `${this.#run}:${call.id}`;
    return /^[\x21-\x7e]*$/.test(key) && key.length <= LONGEST_KEY ? key : sha256(key);
  }
}

function unlessAborted<T>(promise: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (!signal) return promise;
  return new Promise((resolve, reject) => {
    const abort = () => reject(signal.reason);
    signal.addEventListener("abort", abort, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener("abort", abort));
  });
}
