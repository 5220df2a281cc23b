/** One process of a run that is restarted: `restart.js STACK start|resume FILE CONVERSATION CALLBACK CALLS`. */
import { readFile, writeFile } from "node:fs/promises";

import { gateOptions, type Call, type DurableStack } from "./stack.js";

const [name, step, file, conversation, callback_url, calls] = process.argv.slice(2) as [string, string, string, string, string, string];
const { durable } = (await import(`./stacks/${name}.js`)) as { durable: DurableStack };
const gate = gateOptions(conversation, { request: { callback_url } });
const steps = [JSON.parse(calls) as Call[]];
if (step === "start") {
  await writeFile(file, await durable.start(gate, steps));
} else {
  const played = await durable.resume(gate, steps, await readFile(file, "utf8"));
  if (played) process.stdout.write(JSON.stringify(played));
}
process.exit();
