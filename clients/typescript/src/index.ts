export { Countersign, CountersignError, type CountersignOptions } from "./client.js";
export { digest } from "./digest.js";
export type { Action, GateOptions, ToolCall } from "./gate.js";
export type {
  Approval, Arguments, AskRequest, Decision, Json, Permit, Problem, Result, Status, WebhookEvent,
} from "./types.js";
export { toolKey } from "./keys.js";
export { verdict, type Verdict } from "./verdict.js";
export { verifyWebhook, WebhookError, type WebhookHeaders } from "./webhook.js";
