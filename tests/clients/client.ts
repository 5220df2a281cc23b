// Asks for an approval with the client that openapi-typescript generated, and follows it with a standard EventSource.
// Usage: client.ts USER INTEGRATION ACTION. Prints a line for each thing that it sees.
import { EventSource } from "eventsource";
import createClient from "openapi-fetch";

import type { components, paths } from "./generated/api.js";

type Approval = components["schemas"]["Approval"];

const url = process.env["COUNTERSIGN_URL"] ?? "";
const headers = { authorization: `Bearer ${process.env["COUNTERSIGN_API_KEY"]}` };
const client = createClient<paths>({ baseUrl: url, headers });

const [user = "", integration = "", action = ""] = process.argv.slice(2);
const asked = await client.POST("/v1/approvals", {
  params: { header: {} },
  body: { user, integration, action, arguments: { title: "Größe" }, agent: { id: "ts" }, conversation: { id: "c-1" } },
});
if (!asked.data) throw new Error(asked.error.detail);
const approval: Approval = asked.data;
console.log("asked", approval.status);

const page = await client.GET("/v1/approvals", { params: { query: { limit: 1 } } });
const listed: Approval | undefined = page.data?.data[0];
console.log("listed", listed?.id === approval.id);

// Its constructor takes no headers, but a fetch of one's own.
const source = new EventSource(`${url}/v1/approvals/${approval.id}/events`, {
  fetch: (input, init) => fetch(input, { ...init, headers: { ...init.headers, ...headers } }),
});
for (const kind of ["pending", "approved", "denied"]) {
  source.addEventListener(`approval.${kind}`, (event) => {
    const told: Approval = JSON.parse(event.data);
    const scope: components["schemas"]["Scope"] | null | undefined = told.decision?.scope;
    console.log(event.type, event.lastEventId, scope ?? "-");
  });
}
// An end of the stream leads to a new connection; the answer that nothing follows, to none.
source.addEventListener("error", (event) => {
  if (source.readyState === EventSource.CLOSED) console.log("closed", event.code);
});
