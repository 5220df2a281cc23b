"""The real service with its local Slack (the project's demo), and Alice, who clicks there."""

from __future__ import annotations

import html
import json
import os
import queue
import re
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from html.parser import HTMLParser
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, TypeVar

import httpx

DEMO = Path(__file__).parents[3] / "target/debug/examples/demo"
ALICE = "U0ALICE"
SOON = 60.0

T = TypeVar("T")

Answer = Callable[["Alice", str], None]
"""What Alice does with the approval of this id."""


@dataclass(frozen=True)
class Webhook:
    """A webhook as it came."""

    headers: dict[str, str]
    body: bytes


@dataclass(frozen=True)
class Service:
    """The service that runs."""

    url: str
    api_key: str
    webhook_secret: str
    page: str
    webhooks: queue.Queue[Webhook]


def start_demo(webhook_url: str) -> tuple[subprocess.Popen[str], str]:
    """Starts the demo, and gives what it said when it was ready."""
    said = ""
    # Two that start at the same time may want the same port: then one says so and ends.
    for attempt in range(5):
        time.sleep(attempt)
        demo = subprocess.Popen(
            [os.environ.get("COUNTERSIGN_DEMO", DEMO), "--webhook-url", webhook_url],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env={name: value for name, value in os.environ.items() if not name.lower().endswith("_proxy")},
        )
        assert demo.stdout
        said = ""
        for line in demo.stdout:
            said += line
            if "Ctrl-C" in line:
                return demo, said
        demo.wait()
    raise AssertionError(f"the demo ended: {said}")


