"""The clients against the real service."""

from __future__ import annotations

import base64
import hmac
import json
import math
import random
import socket
import struct
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import anyio
import httpx
import pytest
from local import ALICE, Alice, Service, approve, deny, edit, until

from countersign import (
    ApiError,
    AsyncCountersign,
    Countersign,
    InvalidResponse,
    Request,
    Unreachable,
    WebhookError,
    arguments_digest,
    verify_webhook,
)

pytestmark = pytest.mark.anyio


def request(conversation: str, **more: Any) -> Request:
    arguments = {"owner": "acme", "repo": "checkout", "title": "Hello"}
    base = Request(
        user=ALICE,
        agent="atlas",
        conversation=conversation,
        integration="github",
        action="create_issue",
        arguments=arguments,
    )
    return {**base, **more}  # type: ignore[typeddict-item]


def test_blocking_client_asks_waits_and_reports(service: Service, alice: Alice, run_id: str) -> None:
    with Countersign() as client, alice.will(run_id, approve):
        asked = client.ask(**request(run_id), idempotency_key="k-" + run_id)
        assert asked.pending
        assert client.ask(**request(run_id), idempotency_key="k-" + run_id).id == asked.id
        ended = client.wait(asked)
        assert ended.approved
        assert ended.final_arguments == asked.arguments
        client.report(ended, "succeeded", summary="Opened #7", url="https://example.com/7")
        result = client.get(ended).result
        assert result
        assert (result.status, result.summary) == ("succeeded", "Opened #7")


async def test_permit_is_for_one_run_of_what_was_approved(client: AsyncCountersign, alice: Alice, run_id: str) -> None:
    asked = await client.ask(**request(run_id))
    arguments = asked.arguments
    with pytest.raises(ApiError) as found:
        await client.use(asked, arguments)
    assert found.value.type == "not-approved"
    with alice.will(run_id, approve):
        approval = await client.wait(asked)
    with pytest.raises(ApiError) as found:
        await client.use(approval, {**arguments, "title": "Another"})
    assert (found.value.status, found.value.type) == (422, "other-arguments")
    permit = await client.use(approval, arguments, idempotency_key="run-1")
    assert permit
    assert permit.approval == approval.id
    assert await client.use(approval.id, arguments, idempotency_key="run-1") == permit
    with pytest.raises(ApiError) as found:
        await client.use(approval, arguments)
    assert (found.value.status, found.value.type) == (409, "permit-used")


def test_permit_of_an_older_service_is_none(run_id: str) -> None:
    answers: list[tuple[int, dict[str, Any]]] = [
        (404, {"type": "urn:countersign:problem:unknown-path", "title": "Path not found"}),
        (404, {}),
        (
            200,
            {
                "approval": "apr_2",
                "arguments_digest": arguments_digest({}),
                "key": "key_1",
                "used_at": "2026-01-01T00:00:00Z",
            },
        ),
    ]

    def handle(_: httpx.Request) -> httpx.Response:
        status, body = answers.pop(0)
        return httpx.Response(status, json=body)

    http = httpx.Client(transport=httpx.MockTransport(handle))
    client = Countersign("http://old", "cs_x", http=http)
    assert client.use("apr_1", {}) is None
    # A proxy's 404 says nothing about permits.
    with pytest.raises(ApiError):
        client.use("apr_1", {})
    with pytest.raises(InvalidResponse, match="another call"):
        client.use("apr_1", {})


async def test_denied_with_a_reason(client: AsyncCountersign, alice: Alice, run_id: str) -> None:
    with alice.will(run_id, deny("Use the other repository")):
        approval = await client.wait(await client.ask(**request(run_id)))
    assert (approval.status, approval.reason) == ("denied", "Use the other repository")


async def test_edited_arguments_are_the_final_ones(client: AsyncCountersign, alice: Alice, run_id: str) -> None:
    with alice.will(run_id, edit(title="Goodbye")):
        approval = await client.wait(await client.ask(**request(run_id, editable=True)))
    assert approval.final_arguments["title"] == "Goodbye"
    assert approval.decision
    assert approval.decision.arguments_digest == arguments_digest(approval.final_arguments)


