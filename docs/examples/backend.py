"""A complete agent backend: it asks, waits, and runs the action only as it was approved.

Needs the package `standardwebhooks`. Set COUNTERSIGN_URL, COUNTERSIGN_API_KEY, COUNTERSIGN_WEBHOOK_SECRET and PORT, then:
    python backend.py U0ALICE github create_issue '{"title": "Hello"}'
"""
import hashlib, json, os, queue, sys, threading, time, urllib.error, urllib.request, uuid
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from standardwebhooks import Webhook, WebhookVerificationError

URL, KEY = os.environ["COUNTERSIGN_URL"], os.environ["COUNTERSIGN_API_KEY"]
webhook = Webhook(os.environ["COUNTERSIGN_WEBHOOK_SECRET"])
ended: "queue.Queue[dict]" = queue.Queue()


class Receiver(BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["content-length"]))
        try:  # Nothing in the body is believed before the signature is.
            event, status = webhook.verify(body, dict(self.headers)), 204
        except WebhookVerificationError as error:
            event, status = None, 401
            print("rejected a webhook:", error, file=sys.stderr)
        self.send_response(status)  # 204: taken. Whatever else is answered, it comes again.
        self.end_headers()
        if event and event["type"].startswith("approval."):
            ended.put(event["data"])

    log_message = lambda *_: None


def call(method, path, body=None, **headers):
    headers |= {"authorization": f"Bearer {KEY}", "content-type": "application/json"}
    request = urllib.request.Request(URL + path, body and json.dumps(body).encode(), headers, method=method)
    while True:
        try:
            with urllib.request.urlopen(request, timeout=60) as response:
                return json.load(response)
        except urllib.error.HTTPError as error:
            if error.code not in (429, 503):
                sys.exit(f"refused: {json.load(error)}")
            time.sleep(int(error.headers.get("retry-after", 1)))  # Busy: the same again.


def ordered(value):  # Members by the UTF-16 code units of their names.
    if isinstance(value, dict):
        return {name: ordered(value[name]) for name in sorted(value, key=lambda name: name.encode("utf-16-be"))}
    return [ordered(item) for item in value] if isinstance(value, list) else value


def digest(arguments):
    # RFC 8785 for objects of strings, integers and truth values; with fractions in them, use the package rfc8785.
    canonical = json.dumps(ordered(arguments), separators=(",", ":"), ensure_ascii=False)
    return "sha256:" + hashlib.sha256(canonical.encode()).hexdigest()


def wait(approval):
    while approval["status"] == "pending":
        try:
            event = ended.get(timeout=50)
            approval = event if event["id"] == approval["id"] else approval
        except queue.Empty:  # A webhook may be late: what counts is what the service says.
            approval = call("GET", f"/v1/approvals/{approval['id']}?wait=5")
    return approval


def main(user, integration, action, arguments):
    threading.Thread(target=ThreadingHTTPServer(("127.0.0.1", int(os.environ["PORT"])), Receiver).serve_forever, daemon=True).start()
    ask = {"user": user, "agent": {"id": "guide", "name": "Guide"}, "conversation": {"id": str(uuid.uuid4())},
           "integration": integration, "action": action, "arguments": arguments,
           "editable": True}  # This program runs what the user makes of the arguments.
    # The key makes it safe to send the same request again when an answer is lost.
    approval = wait(call("POST", "/v1/approvals", ask, **{"idempotency-key": str(uuid.uuid4())}))
    if approval["status"] != "approved":
        return print("stopped:", approval["status"], (approval["decision"]["reason"] or ""))
    approved = approval["arguments_digest"]
    if approval["decision"].get("arguments") is not None:
        arguments, approved = approval["decision"]["arguments"], approval["decision"]["arguments_digest"]
    if approved != digest(arguments):
        return print("stopped: something else was approved")
    print("ran", f"{integration}.{action}", json.dumps(arguments))  # Here the action really runs.
    # The person who approved learns what came of it. A failed call is reported too.
    call("POST", f"/v1/approvals/{approval['id']}/result", {"status": "succeeded", "summary": f"Ran {action}"})


main(*sys.argv[1:4], json.loads(sys.argv[4]))
