import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

import plugin from "@countersign/sdk/openclaw";

import { behaves } from "./stack.js";
import { inline } from "./stacks/openclaw.js";

behaves(inline);

test("the manifest is that of the plugin", () => {
  const read = (name: string) => JSON.parse(readFileSync(new URL(`../../${name}`, import.meta.url), "utf8")) as Record<string, any>;
  assert.equal(read("openclaw.plugin.json")["id"], plugin.id);
  assert.deepEqual(read("package.json")["openclaw"], { extensions: ["./dist/openclaw.js"] });
});
