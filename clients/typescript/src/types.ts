/** Any JSON value. */
export type Json = null | boolean | number | string | Json[] | { [member: string]: Json };

/** The arguments of an action. */
export type Arguments = Record<string, unknown>;

/** How an approval stands. */
export type Status = "pending" | "approved" | "denied" | "expired" | "cancelled" | "undeliverable";

/** The body of `POST /v1/approvals`, as `/openapi.json` describes it. */
export interface AskRequest {
  /** A Slack user id (`U…`) or an email address. May be left out if the API key is bound to a user. */
  user?: string;
  /** Who wants to run the action. */
  agent: { id: string; name?: string };
  /** The run of the agent that asks. */
  conversation: { id: string; title?: string; url?: string };
  integration: string;
  action: string;
  arguments: Arguments;
  /** Whether your program runs arguments that the user changes. Default: false. */
  editable?: boolean;
  /** Why the agent asks, in its own words. */
  reason?: string;
  /** Seconds the user has to answer, from 10 to 604,800. Default: 1800. */
  expires_in?: number;
  /** Cancels the approval after this many seconds without a caller that waits, from 5 to 86,400. */
  abandon_after?: number;
  /** Receives the end of this approval, signed with your webhook secret. */
  callback_url?: string;
  /** Where to ask, instead of in the user's direct messages. */
  slack?: { channel: string; thread_ts?: string };
  /** Returned in every response and webhook, and never shown in Slack. */
  metadata?: Record<string, unknown>;
}

/** What ended an approval. */
export interface Decision {
  outcome: Exclude<Status, "pending">;
  scope: "once" | "conversation" | "always" | null;
  /** `user`: the person. `auto`: a grant, the clock, or Slack refusing the prompt. `backend`: it was cancelled. */
  by: "user" | "auto" | "policy" | "backend";
  user: string | null;
  grant: string | null;
  /** What the user wrote for the agent, or why the service ended it. */
  reason: string | null;
  /** The arguments that the user made of yours; `null` if nothing was changed. */
  arguments: Arguments | null;
  arguments_digest: string | null;
  decided_at: string;
}

/** What came of an approved call. */
export interface Result {
  /** `failed` if the action failed or was not run. */
  status: "succeeded" | "failed";
  /** What came of it, in at most 300 characters. Shown in Slack as the agent's. */
  summary?: string | null;
  /** Where people can see it. */
  url?: string | null;
}

/** A request of an agent to run an action once, and what became of it. */
export interface Approval {
  id: string;
  status: Status;
  user: string;
  agent: { id: string; name: string | null };
  conversation: { id: string; title: string | null; url: string | null };
  integration: string;
  action: string;
  arguments: Arguments;
  arguments_digest: string;
  editable: boolean;
  reason: string | null;
  metadata: Record<string, unknown> | null;
  created_at: string;
  expires_at: string;
  /** `null` while it is pending. */
  decision: Decision | null;
  result: (Result & { reported_at: string }) | null;
}

/** The single use of an approval. */
export interface Permit {
  /** The approval's id. */
  approval: string;
  /** The digest of the arguments that may run. */
  arguments_digest: string;
  /** The public part of the API key that took it. */
  key: string;
  used_at: string;
}

/** An error of the API (RFC 9457). docs/errors.md lists the types. */
export interface Problem {
  /** `urn:countersign:problem:` and the kind. */
  type: string;
  title: string;
  status: number;
  /** What to do. */
  detail: string;
  errors?: { pointer: string | null; parameter?: string | null; detail: string }[];
  /** The approval that has already ended. */
  approval?: Approval | null;
  /** The permit that was used before. */
  permit?: Permit | null;
}

/** The body of a webhook: the end of an approval, or a ping. */
export type WebhookEvent =
  | { type: `approval.${Exclude<Status, "pending">}`; timestamp: string; data: Approval }
  | { type: "webhook.ping"; timestamp: string; data: object };
