/** The demo of this repository: the service with a local Slack, on whose page the tests click as Alice. */
import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { setTimeout as pause } from "node:timers/promises";
import { fileURLToPath } from "node:url";

import { digest, verifyWebhook, type Approval, type AskRequest, type WebhookEvent } from "@countersign/sdk";

/** Who is asked. */
export const ALICE = "U0ALICE";

const PROGRAM = process.env["COUNTERSIGN_DEMO"] ?? fileURLToPath(new URL("../../../../target/debug/examples/demo", import.meta.url));

/** Starts a demo, and gives the variables that its output names. */
export async function startDemo(attempts = 5): Promise<{ demo: ChildProcess; env: Record<string, string> }> {
  const port = await freePort();
  const demo = spawn(PROGRAM, ["--webhook-url", `http://127.0.0.1:${port}/webhook`], { stdio: ["ignore", "pipe", "inherit"] });
  let output = "";
  for await (const chunk of demo.stdout) {
    output += String(chunk);
    if (output.includes("Ctrl-C")) break;
  }
  // Another program took its port, as it says. It looks for another.
  if (!output.includes("Ctrl-C") && attempts > 1) return startDemo(attempts - 1);
  const value = (pattern: RegExp) => pattern.exec(output)?.[1] ?? fail(`The demo did not print ${pattern}: ${output}`);
  const names = ["COUNTERSIGN_URL", "COUNTERSIGN_API_KEY", "COUNTERSIGN_WEBHOOK_SECRET"];
  const variables = names.map((name) => [name, value(new RegExp(`export ${name}=(\\S+)`))]);
  const page = new URL(value(/(http\S+\/\?as=U0ALICE)/)).origin;
  return { demo, env: { DEMO_PAGE: page, PORT: String(port), ...Object.fromEntries(variables) } };
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  return port;
}

/** Stops the demo, and waits until it has removed its database. */
export async function stopDemo(demo: ChildProcess): Promise<void> {
  demo.kill("SIGINT");
  if (demo.exitCode === null) await once(demo, "exit");
}

/** What Alice picks on a prompt. */
type Choice = "approve" | "deny" | "conversation" | "not_now" | "wrong_target" | "edit";

/** Picks this on the prompt of the approval, as soon as it is shown. */
export async function pick(choice: Choice, approval: string): Promise<void> {
  const value = choice === "approve" || choice === "deny" ? approval : `${choice}:${approval}`;
  await click((button) => button["value"] === value && (button["action_id"] ?? "").startsWith(choice === "deny" || choice === "approve" ? choice : ""));
}

/** Picks *Approve all* once all of them are listed there, and confirms. */
export async function approveAll(conversation: string, count: number): Promise<void> {
  const ids = await waitForPending(conversation, count);
  await inModal(async () => {
    await click(
      ({ action_id, value }) => action_id === "approve_all" && ids.some((id) => value?.endsWith(id)),
      (page) => page.includes(`Approve all ${count}`),
    );
    await submit();
  });
}

/** Opens *Edit and approve…*, enters these values, and approves. */
export async function edit(approval: string, values: Record<string, string>): Promise<void> {
  await inModal(async () => {
    await pick("edit", approval);
    await submit(values);
  });
}

/** The ids of the conversation's pending approvals, once there are so many. */
export async function waitForPending(conversation: string, count = 1): Promise<string[]> {
  return eventually(`${count} pending approvals in ${conversation}`, async () => {
    const pending = await approvals({ conversation, status: "pending" });
    return pending.length >= count ? pending.map(({ id }) => id) : undefined;
  });
}

/** How many approvals were ever asked for in the conversation. */
export async function asked(conversation: string): Promise<number> {
  return (await approvals({ conversation })).length;
}

