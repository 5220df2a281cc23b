import assert from "node:assert/strict";
import { createHmac, randomUUID } from "node:crypto";
import { describe, test } from "node:test";

import { Countersign, CountersignError, digest, toolKey, verdict, verifyWebhook, WebhookError, type AskRequest } from "@countersign/sdk";

import { ALICE, pick, Receiver, waitForPending } from "./demo.js";

const request = (conversation: string, more: Partial<AskRequest> = {}): AskRequest => ({
  user: ALICE, agent: { id: "core" }, conversation: { id: conversation },
  integration: "github", action: "create_issue", arguments: { owner: "acme", repo: "app", title: "Größe" }, ...more,
});

/** Responses in place of a service's. */
function scripted(...responses: (() => Response | Promise<Response>)[]) {
  const calls: { url: string; init: RequestInit }[] = [];
  const fetch: typeof globalThis.fetch = async (url, init) => {
    calls.push({ url: String(url), init: init! });
    return (responses[calls.length - 1] ?? responses.at(-1))!();
  };
  return { calls, countersign: new Countersign({ url: "http://service", apiKey: "cs_x", retryFor: 2_000, fetch }) };
}

const approval = { id: "apr_1", status: "pending", arguments_digest: "sha256:1", created_at: "2026-01-01T00:00:00Z", expires_at: "2026-01-01T00:30:00Z" };
const json = (value: unknown, init?: ResponseInit) => () => Response.json(value, init);
const problem = (kind: string, status: number) => json({ type: `urn:countersign:problem:${kind}`, title: "No", detail: "Stop.", status }, { status });

