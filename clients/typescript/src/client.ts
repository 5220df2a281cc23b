import { digest } from "./digest.js";
import type { Approval, Arguments, AskRequest, Permit, Problem, Result } from "./types.js";

/** The service refused a call, or could not be reached. */
export class CountersignError extends Error {
  override readonly name = "CountersignError";

  constructor(
    message: string,
    /** The HTTP status, if there was a response. */
    readonly status?: number,
    /** The body of an error response. */
    readonly problem?: Problem,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }

  /** The last part of the problem's type, such as `already-ended`. */
  get kind(): string | undefined {
    return this.problem?.type.split(":").at(-1);
  }
}

/** Where the service is, and how patient the client is. */
export interface CountersignOptions {
  /** Default: the environment variable `COUNTERSIGN_URL`. */
  url?: string;
  /** Default: the environment variable `COUNTERSIGN_API_KEY`. */
  apiKey?: string;
  /** How long a call is retried if the service is busy or can't be reached, in milliseconds. Default: 30,000. */
  retryFor?: number;
  /** How long one HTTP request may take, in milliseconds, a wait not counted. Default: 15,000. */
  timeout?: number;
  /** Default: the global `fetch`. */
  fetch?: typeof fetch;
}

/** The longest that a long poll waits at the service, in seconds. */
const WAIT = 50;
/** A wait that was shorter is followed by a pause, in milliseconds. */
const SHORT_WAIT = 1_000;
/** The first and the longest pause between two attempts, in milliseconds. */
const [FIRST_PAUSE, LONGEST_PAUSE] = [250, 8_000];
/** Statuses after which the same request may succeed. Calls are safe to repeat: those that ask have a key. */
const TEMPORARY = new Set([408, 429, 500, 502, 503, 504]);

interface Call {
  method: "GET" | "POST";
  path: string;
  body?: unknown;
  idempotencyKey?: string | undefined;
  signal?: AbortSignal | undefined;
  /** How long the service may take to answer, beyond the usual. */
  wait?: number;
  retryFor?: number;
}

/** A client of the Countersign API. */
export class Countersign {
  readonly #url: string;
  readonly #apiKey: string;
  readonly #retryFor: number;
  readonly #timeout: number;
  readonly #fetch: typeof fetch;

  constructor(options: CountersignOptions = {}) {
    const { process } = globalThis as { process?: { env?: Record<string, string | undefined> } };
    // Secrets that are read from files often end in a line break.
    const url = (options.url ?? process?.env?.["COUNTERSIGN_URL"])?.trim();
    const apiKey = (options.apiKey ?? process?.env?.["COUNTERSIGN_API_KEY"])?.trim();
    if (!url) throw new TypeError("Set `url` or COUNTERSIGN_URL to the address of Countersign.");
    if (!/^https?:\/\/[^/]/i.test(url)) throw new TypeError(`${JSON.stringify(url)} is not an http or https URL.`);
    if (!apiKey) throw new TypeError("Set `apiKey` or COUNTERSIGN_API_KEY to an API key (cs_…).");
    if (!/^[\x21-\x7e]+$/.test(apiKey)) throw new TypeError("The API key is not valid: it looks like cs_…");
    this.#url = url.replace(/\/+$/, "");
    this.#apiKey = apiKey;
    this.#retryFor = options.retryFor ?? 30_000;
    this.#timeout = options.timeout ?? 15_000;
    this.#fetch = options.fetch ?? ((...call) => fetch(...call));
  }

  /**
   * Asks for an approval. It may be approved at once, by a grant. Repeating the request with the same key returns the
   * same approval as it is then, so the key should be made of the run and the call, and survive a restart.
   */
  ask(request: AskRequest, options: { idempotencyKey: string; signal?: AbortSignal | undefined }): Promise<Approval> {
    return this.#call({ method: "POST", path: "/v1/approvals", body: request, ...options });
  }

  /** Reads an approval. */
  get(id: string, options: { signal?: AbortSignal | undefined } = {}): Promise<Approval> {
    return this.#call({ method: "GET", path: path(id), ...options });
  }