/** The approvals that the query selects, newest first. */
export async function approvals(query: Record<string, string>): Promise<Approval[]> {
  const response = await fetch(`${process.env["COUNTERSIGN_URL"]}/v1/approvals?${new URLSearchParams({ limit: "100", ...query })}`, {
    headers: { authorization: `Bearer ${process.env["COUNTERSIGN_API_KEY"]}` },
  });
  return ((await response.json()) as { data: Approval[] }).data;
}

/** A receiver of webhooks, and what it believed. */
export class Receiver {
  readonly events: WebhookEvent[] = [];

  private constructor(readonly server: Server) {}

  static async start(): Promise<Receiver> {
    const server = createServer(async (request, response) => {
      const chunks: Buffer[] = [];
      for await (const chunk of request) chunks.push(chunk as Buffer);
      try {
        receiver.events.push(await verifyWebhook(Buffer.concat(chunks), request.headers, process.env["COUNTERSIGN_WEBHOOK_SECRET"]!));
        response.writeHead(204).end();
      } catch {
        response.writeHead(401).end();
      }
    });
    const receiver = new Receiver(server);
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    server.unref();
    return receiver;
  }

  /** Members of a request that make the service report to this receiver. */
  get request(): Partial<AskRequest> {
    return { callback_url: `http://127.0.0.1:${(this.server.address() as AddressInfo).port}/webhook` };
  }

  /** The first so many events. */
  async wait(count = 1): Promise<WebhookEvent[]> {
    return eventually(`${count} webhooks`, async () => (this.events.length >= count ? this.events : undefined));
  }
}

/** Asks again every so often, for at most 30 seconds. */
export async function eventually<T>(what: string, look: () => Promise<T | undefined>): Promise<T> {
  const giveUp = Date.now() + 30_000;
  for (;;) {
    const found = await look();
    if (found !== undefined) return found;
    if (Date.now() > giveUp) throw new Error(`${what} did not come`);
    await pause(150);
  }
}

type Values = Record<string, string | undefined>;

async function page(): Promise<string> {
  return (await fetch(`${process.env["DEMO_PAGE"]}/?as=${ALICE}`)).text();
}

async function post(path: string, form: Values): Promise<void> {
  const response = await fetch(`${process.env["DEMO_PAGE"]}${path}`, {
    method: "POST",
    headers: { "hx-request": "true", "content-type": "application/x-www-form-urlencoded" },
    body: new URLSearchParams(Object.entries(form).filter((field): field is [string, string] => field[1] !== undefined)),
  });
  if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`);
}

/** Clicks the first element of a message whose values fit, once the page is ready. */
async function click(fits: (values: Values) => boolean, ready = (_page: string) => true): Promise<void> {
  const button = await eventually("the button", async () => {
    const html = await page();
    const buttons = [...html.matchAll(/hx-post="\/act\/click" hx-vals="([^"]*)"/g)].map(([, vals]) => JSON.parse(unescaped(vals!)) as Values);
    return ready(html) ? buttons.find(fits) : undefined;
  });
  await post("/act/click", button);
}

/** Submits the modal that is open, with these values in its fields. */
async function submit(values: Record<string, string> = {}): Promise<void> {
  const view = await eventually("the modal", async () => /data-view="(V\w+)"/.exec(await page())?.[1]);
  const fields: Values = {};
  for (const [name, value] of Object.entries(values)) {
    const block = (await digest(name)).replace("sha256", "edit");
    fields[JSON.stringify([block, "value"])] = value;
  }
  await post("/act/submit", { as: ALICE, view, ...fields });
  await eventually("the end of the modal", async () => ((await page()).includes(`data-view="${view}"`) ? undefined : true));
}

let modal = Promise.resolve();

/** Alice has one screen, and several tests click in her name at once. */
async function inModal(act: () => Promise<void>): Promise<void> {
  const done = modal.then(act);
  modal = done.catch(() => {});
  await done;
}

function unescaped(attribute: string): string {
  return attribute.replaceAll("&quot;", '"').replaceAll("&lt;", "<").replaceAll("&gt;", ">").replaceAll("&amp;", "&");
}

function fail(message: string): never {
  throw new Error(message);
}