describe("the client", { concurrency: true }, () => {
  const countersign = new Countersign();

  test("asks once, waits and reports", async () => {
    const [id, idempotencyKey] = [randomUUID(), randomUUID()];
    const asked = await countersign.ask(request(id), { idempotencyKey });
    assert.deepEqual(await countersign.ask(request(id), { idempotencyKey }), asked);
    const waiting = countersign.wait(asked.id);
    await pick("not_now", asked.id);
    const ended = await waiting;
    assert.equal(ended.decision?.reason, "not now");
    const refusal = await verdict(ended, request(id).arguments);
    assert.match(refusal.reason, /^The tool did not run\. Denied in Slack by U0ALICE\. Their reason: “not now”\. Do not retry/);
    const again = await countersign.ask(request(id), { idempotencyKey: randomUUID() });
    await pick("approve", again.id);
    const approved = await countersign.wait(again);
    assert.ok((await verdict(approved, { title: "Größe", repo: "app", owner: "acme" })).approved);
    assert.match((await verdict(approved, { title: "Other" })).reason, /different call/);
    const reported = await countersign.report(again.id, { status: "succeeded", summary: "Opened #7" });
    assert.equal(reported.result?.summary, "Opened #7");
    assert.match((await verdict(reported, request(id).arguments)).reason, /already ran/);
  });

  test("permits one run of what was approved", async () => {
    const asked = await countersign.ask(request(randomUUID()), { idempotencyKey: randomUUID() });
    const args = request("").arguments;
    const kind = (call: Promise<unknown>) => call.then(() => "used", (error: CountersignError) => error.kind);
    assert.equal(await kind(countersign.use(asked, args)), "not-approved");
    await pick("approve", asked.id);
    await countersign.wait(asked);
    assert.equal(await kind(countersign.use(asked, { ...args, title: "Another" })), "other-arguments");
    const permit = await countersign.use(asked, args, { idempotencyKey: "run-1" });
    assert.equal(permit?.approval, asked.id);
    assert.deepEqual(await countersign.use(asked.id, args, { idempotencyKey: "run-1" }), permit);
    assert.equal(await kind(countersign.use(asked, args)), "permit-used");
  });

  test("does without permits where the service has none", async () => {
    assert.equal(await scripted(problem("unknown-path", 404)).countersign.use("apr_1", {}), undefined);
    // A proxy's 404 says nothing about permits.
    await assert.rejects(scripted(json({}, { status: 404 })).countersign.use("apr_1", {}), CountersignError);
    const other = { approval: "apr_2", arguments_digest: await digest({}), key: "key_1", used_at: "2026-01-01T00:00:00Z" };
    await assert.rejects(scripted(json(other)).countersign.use("apr_1", {}), /permit of another call/);
  });

  test("cancels, and says how it had ended", async () => {
    const asked = await countersign.ask(request(randomUUID()), { idempotencyKey: randomUUID() });
    assert.equal((await countersign.cancel(asked.id)).status, "cancelled");
    assert.equal((await countersign.cancel(asked.id)).status, "cancelled");
  });

  test("believes the service's webhooks and no others", async () => {
    const receiver = await Receiver.start();
    const id = randomUUID();
    await countersign.ask(request(id, receiver.request), { idempotencyKey: randomUUID() });
    const [pending] = await waitForPending(id);
    await pick("approve", pending!);
    const [event] = await receiver.wait();
    assert.equal(event?.type, "approval.approved");
    const secret = "whsec_b3RoZXIgc2VjcmV0IG90aGVyIHNlY3JldCBvdGhlciE=";
    const sign = (body: string, time = Math.floor(Date.now() / 1000)) => ({
      "webhook-id": "dlv_1",
      "webhook-timestamp": String(time),
      "webhook-signature": `v1,AAAA v2,x v1,${createHmac("sha256", Buffer.from(secret.slice(6), "base64")).update(`dlv_1.${time}.${body}`).digest("base64")}`,
    });
    const body = '{"type":"webhook.ping","timestamp":"","data":{}}';
    assert.equal((await verifyWebhook(body, new Headers(sign(body)), ["whsec_bmV3", secret])).type, "webhook.ping");
    const refused = (headers: Record<string, string>, text = body, key: string | string[] = secret) =>
      assert.rejects(verifyWebhook(text, headers, key), WebhookError);
    await refused(sign(body), `${body} `);
    await refused(sign(body), body, "whsec_bmV3");
    await refused(sign(body, Math.floor(Date.now() / 1000) - 301));
    await refused({ ...sign(body), "webhook-timestamp": "NaN" });
    await refused({ ...sign(body), "webhook-signature": "v1, v1,=== v1" });
    await refused({});
    const bytes = new Uint8Array([0xff]);
    await assert.rejects(verifyWebhook(bytes, sign(body), secret), WebhookError);
    for (const odd of ["no JSON", "[]", "null", '{"type":"approval.approved","data":{"status":"denied"}}', '{"type":"approval.approved"}']) {
      await refused(sign(odd), odd);
    }
    const unusual = Object.entries(sign(body)).map(([name, value]) => [name.toUpperCase(), value]);
    assert.equal((await verifyWebhook(body, Object.fromEntries(unusual), secret)).type, "webhook.ping");
    // Anyone can sign with an empty key, and a variable may be missing.
    for (const empty of ["", "whsec_", " ", ["", secret], undefined]) {
      await assert.rejects(verifyWebhook(body, sign(body), empty as string), /webhook secret must be/);
    }
    await assert.rejects(verifyWebhook({ type: "webhook.ping" } as never, sign(body), secret), /as it arrived/);
  });

  test("comes again with the same key, when the service says", async () => {
    const busy = () => new Response("busy", { status: 503, headers: { "retry-after": "1" } });
    const { calls, countersign } = scripted(() => Promise.reject(new TypeError("refused")), busy, json(approval));
    const began = Date.now();
    assert.equal((await countersign.ask(request("c"), { idempotencyKey: "k-1" })).id, "apr_1");
    assert.ok(Date.now() - began >= 1_000);
    assert.deepEqual(calls.map(({ init }) => (init.headers as Record<string, string>)["idempotency-key"]), ["k-1", "k-1", "k-1"]);
    assert.equal(new Set(calls.map(({ init }) => init.body)).size, 1);
  });

  test("gives up on what time won't mend", async () => {
    const invalid = scripted(problem("invalid-request", 422));
    const error = await invalid.countersign.ask(request("c"), { idempotencyKey: "k" }).catch((error: unknown) => error);
    assert.ok(error instanceof CountersignError);
    assert.deepEqual([error.kind, error.status, error.message, invalid.calls.length], ["invalid-request", 422, "No: Stop.", 1]);
    const away = scripted(() => Promise.reject(new TypeError("refused")));
    await assert.rejects(away.countersign.ask(request("c"), { idempotencyKey: "k" }), /Could not reach/);
    assert.ok(away.calls.length > 2);
    const moved = scripted(() => new Response(null, { status: 302, headers: { location: "http://elsewhere" } }));
    await assert.rejects(moved.countersign.ask(request("c"), { idempotencyKey: "k" }), /responded 302/);
    assert.deepEqual([moved.calls.length, moved.calls[0]!.init.redirect], [1, "manual"]);
    for (const errors of ["a text", [null], 1]) {
      const proxy = scripted(json({ type: "about:blank", title: "No", detail: "Stop.", errors }, { status: 422 }));
      await assert.rejects(proxy.countersign.ask(request("c"), { idempotencyKey: "k" }), CountersignError);
    }
    // A proxy's page is not an approval.
    await assert.rejects(scripted(json({ status: "approved" })).countersign.ask(request("c"), { idempotencyKey: "k" }), /without an approval/);
  });

  test("waits through an outage longer than retries", async () => {
    const down = () => new Response("", { status: 502 });
    const { calls, countersign } = scripted(down, down, down, down, json({ ...approval, status: "denied" }));
    const ended = await countersign.wait(approval as never);
    assert.deepEqual([ended.status, calls.length, calls[0]!.url], ["denied", 5, "http://service/v1/approvals/apr_1?wait=50"]);
  });

  test("pauses although Retry-After has passed, and although the service doesn't let it wait", async () => {
    for (const wanted of ["0", "Wed, 21 Oct 2015 07:28:00 GMT"]) {
      const busy = scripted(() => new Response("", { status: 503, headers: { "retry-after": wanted } }));
      await assert.rejects(busy.countersign.ask(request("c"), { idempotencyKey: "k" }), /503/);
      assert.ok(busy.calls.length < 8, `${busy.calls.length} calls in 2 seconds`);
    }
    // A response takes a moment, in which the signal can end the wait.
    const impatient = scripted(async () => {
      await new Promise((resolve) => setTimeout(resolve, 1));
      return Response.json(approval);
    });
    await assert.rejects(impatient.countersign.wait(approval as never, { signal: AbortSignal.timeout(1_500) }));
    assert.ok(impatient.calls.length <= 2, `${impatient.calls.length} calls in 1.5 seconds`);
  });

  test("gives up a wait whose end it does not know", async () => {
    const down = scripted(() => new Response("", { status: 502 }));
    await assert.rejects(down.countersign.wait({ ...approval, expires_at: "soon" } as never), /502/);
  });

  test("stops when it is told to", async () => {
    const asked = await countersign.ask(request(randomUUID()), { idempotencyKey: randomUUID() });
    await assert.rejects(countersign.wait(asked, { signal: AbortSignal.timeout(200) }), { name: "TimeoutError" });
    assert.equal((await countersign.get(asked.id)).status, "pending");
    await countersign.cancel(asked.id);
  });

  test("needs an address and a key", () => {
    assert.throws(() => new Countersign({ url: "", apiKey: "cs_x" }), /COUNTERSIGN_URL/);
    assert.throws(() => new Countersign({ apiKey: "" }), /COUNTERSIGN_API_KEY/);
    assert.throws(() => new Countersign({ url: "localhost:8080" }), /not an http or https URL/);
    const broken = () => new Countersign({ apiKey: "cs_secret\n1" });
    assert.throws(broken, (error: Error) => /API key is not valid/.test(error.message) && !error.message.includes("cs_secret"));
    new Countersign({ url: "http://localhost:8080\n", apiKey: "cs_x\n" });
  });
});