async def test_wait_ends_with_its_timeout(client: AsyncCountersign, run_id: str) -> None:
    began = time.monotonic()
    approval = await client.wait(await client.ask(**request(run_id)), timeout=1.5)
    assert approval.pending
    assert 1 < time.monotonic() - began < 10
    assert (await client.cancel(approval)).status == "cancelled"
    # It stays as it is.
    assert (await client.cancel(approval)).status == "cancelled"


async def test_problems_say_what_to_do(client: AsyncCountersign, run_id: str) -> None:
    with pytest.raises(ApiError) as found:
        await client.ask(**request(run_id, expires_in=1))
    assert (found.value.status, found.value.type) == (422, "invalid-request")
    assert "/expires_in: must be a whole number" in str(found.value)
    with pytest.raises(ApiError) as found:
        await client.get("apr_0")
    assert found.value.status == 404


def test_verified_webhook_carries_the_approval(service: Service, alice: Alice, run_id: str) -> None:
    with Countersign() as client, alice.will(run_id, approve):
        asked = client.ask(**request(run_id, metadata={"job": 7}))
        client.wait(asked)

    def arrived() -> Any:
        webhook = service.webhooks.get(timeout=10)
        event = verify_webhook(webhook.body, webhook.headers, service.webhook_secret, tolerance=math.inf)
        return (webhook, event) if event.approval and event.approval.id == asked.id else None

    webhook, event = until(arrived, "the webhook")
    assert event.type == "approval.approved"
    assert event.conversation == run_id
    assert event.approval.metadata == {"job": 7}
    other = "whsec_b3RoZXIgc2VjcmV0IG90aGVyIHNlY3JldCBvdGhlciE="
    check = {"tolerance": math.inf}
    verify_webhook(webhook.body, webhook.headers, [other, service.webhook_secret], **check)
    for body, headers, secret in [
        (webhook.body + b" ", webhook.headers, service.webhook_secret),
        (webhook.body, webhook.headers, other),
        (webhook.body, webhook.headers | {"webhook-id": "dlv_1"}, service.webhook_secret),
        (webhook.body, {}, service.webhook_secret),
    ]:
        with pytest.raises(WebhookError):
            verify_webhook(body, headers, secret, **check)
    with pytest.raises(WebhookError, match="too old or too new"):
        verify_webhook(webhook.body, webhook.headers, service.webhook_secret, tolerance=-1)


SECRET = "whsec_b3RoZXIgc2VjcmV0IG90aGVyIHNlY3JldCBvdGhlciE="


def signed(body: bytes, secret: str = SECRET, timestamp: str | None = None) -> dict[str, str]:
    """The headers of a webhook."""
    timestamp = timestamp or str(int(time.time()))
    key = base64.b64decode(secret.removeprefix("whsec_"))
    signature = base64.b64encode(hmac.digest(key, f"dlv_1.{timestamp}.".encode() + body, "sha256")).decode()
    return {"webhook-id": "dlv_1", "webhook-timestamp": timestamp, "webhook-signature": f"v1,{signature}"}


PING = b'{"type": "webhook.ping", "timestamp": "2026-01-01T00:00:00Z", "data": {}}'


@pytest.mark.parametrize(
    "changed",
    [
        {"webhook-timestamp": "1" * 400},
        {"webhook-timestamp": "1" * 5000},
        {"webhook-timestamp": "²"},
        {"webhook-timestamp": str(int(time.time()) - 600)},
        {"webhook-timestamp": str(int(time.time()) + 600)},
        {"webhook-signature": "v1,\udcff v1,é v1, v1"},
        {"webhook-id": "\udcff"},
    ],
)
def test_webhook_of_a_stranger_is_refused(changed: dict[str, str]) -> None:
    assert verify_webhook(PING, signed(PING), SECRET).type == "webhook.ping"
    with pytest.raises(WebhookError):
        verify_webhook(PING, signed(PING) | changed, SECRET)


