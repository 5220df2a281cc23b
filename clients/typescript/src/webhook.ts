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
  const text = typeof body === "string" ? body : new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(body);
  const [id, timestamp, signatures] = ["id", "timestamp", "signature"].map((name) => header(headers, `webhook-${name}`));
  if (!id || !timestamp || !signatures) throw new WebhookError("The request has no webhook signature.");
  const age = Math.abs(now() / 1000 - Number(timestamp));
  // Not `age > tolerance`: NaN must not pass.
  if (!/^\d+$/.test(timestamp) || !(age <= tolerance)) throw new WebhookError("The webhook's time is too far from now.");
  const signed = new TextEncoder().encode(`${id}.${timestamp}.${text}`);
  for (const one of typeof secret === "string" ? [secret] : secret) {
    const raw = bytes(one.replace(/^whsec_/, ""));
    if (raw.length === 0) throw new TypeError("The webhook secret must be whsec_ and base64.");
    const key = await crypto.subtle.importKey("raw", raw, { name: "HMAC", hash: "SHA-256" }, false, ["verify"]);
    for (const [version, signature] of signatures.split(" ").map((part) => part.split(",", 2))) {
      if (version !== "v1" || !signature) continue;
      if (await crypto.subtle.verify("HMAC", key, bytes(signature), signed)) return JSON.parse(text) as WebhookEvent;
    }
  }
  throw new WebhookError("The webhook's signature does not match.");
}

function header(headers: WebhookHeaders, name: string): string | undefined {
  if (typeof headers.get === "function") return headers.get(name) ?? undefined;
  const value = (headers as Record<string, string | string[] | undefined>)[name];
  return Array.isArray(value) ? value[0] : value;
}

/** The bytes of base64. What is not base64 has none, so it matches nothing. */
function bytes(base64: string): Uint8Array<ArrayBuffer> {
  try {
    return Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
  } catch {
    return new Uint8Array();
  }
}