  /**
   * Waits until the approval has ended, and returns it. Outages are waited out for as long as a person could have
   * answered. Aborting `signal` ends the wait, not the approval: call `cancel` for that.
   */
  async wait(approval: Approval | string, options: { signal?: AbortSignal | undefined } = {}): Promise<Approval> {
    let current = typeof approval === "string" ? await this.get(approval, options) : approval;
    // Two times of the same clock: this machine's may differ from the service's.
    const deadline = Date.now() + (Date.parse(current.expires_at) - Date.parse(current.created_at) || 0);
    while (current.status === "pending") {
      const began = Date.now();
      const retryFor = Math.max(deadline - began, this.#retryFor);
      current = await this.#call({
        method: "GET", path: `${path(current.id)}?wait=${WAIT}`, wait: WAIT * 1000, retryFor, ...options,
      });
      // A service that does not let the call wait, for instance because it is shutting down.
      if (current.status === "pending" && Date.now() - began < SHORT_WAIT) await sleep(SHORT_WAIT, options.signal);
    }
    return current;
  }

  /** Cancels an approval. Returns it as it is: it may have ended in another way a moment before. */
  async cancel(id: string): Promise<Approval> {
    try {
      return await this.#call({ method: "POST", path: `${path(id)}/cancel` });
    } catch (error) {
      if (error instanceof CountersignError && error.problem?.approval) return error.problem.approval;
      throw error;
    }
  }

  /**
   * Takes the permit to run the call once, with these arguments. Call it right before the call runs. Throws a
   * `CountersignError` if the call must not run: the permit was used, has lapsed, or is for other arguments, or the
   * auto-approval behind it was turned off. `undefined`: the service is older than permits, and the approval is enough.
   */
  async use(approval: Approval | string, args: Arguments, options: { idempotencyKey?: string | undefined } = {}): Promise<Permit | undefined> {
    const id = typeof approval === "string" ? approval : approval.id;
    // Of what is about to run, not what the service said was approved.
    const body = { arguments_digest: await digest(args) };
    const idempotencyKey = options.idempotencyKey ?? crypto.randomUUID();
    try {
      const permit = await this.#call({ method: "POST", path: `${path(id)}/use`, body, idempotencyKey }, isPermit);
      if (permit.approval === id && permit.arguments_digest === body.arguments_digest) return permit;
    } catch (error) {
      if (error instanceof CountersignError && error.status === 404 && error.kind === "unknown-path") return undefined;
      throw error;
    }
    throw new CountersignError("Countersign responded with the permit of another call.");
  }

  /** Reports what came of an approved call, for the person who approved it. */
  report(id: string, result: Result): Promise<Approval> {
    return this.#call({ method: "POST", path: `${path(id)}/result`, body: result });
  }

  #call(call: Call): Promise<Approval>;
  #call<T>(call: Call, is: (value: unknown) => value is T): Promise<T>;
  async #call(
    { method, path, body, idempotencyKey, signal, wait = 0, retryFor = this.#retryFor }: Call,
    is: (value: unknown) => boolean = isApproval,
  ): Promise<unknown> {
    const giveUp = Date.now() + retryFor;
    const headers: Record<string, string> = { authorization: `Bearer ${this.#apiKey}` };
    if (body !== undefined) headers["content-type"] = "application/json";
    if (idempotencyKey !== undefined) headers["idempotency-key"] = idempotencyKey;
    for (let pause = FIRST_PAUSE; ; pause = Math.min(2 * pause, LONGEST_PAUSE)) {
      signal?.throwIfAborted();
      const failure = await this.#attempt(`${this.#url}${path}`, {
        method, headers, signal: limited(this.#timeout + wait, signal),
        // The key goes to no other address.
        redirect: "manual",
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      }, is);
      if (!(failure instanceof Failure)) return failure;
      signal?.throwIfAborted();
      // Jitter, so that many callers don't come back at the same moment.
      // At least as long as without `Retry-After`: with a clock that is ahead, its date may have passed.
      const delay = Math.max(failure.retryAfter ?? 0, pause * (0.5 + Math.random() / 2));
      if (!failure.temporary || Date.now() + delay > giveUp) throw failure.error;
      await sleep(delay, signal);
    }
  }

  async #attempt(url: string, init: RequestInit, is: (value: unknown) => boolean): Promise<unknown> {
    let response: Response;
    let text: string;
    try {
      response = await this.#fetch(url, init);
      text = await response.text();
    } catch (cause) {
      return new Failure(new CountersignError("Could not reach Countersign.", undefined, undefined, { cause }), true);
    }
    const json = parsed(text);
    if (response.ok && is(json)) return json;
    const temporary = response.ok || TEMPORARY.has(response.status);
    const problem = isProblem(json) ? json : undefined;
    const faults = problem?.errors?.map((fault) => ` ${fault.pointer ?? fault.parameter ?? ""}: ${fault.detail}.`) ?? [];
    const message = problem
      ? `${problem.title}: ${problem.detail}${faults.join("")}`
      : `Countersign responded ${response.status} without ${is === isPermit ? "a permit" : "an approval"}.`;
    const error = new CountersignError(message, response.status, problem);
    return new Failure(error, temporary, retryAfter(response.headers.get("retry-after")));
  }
}

class Failure {
  constructor(
    readonly error: CountersignError,
    readonly temporary: boolean,
    readonly retryAfter?: number,
  ) {}
}

function path(id: string): string {
  return `/v1/approvals/${encodeURIComponent(id)}`;
}

function limited(milliseconds: number, signal: AbortSignal | undefined): AbortSignal {
  const timeout = AbortSignal.timeout(milliseconds);
  return signal ? AbortSignal.any([signal, timeout]) : timeout;
}

/** In milliseconds. The header has seconds or, from a proxy, a date. */
function retryAfter(header: string | null): number | undefined {
  if (!header) return undefined;
  const seconds = Number(header);
  const delay = Number.isNaN(seconds) ? Date.parse(header) - Date.now() : seconds * 1000;
  return Number.isNaN(delay) ? undefined : Math.max(delay, 0);
}

function sleep(milliseconds: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    const abort = () => {
      clearTimeout(timer);
      reject(signal?.reason);
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener("abort", abort);
      resolve();
    }, milliseconds);
    signal?.addEventListener("abort", abort, { once: true });
  });
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function isApproval(value: unknown): value is Approval {
  const { id, status, arguments_digest } = (value ?? {}) as Partial<Approval>;
  return typeof id === "string" && typeof status === "string" && typeof arguments_digest === "string";
}

function isPermit(value: unknown): value is Permit {
  const { approval, arguments_digest, key, used_at } = (value ?? {}) as Partial<Permit>;
  return [approval, arguments_digest, key, used_at].every((member) => typeof member === "string");
}

function isProblem(value: unknown): value is Problem {
  const { type, title, detail, errors = [] } = (value ?? {}) as Partial<Problem>;
  // A proxy in between may send JSON of its own.
  const listed = Array.isArray(errors) && errors.every((fault: unknown) => typeof fault === "object" && fault !== null);
  return typeof type === "string" && typeof title === "string" && typeof detail === "string" && listed;
}
