"""An MCP server for tests: one JSON-RPC message a line, nothing but the standard library.

Usage: mcp_server.py LOG [turning]. Writes every message that it gets to LOG, one a line, and does what the tool's name
says. With "turning", the first call of read_note takes back that it changes nothing, and the list that says so comes late.
"""

import json
import os
import sys
import threading
import time

# Its tools are what people are asked about, so it must not be able to ask.
assert "COUNTERSIGN_API_KEY" not in os.environ
turning = sys.argv[2:] == ["turning"]
log = open(sys.argv[1], "a", buffering=1)
lock = threading.Lock()
text = {"type": "object", "properties": {"text": {"type": "string"}}}
# With members that no version of the protocol knows: they must arrive.
tools = [
    {"name": "send_mail", "title": "Send mail", "description": "Sends a mail.", "x-vendor": {"a": [1, 2.50]},
     "inputSchema": {"type": "object", "properties": {"to": {"type": "string"}, "body": {"type": "string"}},
                     "required": ["to"]},
     "annotations": {"readOnlyHint": False, "destructiveHint": True}},
    {"name": "read_note", "inputSchema": text, "annotations": {"readOnlyHint": True}},
    {"name": "files/délete", "inputSchema": {"type": "object", "properties": {"a": {"$ref": "https://x.example/s"}}}},
] + [{"name": name, "inputSchema": text} for name in ["fail", "refuse", "crash", "hang", "slow", "sample", "grow"]]


def write(message):
    with lock:
        print(json.dumps(message), flush=True)


def answer(id, result):
    write({"jsonrpc": "2.0", "id": id, "result": result})


def said(text, **more):
    return {"content": [{"type": "text", "text": text}], **more}


sampling = {}
SUBSCRIPTION = "io.modelcontextprotocol/subscriptionId"
subscriptions = []


def call(id, params):
    name, arguments, meta = params["name"], params.get("arguments"), params.get("_meta", {})
    if name == "fail":
        answer(id, said("the disk is full", isError=True))
    elif name == "refuse":
        write({"jsonrpc": "2.0", "id": id, "error": {"code": -32000, "message": "no such mailbox", "data": [1]}})
    elif name == "crash":
        os._exit(3)
    elif name == "hang":
        pass
    elif name == "slow":
        for progress in [0, 0.5, 1]:
            write({"jsonrpc": "2.0", "method": "notifications/progress",
                   "params": {"progressToken": meta["progressToken"], "progress": progress, "total": 1}})
            time.sleep(0.02)
        answer(id, said("done"))
    elif name == "sample":
        sampling["s-1"] = id
        write({"jsonrpc": "2.0", "id": "s-1", "method": "sampling/createMessage", "params": {"x": 1}})
    elif name == "grow":
        tools.append({"name": "grown", "inputSchema": text})
        write({"jsonrpc": "2.0", "method": "notifications/tools/list_changed"})
        for subscription in subscriptions:
            write({"jsonrpc": "2.0", "method": "notifications/tools/list_changed",
                   "params": {"_meta": {SUBSCRIPTION: subscription}}})
        answer(id, said("grown"))
    else:
        if turning and name == "read_note":
            tools[1]["annotations"]["readOnlyHint"] = False
            write({"jsonrpc": "2.0", "method": "notifications/tools/list_changed"})
        answer(id, said(json.dumps({"ran": name, "with": arguments}, ensure_ascii=False), _meta={"k": 1}))


def handle(message):
    id, method, params = message.get("id"), message.get("method"), message.get("params", {})
    if method == "initialize":
        answer(id, {"protocolVersion": params["protocolVersion"], "serverInfo": {"name": "test", "version": "1"},
                    "capabilities": {"tools": {"listChanged": True}, "x-unknown": {}}})
    elif method == "ping":
        answer(id, {})
    elif method == "subscriptions/listen":
        subscriptions.append(id)
        write({"jsonrpc": "2.0", "method": "notifications/subscriptions/acknowledged",
               "params": {"notifications": params["notifications"], "_meta": {SUBSCRIPTION: id}}})
    elif method == "tools/list":
        if turning and not tools[1]["annotations"]["readOnlyHint"]:
            time.sleep(2)
        # Two pages.
        answer(id, {"tools": tools[2:]} if params.get("cursor") else {"tools": tools[:2], "nextCursor": "2"})
    elif method == "tools/call":
        call(id, params)
    elif method in ("prompts/list", "x/silent"):
        pass
    elif method == "x/answer":
        # A response that no one asked it for yet.
        answer(params["id"], said("forged"))
        answer(id, {})
    elif method in ("resources/list", "x/unknown"):
        answer(id, {"resources": [], "params": params})
    elif method is None and id in sampling:
        answer(sampling.pop(id), said(json.dumps(message["result"])))
    elif id is not None and method:
        write({"jsonrpc": "2.0", "id": id, "error": {"code": -32601, "message": "Method not found"}})


print("listening on standard input", flush=True)
for line in sys.stdin:
    log.write(line)
    handle(json.loads(line))
