/** What every adapter does, shown with a scripted model in each agent SDK. */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { randomUUID } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

import { Countersign, type Arguments, type GateOptions } from "@countersign/sdk";

import { ALICE, approveAll, asked, edit, eventually, pick, Receiver, waitForPending } from "./demo.js";

/** A call of the tool `create_issue` that the model makes. */
export interface Call {
  id: string;
  arguments: Arguments;
}

/** What came of a run. */
export interface Played {
  /** The arguments that the tool ran with. */
  ran: Arguments[];
  /** All that the model saw in its last turn, as JSON. */
  seen: string;
}

/** An agent of one SDK: its model makes the calls of each step, then says that it is done. */
export interface Stack {
  name: string;
  /** Whether the SDK takes changed arguments. */
  edits: boolean;
  /** Whether the SDK lets all calls of a step be asked about at once, and stopped. */
  parallel: boolean;
  play(gate: GateOptions, steps: Call[][], signal?: AbortSignal): Promise<Played>;
}

/** An agent whose state can be stored while a person thinks. */
export interface DurableStack {
  name: string;
  edits: boolean;
  /** Runs until the agent waits, and gives what has to be stored. */
  start(gate: GateOptions, steps: Call[][]): Promise<string>;
  /** Goes on from there, in another process. `undefined`: still waiting. */
  resume(gate: GateOptions, steps: Call[][], stored: string): Promise<Played | undefined>;
}

export function gateOptions(conversation: string, more: Partial<GateOptions> = {}): GateOptions {
  return { user: ALICE, agent: { id: "tester", name: "Tester" }, conversation: { id: conversation }, integration: "github", ...more };
}

export function call(id: string, title = "A bug"): Call {
  return { id, arguments: { owner: "acme", repo: "app", title } };
}

const twenty = Array.from({ length: 20 }, (_, index) => call(`call-${index}`, `Bug ${index}`));
const titles = (ran: Arguments[]) => new Set(ran.map((args) => args["title"]));

/** Nothing listens there. */
const away = new Countersign({ url: "http://127.0.0.1:9", apiKey: "cs_x", retryFor: 300 });

async function one(conversation: string): Promise<string> {
  return (await waitForPending(conversation))[0]!;
}

/** Shows that the adapter asks, and does what the answer says. */
export function behaves(stack: Stack): void {
  const play = (conversation: string, steps: Call[][], more?: Partial<GateOptions>, signal?: AbortSignal) =>
    stack.play(gateOptions(conversation, more), steps, signal);

  describe(stack.name, { concurrency: true }, () => {
    test("tells the model why it was denied", async () => {
      const id = randomUUID();
      const playing = play(id, [[call("call-1")]]);
      await pick("wrong_target", await one(id));
      const { ran, seen } = await playing;
      assert.deepEqual(ran, []);
      assert.match(seen, /Denied in Slack by U0ALICE\. Their reason: “wrong target”\. Do not retry/);
    });

    test("runs what was approved, and doesn't ask again in the conversation", async () => {
      const id = randomUUID();
      const playing = play(id, [[call("call-1")], [call("call-2", "Another bug")]]);
      await pick("conversation", await one(id));
      assert.deepEqual((await playing).ran, [call("call-1").arguments, call("call-2", "Another bug").arguments]);
      assert.equal(await asked(id), 2);
    });

    test("refuses what nobody answered", async () => {
      const { ran, seen } = await play(randomUUID(), [[call("call-1")]], { request: { expires_in: 10 } });
      assert.deepEqual(ran, []);
      assert.match(seen, /Expired: U0ALICE did not answer in Slack in time/);
    });

    test("refuses if the service is down or says no", async () => {
      const down = await play(randomUUID(), [[call("call-1")]], { countersign: away });
      assert.deepEqual(down.ran, []);
      assert.match(down.seen, /The tool did not run\. Not approved: the approval service could not be reached\./);
      const invalid = await play(randomUUID(), [[call("call-1")]], { request: { expires_in: 1 } });
      assert.deepEqual(invalid.ran, []);
      assert.match(invalid.seen, /\/expires_in/);
    });

    test("asks about twenty calls at once", { skip: !stack.parallel }, async () => {
      const id = randomUUID();
      const playing = play(id, [twenty]);
      await approveAll(id, 20);
      assert.deepEqual(titles((await playing).ran), titles(twenty.map(({ arguments: args }) => args)));
    });

    test("runs what the user made of the arguments", { skip: !stack.edits }, async () => {
      const id = randomUUID();
      const playing = play(id, [[call("call-1")]]);
      await edit(await one(id), { title: "A better title" });
      assert.deepEqual((await playing).ran, [call("call-1", "A better title").arguments]);
    });

    test("cancels when the run is stopped", { skip: !stack.parallel }, async () => {
      const [id, stop] = [randomUUID(), new AbortController()];
      const playing = play(id, [[call("call-1")]], {}, stop.signal).catch(() => ({ ran: [] as Arguments[] }));
      const approval = await one(id);
      stop.abort();
      assert.deepEqual((await playing).ran, []);
      const { status } = await eventually("the end", async () => {
        const current = await new Countersign().get(approval);
        return current.status === "pending" ? undefined : current;
      });
      assert.equal(status, "cancelled");
    });
  });
}

