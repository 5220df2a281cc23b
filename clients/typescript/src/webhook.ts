import type { WebhookEvent } from "./types.js";

/** A webhook that must not be believed. Respond 401. */
export class WebhookError extends Error {
  override readonly name = "WebhookError";
}

/** The headers of a request: those of `fetch`, or those of Node. */
export type WebhookHeaders = Headers | Record<string, string | string[] | undefined>;

/**
 * Verifies a webhook (Standard Webhooks), and returns its event. Throws a `WebhookError` if it was not signed with the
 * secret, or not within the last or next `tolerance` seconds.
 *
 * `body`: exactly as it arrived. `secret`: `whsec_…`; several while it is rotated. The same event may arrive twice.
 */
export async function verifyWebhook(
  body: string | Uint8Array,
  headers: WebhookHeaders,
  secret: string | readonly string[],
  { tolerance = 300, now = Date.now }: { tolerance?: number; now?: () => number } = {},
): Promise<WebhookEvent> {
  if (typeof body !== "string" && !ArrayBuffer.isView(body)) {
    throw new TypeError("Pass the body as it arrived, a string or bytes, and not what a framework parsed.");
  }
  const text = decoded(body);
  const keys = (typeof secret === "object" ? secret : [secret ?? ""]).map((one) => bytes(one.trim().replace(/^whsec_/, "")));
  // Anyone can sign with an empty key.
  if (keys.some(({ length }) => length === 0)) throw new TypeError("The webhook secret must be whsec_ and base64.");
  const [id, timestamp, signatures] = ["id", "timestamp", "signature"].map((name) => header(headers, `webhook-${name}`));
  if (!id || !timestamp || !signatures) throw new WebhookError("The request has no webhook signature.");
  const age = Math.abs(now() / 1000 - Number(timestamp));
  // Not `age > tolerance`: NaN must not pass.
  if (!/^\d+$/.test(timestamp) || !(age <= tolerance)) throw new WebhookError("The webhook's time is too far from now.");
  const signed = new TextEncoder().encode(`${id}.${timestamp}.${text}`);
  for (const raw of keys) {
    const key = await crypto.subtle.importKey("raw", raw, { name: "HMAC", hash: "SHA-256" }, false, ["verify"]);
    for (const [version, signature] of signatures.split(" ").map((part) => part.split(",", 2))) {
      if (version !== "v1" || !signature) continue;
      if (await crypto.subtle.verify("HMAC", key, bytes(signature), signed)) return event(text);
    }
  }
  throw new WebhookError("The webhook's signature does not match.");
}

function header(headers: WebhookHeaders, name: string): string | undefined {
  if (typeof headers.get === "function") return headers.get(name) ?? undefined;
  // Some gateways keep the case in which a header was sent.
  const value = Object.entries(headers).find(([key]) => key.toLowerCase() === name)?.[1] as string | string[] | undefined;
  return Array.isArray(value) ? value[0] : value;
}

function decoded(body: string | Uint8Array): string {
  if (typeof body === "string") return body;
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(body);
  } catch (cause) {
    throw new WebhookError("The webhook is not UTF-8.", { cause });
  }
}

function event(text: string): WebhookEvent {
  let found: WebhookEvent | undefined;
  try {
    found = JSON.parse(text) as WebhookEvent;
  } catch {
    // Not readable either.
  }
  const status = (found?.data as { status?: unknown } | undefined)?.status;
  if (found?.type === "webhook.ping" || (status !== undefined && found?.type === `approval.${String(status)}`)) return found;
  throw new WebhookError("The webhook is not readable.");
}

/** The bytes of base64. What is not base64 has none, so it matches nothing. */
function bytes(base64: string): Uint8Array<ArrayBuffer> {
  try {
    return Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
  } catch {
    return new Uint8Array();
  }
}