@pytest.mark.parametrize("body", [b"\xff", b"[]", b"{}", b"[" * 100_000])
def test_signed_webhook_that_is_not_readable_is_refused(body: bytes) -> None:
    with pytest.raises(WebhookError, match="not readable"):
        verify_webhook(body, signed(body), SECRET)


@pytest.mark.parametrize("secret", ["", "whsec_", " ", "no base64", ["", SECRET]])
def test_empty_secret_believes_no_webhook(secret: str | list[str]) -> None:
    with pytest.raises(ValueError, match="webhook secret is empty"):
        verify_webhook(PING, signed(PING, "whsec_"), secret)


def test_parsed_body_of_a_webhook_is_refused() -> None:
    with pytest.raises(TypeError, match="as it came"):
        verify_webhook({"type": "webhook.ping"}, signed(PING), SECRET)  # type: ignore[arg-type]


async def test_digest_is_the_services(client: AsyncCountersign, run_id: str) -> None:
    chosen = random.Random(7)
    doubles = [struct.unpack("d", chosen.randbytes(8))[0] for _ in range(300)]
    arguments = {
        "numbers": [one for one in doubles if math.isfinite(one)]
        + [
            0,
            -0.0,
            1.0,
            1e21,
            1e20,
            123456789012345680000.0,
            2**70,
            1e-6,
            1e-7,
            1.5e-7,
            5e-324,
            0.1,
            -12.5,
            333333333.3333333,
        ],
        "\uff61": True,
        "😀": None,
        "": '"\\\b\f\n\r\t\u0001\u007f\u2028é/',
        "nested": {"b": [], "a": {}, "B": [False]},
    }
    approval = await client.ask(**request(run_id, arguments=arguments))
    assert approval.arguments_digest == arguments_digest(arguments)
    for odd in (math.nan, math.inf, 2**53 + 1, 10**400, "\ud800", {1: 2}, {1}):
        with pytest.raises(ValueError, match=r"double|surrogates|strings|JSON"):
            arguments_digest({"odd": odd})


@contextmanager
def answering(*answers: tuple[int, dict[str, str], str]) -> Iterator[tuple[str, list[dict[str, str]]]]:
    """A service that gives these answers, and keeps the headers that it was sent."""
    received: list[dict[str, str]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.do_POST()

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers.get("content-length", 0)))
            status, headers, body = answers[min(len(received), len(answers) - 1)]
            received.append({name.lower(): value for name, value in self.headers.items()})
            self.send_response(status)
            for name, value in (headers | {"content-length": str(len(body))}).items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body.encode())

        def log_message(self, format: str, *args: Any) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}", received
    server.shutdown()


def test_repeats_with_the_same_key_and_as_retry_after_says(run_id: str) -> None:
    answers = [(429, {"retry-after": "1"}, ""), (503, {"retry-after": "0"}, ""), (422, {}, "{}")]
    with answering(*answers) as (url, received), Countersign(url, "cs_x") as client:
        began = time.monotonic()
        with pytest.raises(ApiError, match="422"):
            client.ask(**request(run_id))
        assert 1 <= time.monotonic() - began < 10
    assert len(received) == 3
    assert len({headers["idempotency-key"] for headers in received}) == 1


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        ((503, {"retry-after": "60"}, ""), ApiError),
        ((302, {"location": "/"}, ""), ApiError),
        ((200, {}, "<html>"), InvalidResponse),
        ((200, {}, '{"id": "apr_1", "status": "approved"}'), InvalidResponse),
        ((200, {"content-encoding": "gzip"}, "no gzip"), Unreachable),
        ((503, {}, '{"errors": ["x", null, 1]}'), ApiError),
        ((503, {}, '{"errors": 1}'), ApiError),
        ((503, {}, "[" * 100_000), ApiError),
        ((503, {"retry-after": "\xb2"}, ""), ApiError),
        ((200, {}, "[" * 100_000), InvalidResponse),
    ],
)
def test_bad_answers_are_errors(answer: tuple[int, dict[str, str], str], error: type[Exception], run_id: str) -> None:
    with answering(answer) as (url, _), Countersign(url, "cs_x", retry_for=0.5) as client, pytest.raises(error):
        client.ask(**request(run_id))


