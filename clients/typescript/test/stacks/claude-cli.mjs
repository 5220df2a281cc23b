// A stand-in for Claude Code, which speaks to the SDK as it does, and makes the calls of CALLS: a scripted model.
import { createInterface } from "node:readline";

const steps = JSON.parse(process.env.CALLS);
const send = (message) => process.stdout.write(`${JSON.stringify(message)}\n`);
const waiting = new Map();

const ask = (call) =>
  new Promise((resolve) => {
    const request_id = `request-${call.id}`;
    waiting.set(request_id, resolve);
    const request = { subtype: "can_use_tool", tool_name: "mcp__github__create_issue", input: call.arguments, tool_use_id: call.id };
    send({ type: "control_request", request_id, request });
  });

async function play() {
  let results = [];
  const ran = [];
  for (const step of steps) {
    results = await Promise.all(step.map(ask));
    for (const result of results) if (result.behavior === "allow") ran.push(result.updatedInput);
  }
  const result = JSON.stringify({ ran, seen: JSON.stringify(results) });
  send({ type: "result", subtype: "success", is_error: false, result, session_id: "s-1", uuid: "u-1" });
}

for await (const line of createInterface({ input: process.stdin })) {
  const message = JSON.parse(line);
  if (message.type === "control_request") {
    send({ type: "control_response", response: { subtype: "success", request_id: message.request_id, response: {} } });
  } else if (message.type === "control_response") {
    waiting.get(message.response.request_id)?.(message.response.response ?? { behavior: "deny", message: message.response.error });
  } else if (message.type === "user") {
    void play();
  }
}