/** Shows that an agent goes on in another process. */
export function endures(stack: DurableStack): void {
  describe(`${stack.name}, durable`, { concurrency: true }, () => {
    test("goes on in another process", async () => {
      const [id, receiver, folder] = [randomUUID(), await Receiver.start(), await mkdtemp(join(tmpdir(), "countersign-"))];
      const calls = [call("call-1"), call("call-2", "Another bug")];
      /** What a process of the agent printed: what came of the run, or nothing if it still waits. */
      const restarted = async (step: "start" | "resume") => {
        const program = fileURLToPath(new URL("restart.js", import.meta.url));
        const options = [stack.name, step, join(folder, "state"), id, receiver.request.callback_url!, JSON.stringify(calls)];
        return (await promisify(execFile)(process.execPath, [program, ...options])).stdout;
      };
      try {
        await restarted("start");
        const ids = await waitForPending(id, 2);
        assert.equal(await restarted("resume"), "", "it went on without an answer");
        const [denied, approved] = await Promise.all(ids.map((one) => new Countersign().get(one)));
        await pick("not_now", denied!.id);
        const title = stack.edits ? "A better title" : String(approved!.arguments["title"]);
        await (stack.edits ? edit(approved!.id, { title }) : pick("approve", approved!.id));
        for (const event of await receiver.wait(2)) {
          assert.equal((event.data as { metadata: { run: string } }).metadata.run, id);
        }
        const { ran, seen } = JSON.parse(await restarted("resume")) as Played;
        assert.deepEqual(ran, [call("", title).arguments]);
        assert.match(seen, /created/);
        assert.match(seen, /Their reason: “not now”\. Do not retry/);
        assert.equal(await asked(id), 2, "it asked again");
      } finally {
        await rm(folder, { recursive: true });
      }
    });

    test("asks about twenty calls at once", async () => {
      const gate = gateOptions(randomUUID());
      const stored = await stack.start(gate, [twenty]);
      await approveAll(gate.conversation.id, 20);
      const played = await stack.resume(gate, [twenty], stored);
      assert.deepEqual(titles(played!.ran), titles(twenty.map(({ arguments: args }) => args)));
    });

    test("doesn't ask again in the conversation", async () => {
      const gate = gateOptions(randomUUID());
      const stored = await stack.start(gate, [[call("call-1")]]);
      await pick("conversation", await one(gate.conversation.id));
      assert.deepEqual((await stack.resume(gate, [[call("call-1")]], stored))?.ran, [call("call-1").arguments]);
      const second = [[call("call-2")]];
      await stack.resume(gate, second, await stack.start(gate, second));
      assert.deepEqual(await waitForPending(gate.conversation.id, 0), []);
    });

    test("refuses what nobody answered, or could be asked about", async () => {
      const steps = [[call("call-1")]];
      for (const more of [{ countersign: away }, { request: { expires_in: 1 } }]) {
        const gate = gateOptions(randomUUID(), more);
        assert.deepEqual((await stack.resume(gate, steps, await stack.start(gate, steps)))?.ran, []);
      }
      const gate = gateOptions(randomUUID(), { request: { expires_in: 10 } });
      const stored = await stack.start(gate, steps);
      const played = await eventually("the refusal", () => stack.resume(gate, steps, stored));
      assert.deepEqual(played.ran, []);
      assert.match(played.seen, /Expired: U0ALICE/);
    });
  });
}
