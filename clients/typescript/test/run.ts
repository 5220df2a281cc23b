/** Runs the files of tests, each against a demo of its own. Arguments: their names, such as `langchain`. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readdirSync } from "node:fs";
import { fileURLToPath } from "node:url";

import { startDemo, stopDemo } from "./demo.js";

/** Most of the time the tests wait: for the service, for Slack's rate limits, for a request to expire. */
const AT_ONCE = 4;

const folder = fileURLToPath(new URL(".", import.meta.url));
const wanted = process.argv.slice(2);
const files = readdirSync(folder).filter((name) => name.endsWith(".test.js") && (wanted.length === 0 || wanted.includes(name.split(".")[0]!)));

if (files.length === 0) throw new Error(`There is no file of tests called ${wanted.join(" or ")}: name it without its ending, such as langchain.`);

// The slowest begin first.
const slow = ["openclaw.test.js", "examples.test.js"];
files.sort((a, b) => slow.indexOf(b) - slow.indexOf(a));

let starting: Promise<unknown> = Promise.resolve();

/** One after the other: two that start at once may want the same port. */
function startNext(): ReturnType<typeof startDemo> {
  const started = starting.then(() => startDemo());
  starting = started.catch(() => {});
  return started;
}

async function work(): Promise<void> {
  for (let file = files.shift(); file !== undefined; file = files.shift()) {
    const { demo, env } = await startNext();
    try {
      const options = ["--test", "--test-timeout=90000", "--test-reporter=spec", folder + file];
      const tests = spawn(process.execPath, options, { env: { ...process.env, ...env }, stdio: ["ignore", "pipe", "inherit"], timeout: 120_000, killSignal: "SIGKILL" });
      let output = `\n${file}\n`;
      tests.stdout.on("data", (chunk) => (output += String(chunk)));
      const [code] = (await once(tests, "exit")) as [number | null];
      process.stdout.write(output);
      if (code !== 0) process.exitCode = 1;
    } finally {
      await stopDemo(demo);
    }
  }
}

await Promise.all(Array.from({ length: AT_ONCE }, work));