@contextmanager
def running_service() -> Iterator[Service]:
    """Starts the demo, and a receiver of its webhooks."""
    webhooks: queue.Queue[Webhook] = queue.Queue()

    class Receiver(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            webhooks.put(Webhook(dict(self.headers), body))
            self.send_response(204)
            self.end_headers()

        def log_message(self, format: str, *args: Any) -> None:
            pass

    receiver = ThreadingHTTPServer(("127.0.0.1", 0), Receiver)
    threading.Thread(target=receiver.serve_forever, daemon=True).start()
    address = f"http://127.0.0.1:{receiver.server_port}/webhook"
    demo, said = start_demo(address)
    try:
        exported = dict(re.findall(r"export COUNTERSIGN_(\w+)=(\S+)", said))
        page = re.search(r"http://\S+\?as=", said)
        assert page, said
        origin = page.group().removesuffix("/?as=")
        yield Service(exported["URL"], exported["API_KEY"], exported["WEBHOOK_SECRET"], origin, webhooks)
    finally:
        demo.terminate()
        demo.wait()
        receiver.shutdown()


class Modal(HTMLParser):
    """The fields of the open modal, by label."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.labels: dict[str, str] = {}
        self.fields: dict[str, tuple[str, str]] = {}
        self._label = self._area = ""
        self._within = False
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = {name: value or "" for name, value in attrs}
        self._within = self._within or found.get("data-testid") == "modal"
        if not self._within:
            return
        self._label = found.get("for", "") if tag == "label" else ""
        if tag in ("input", "textarea") and "name" in found:
            self.fields[found.get("id", "")] = (found["name"], found.get("value", ""))

    def handle_data(self, data: str) -> None:
        if self._label:
            self.labels[data.strip()] = self._label
            self._label = ""

    def handle_endtag(self, tag: str) -> None:
        self._within = self._within and tag != "dialog"


class Alice:
    """A person of the local Slack."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._page = httpx.Client(base_url=service.page, headers={"hx-request": "true"}, trust_env=False)
        self._api = httpx.Client(
            base_url=service.url, headers={"authorization": f"Bearer {service.api_key}"}, trust_env=False
        )

    def approvals(self, conversation: str, status: str | None = None) -> list[dict[str, Any]]:
        """The approvals of a conversation, newest first."""
        return self._list(conversation=conversation, **({"status": status} if status else {}))

    def recent(self, status: str) -> list[dict[str, Any]]:
        """The newest approvals of this status."""
        return self._list(status=status)

    def _list(self, **query: str) -> list[dict[str, Any]]:
        response = self._api.get("/v1/approvals", params=query | {"limit": "100"}).raise_for_status()
        found: list[dict[str, Any]] = response.json()["data"]
        return found

    def get(self, approval_id: str) -> dict[str, Any]:
        """One approval."""
        found: dict[str, Any] = self._api.get(f"/v1/approvals/{approval_id}").raise_for_status().json()
        return found

    def controls(self) -> list[dict[str, str]]:
        """Everything that can be clicked in her direct messages."""
        return [json.loads(html.unescape(text)) for text in re.findall(r'"/act/click" hx-vals="([^"]*)"', self.page())]

    def page(self) -> str:
        return self._page.get("/", params={"as": ALICE}).raise_for_status().text

    def act(self, what: str, fields: dict[str, str]) -> bool:
        """Whether it was still on the screen: messages change while she looks."""
        response = self._page.post(f"/act/{what}", data=fields)
        assert response.status_code == 204 or "no longer" in response.text, response.text
        return response.status_code == 204

    def click(self, action: str, value: str) -> None:
        """Clicks a button or an option of a menu, once it is there."""

        def clicked() -> bool:
            control = self._control(action, value)
            return control is not None and self.act("click", control)

        until(clicked, f"the control {action} {value}")

    def _control(self, action: str, value: str) -> dict[str, str] | None:
        found = (one for one in self.controls() if (one["action_id"], one.get("value")) == (action, value))
        return next(found, None)

    def submit(self, changed: dict[str, str]) -> None:
        """Fills in the modal that has opened, and submits it."""

        def opened() -> tuple[str, Modal] | None:
            page = self.page()
            view = re.search(r'data-testid="modal" data-view="([^"]+)"', page)
            modal = Modal(page)
            return (view.group(1), modal) if view and changed.keys() <= modal.labels.keys() else None

        view, modal = until(opened, "the modal")
        values = {modal.labels[label]: value for label, value in changed.items()}
        fields = {name: values.get(field, value) for field, (name, value) in modal.fields.items()}
        assert self.act("submit", {"as": ALICE, "view": view, **fields})

    def pass_time(self, minutes: int) -> None:
        """Puts the clock forward."""
        self._page.post("/time", data={"minutes": str(minutes)}).raise_for_status()

    @contextmanager
    def will(self, conversation: str, *answers: Answer) -> Iterator[None]:
        """Has her answer the next approvals of a conversation, one after the other, while something else runs."""
        failed: list[BaseException] = []

        def answer() -> None:
            try:
                seen: set[str] = set()
                for one in answers:
                    approval_id = until(lambda: self._next(conversation, seen), "the next approval")
                    seen.add(approval_id)
                    one(self, approval_id)
            except BaseException as error:
                failed.append(error)

        thread = threading.Thread(target=answer)
        thread.start()
        try:
            yield
        finally:
            thread.join()
        if failed:
            raise failed[0]

    def _next(self, conversation: str, seen: set[str]) -> str | None:
        waiting = (one["id"] for one in reversed(self.approvals(conversation, "pending")))
        return next((one for one in waiting if one not in seen), None)


def until(look: Callable[[], T | None], what: str) -> T:
    """What this finds, as soon as it does."""
    end = time.monotonic() + SOON
    while time.monotonic() < end:
        if found := look():
            return found
        time.sleep(0.05)
    raise AssertionError(f"{what} did not come")


def approve(alice: Alice, approval_id: str) -> None:
    alice.click("approve", approval_id)


def approve_for_conversation(alice: Alice, approval_id: str) -> None:
    alice.click("approve_more", f"conversation:{approval_id}")


def deny(reason: str) -> Answer:
    def answer(alice: Alice, approval_id: str) -> None:
        alice.click("deny_more", f"in_words:{approval_id}")
        alice.submit({"Reason": reason})

    return answer


def edit(**changed: str) -> Answer:
    def answer(alice: Alice, approval_id: str) -> None:
        alice.click("approve_more", f"edit:{approval_id}")
        alice.submit({label.capitalize(): value for label, value in changed.items()})

    return answer


def approve_all(expected: int) -> Answer:
    """Approves everything that waits in the approval's conversation, once so much does."""

    def answer(alice: Alice, approval_id: str) -> None:
        conversation = alice.get(approval_id)["conversation"]["id"]
        until(lambda: len(alice.approvals(conversation, "pending")) == expected, f"{expected} approvals")
        while waiting := {one["id"] for one in alice.approvals(conversation, "pending")}:
            controls = [one for one in alice.controls() if one.get("value", "").split(":")[-1] in waiting]
            for one in controls:
                if one["action_id"] == "approve":
                    alice.act("click", one)
                if one["action_id"] == "approve_all" and alice.act("click", one):
                    alice.submit({})
            time.sleep(0.1)

    return answer