test("digests are those of RFC 8785", async () => {
  assert.equal(await digest({}), "sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a");
  const names = { "😀": null, "｡": true, number: 7.0, at: new Date(0), none: undefined };
  assert.equal(await digest(names), await digest({ at: "1970-01-01T00:00:00.000Z", number: 7, "｡": true, "😀": null }));
});

test("an approval of other arguments lets nothing run, edited or not", async () => {
  const [asked, made] = [{ id: 1 }, { id: 2 }];
  const decision = { outcome: "approved", by: "user", user: ALICE, arguments: made, arguments_digest: await digest(made) };
  const edited = { ...approval, status: "approved", arguments: asked, arguments_digest: await digest(asked), decision } as never;
  const allowed = await verdict(edited, asked);
  assert.deepEqual(allowed.approved && [allowed.arguments, allowed.edited], [made, true]);
  assert.match((await verdict(edited, { id: 3 })).reason, /different call/);
  assert.match((await verdict(edited, made)).reason, /different call/);
});

test("arguments that JSON would hide have no digest", async () => {
  for (const odd of [NaN, Infinity, new Map([["to", "kim"]]), new Set([1])]) {
    await assert.rejects(digest({ at: [{ odd }] }), /"odd" can't be written as JSON/);
  }
});

test("tools get the keys that the service gives them", async () => {
  const keys = {
    Bash: "Bash", "get-sum": "get-sum", "files/read": "files-0x2f_read", größe: "gr-0xf6_-0xdf_e", _private: "0x5f_private",
    "a-0x2f_b": "a-0x2d_0x2f_b", "0x5f_private": "0x30_x5f_private", "": "0x_",
  };
  for (const [tool, key] of Object.entries(keys)) assert.equal(await toolKey(tool), key);
  const long = await toolKey("long".repeat(30));
  assert.deepEqual([long.length, long.slice(0, 60)], [100, "longlonglonglonglonglonglonglonglonglonglonglonglonglong-0xh"]);
});