@pytest.mark.parametrize("wanted", ["0", "Wed, 21 Oct 2015 07:28:00 GMT"])
def test_pauses_although_retry_after_has_passed(wanted: str, run_id: str) -> None:
    with (
        answering((503, {"retry-after": wanted}, "")) as (url, received),
        Countersign(url, "cs_x", retry_for=1) as client,
        pytest.raises(ApiError),
    ):
        client.ask(**request(run_id))
    assert 2 <= len(received) < 8


PENDING: dict[str, Any] = {
    "id": "apr_1",
    "status": "pending",
    "user": ALICE,
    "agent": {"id": "atlas", "name": None},
    "conversation": {"id": "c", "title": None, "url": None},
    "integration": "github",
    "action": "create_issue",
    "arguments": {},
    "arguments_digest": arguments_digest({}),
    "metadata": None,
    "created_at": "2026-01-01T00:00:00Z",
    "expires_at": "2026-01-01T00:30:00Z",
    "decision": None,
    "result": None,
}
DENIED = PENDING | {
    "status": "denied",
    "decision": {
        "outcome": "denied",
        "scope": None,
        "by": "policy",
        "user": None,
        "grant": None,
        "reason": "Release freeze",
        "arguments": None,
        "arguments_digest": None,
        "decided_at": "2026-01-01T00:01:00Z",
    },
}


def test_wait_goes_on_through_an_outage_but_not_for_ever() -> None:
    down: tuple[int, dict[str, str], str] = (502, {}, "")
    with (
        answering((200, {}, json.dumps(PENDING)), down, down, down, (200, {}, json.dumps(DENIED))) as (url, received),
        Countersign(url, "cs_x", retry_for=0.1) as client,
    ):
        assert client.wait("apr_1").status == "denied"
    assert len(received) == 5
    soon = PENDING | {"expires_at": PENDING["created_at"]}
    with (
        answering((200, {}, json.dumps(soon)), down) as (url, _),
        Countersign(url, "cs_x", retry_for=0.1) as client,
        pytest.raises(ApiError, match="502"),
    ):
        client.wait("apr_1")


def test_wait_in_an_outage_ends_with_its_timeout() -> None:
    with (
        answering((200, {}, json.dumps(PENDING)), (502, {}, "")) as (url, _),
        Countersign(url, "cs_x", retry_for=0.1) as client,
        pytest.raises(ApiError, match="502"),
    ):
        client.wait("apr_1", timeout=1)


def test_unreachable_service_is_an_error_after_a_while(run_id: str) -> None:
    with Countersign(dead_url(), "cs_x", retry_for=1) as client:
        began = time.monotonic()
        with pytest.raises(Unreachable, match="Could not reach Countersign"):
            client.ask(**request(run_id))
        assert 0.2 < time.monotonic() - began < 10


def test_one_client_works_in_several_event_loops(service: Service, run_id: str) -> None:
    client = AsyncCountersign()

    async def ask() -> str:
        async with client:
            return (await client.ask(**request(run_id), idempotency_key=run_id)).id

    assert anyio.run(ask) == anyio.run(ask)


def test_settings_are_checked() -> None:
    with pytest.raises(ValueError, match="http or https"):
        Countersign("ftp://example.com", "cs_x")
    with pytest.raises(ValueError, match="not the id"):
        Countersign("http://example.com", "cs_x").get("../audit")
    with pytest.raises(ValueError, match="The API key is not valid") as found:
        Countersign("http://example.com", "cs_secret\n1")
    assert "cs_secret" not in str(found.value)
    with pytest.raises(ValueError, match="idempotency key"):
        Countersign("http://example.com", "cs_x\n").ask(**request("c"), idempotency_key="k\n")
    own = httpx.Client()
    Countersign("http://example.com", "cs_x", http=own).close()
    assert not own.is_closed


def dead_url() -> str:
    """An address at which nothing listens."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{free.getsockname()[1]}"
