// A complete agent backend: it asks, waits, and runs the action only as it was approved.
//
// Needs the package `standardwebhooks`. Set COUNTERSIGN_URL, COUNTERSIGN_API_KEY, COUNTERSIGN_WEBHOOK_SECRET and PORT, then:
//     npx tsx backend.ts U0ALICE github create_issue '{"title": "Hello"}'
import { createHash, randomUUID } from "node:crypto";
import { EventEmitter, once } from "node:events";
import { createServer } from "node:http";
import { setTimeout as pause } from "node:timers/promises";
import { Webhook } from "standardwebhooks";

type Json = null | boolean | number | string | Json[] | { [key: string]: Json };
type Edited = { arguments?: Json; arguments_digest?: string | null };
type Approval = { id: string; status: string; arguments_digest: string; decision: null | ({ reason: string | null } & Edited) };

const { COUNTERSIGN_URL: url, COUNTERSIGN_API_KEY: key, COUNTERSIGN_WEBHOOK_SECRET: secret, PORT: port } = process.env;
const webhook = new Webhook(secret!);
const ended = new EventEmitter();
const told = new Map<string, Approval>();

const receiver = createServer(async (request, response) => {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk);
  try {
    // Nothing in the body is believed before the signature is.
    const body = Buffer.concat(chunks).toString();
    const event = webhook.verify(body, request.headers as Record<string, string>) as { type: string; data: Approval };
    response.writeHead(204).end(); // Taken. Whatever else is answered, it comes again.
    if (!event.type.startsWith("approval.")) return;
    told.set(event.data.id, event.data);
    ended.emit(event.data.id);
  } catch (error) {
    response.writeHead(401).end();
    console.error("rejected a webhook:", error instanceof Error ? error.message : error);
  }
});

async function call(method: string, path: string, body?: Json, headers: Record<string, string> = {}): Promise<Approval> {
  const response = await fetch(url + path, {
    method,
    headers: { authorization: `Bearer ${key}`, "content-type": "application/json", ...headers },
    body: body === undefined ? undefined : JSON.stringify(body),
  });
  if ([429, 503].includes(response.status)) {
    await pause(1000 * Number(response.headers.get("retry-after") ?? 1)); // Busy: the same again.
    return call(method, path, body, headers);
  }
  const answer = (await response.json()) as Approval & { detail: string; errors?: Json };
  if (!response.ok) throw new Error(`refused: ${answer.detail} ${JSON.stringify(answer.errors ?? "")}`);
  return answer;
}

// RFC 8785: numbers and strings are written as JSON.stringify writes them, members in the order of their UTF-16 code units.
function canonical(value: Json): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join()}]`;
  if (value === null || typeof value !== "object") return JSON.stringify(value);
  const members = Object.keys(value).sort().map((name) => `${JSON.stringify(name)}:${canonical(value[name]!)}`);
  return `{${members.join()}}`;
}

async function wait(approval: Approval): Promise<Approval> {
  while (approval.status === "pending") {
    if (!told.has(approval.id)) await once(ended, approval.id, { signal: AbortSignal.timeout(50_000) }).catch(() => {});
    // A webhook may be late: what counts is what the service says.
    approval = told.get(approval.id) ?? (await call("GET", `/v1/approvals/${approval.id}?wait=5`));
  }
  return approval;
}

const [user, integration, action, given] = process.argv.slice(2) as [string, string, string, string];
const args: Json = JSON.parse(given);
receiver.listen(Number(port), "127.0.0.1");
const agent = { id: "guide", name: "Guide" };
// This program runs what the user makes of the arguments.
const ask = { user, agent, conversation: { id: randomUUID() }, integration, action, arguments: args, editable: true };
// The key makes it safe to send the same request again when an answer is lost.
const approval = await wait(await call("POST", "/v1/approvals", ask, { "idempotency-key": randomUUID() }));
const edited = approval.decision?.arguments;
const run = edited ?? args;
const approved = edited ? approval.decision!.arguments_digest : approval.arguments_digest;
const digest = "sha256:" + createHash("sha256").update(canonical(run)).digest("hex");
if (approval.status !== "approved") console.log("stopped:", approval.status, approval.decision?.reason ?? "");
else if (approved !== digest) console.log("stopped: something else was approved");
else {
  console.log("ran", `${integration}.${action}`, JSON.stringify(run)); // Here the action really runs.
  // The person who approved learns what came of it. A failed call is reported too.
  const report = { status: "succeeded", summary: `Ran ${action}` };
  await call("POST", `/v1/approvals/${approval.id}/result`, report);
}
process.exit();
