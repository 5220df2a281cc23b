"""Processes that end, or are killed, between the request and the answer."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from local import Alice, Service, Webhook, approve, deny, until
from restarts import DURABLE
from stacks import STACKS, issue


def start(*arguments: str) -> subprocess.Popen[str]:
    program = Path(__file__).with_name("restarts.py")
    return subprocess.Popen(
        [sys.executable, program, *arguments], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )


def output(program: subprocess.Popen[str], said: str = "") -> Any:
    out, _ = program.communicate(said, timeout=120)
    assert program.returncode == 0, out
    return json.loads(out)


def waiting(alice: Alice, conversation: str, count: int) -> list[str]:
    found = lambda: len(alice.approvals(conversation, "pending")) == count  # noqa: E731
    until(found, f"{count} approvals in {conversation}")
    return [one["id"] for one in reversed(alice.approvals(conversation))]


def test_killed_process_finds_its_approvals_again(service: Service, alice: Alice, run_id: str) -> None:
    program = start("inline", run_id)
    asked = {name: waiting(alice, f"{run_id}-{name}", 1) for name in STACKS}
    program.kill()
    program.communicate()
    for (approval_id,) in asked.values():
        approve(alice, approval_id)
    done = output(start("inline", run_id))
    for name in STACKS:
        assert done[name] == {"ran": [issue("A")], "read": [["Opened A"]]}, name
        assert [one["id"] for one in alice.approvals(f"{run_id}-{name}")] == asked[name], name


def test_durable_runs_continue_in_another_process(service: Service, alice: Alice, run_id: str, tmp_path: Path) -> None:
    assert output(start("start", run_id, str(tmp_path))) == {name: {"ran": [], "read": []} for name in DURABLE}
    asked = {name: waiting(alice, f"{run_id}-{name}", 2) for name in DURABLE}
    for approvals in asked.values():
        by_title = {alice.get(one)["arguments"]["title"]: one for one in approvals}
        approve(alice, by_title["A"])
        deny("Not B")(alice, by_title["B"])
    webhooks: list[Webhook] = []
    while len(webhooks) < 2 * len(DURABLE):
        webhook = service.webhooks.get(timeout=60)
        if run_id in webhook.body.decode():
            webhooks.append(webhook)
    # One comes twice, after the others.
    webhooks += [last_of(webhooks, f"{run_id}-{name}") for name in DURABLE]
    lines = [json.dumps([webhook.headers, webhook.body.decode()]) for webhook in webhooks]
    done = output(start("resume", run_id, str(tmp_path)), "\n".join(lines))
    for name in DURABLE:
        assert done[name]["ran"] == [issue("A")], name
        ((opened, refused),) = done[name]["read"]
        assert opened == "Opened A", name
        assert "Reason: “Not B”" in refused, name
        results = {one["status"]: one["result"] for one in alice.approvals(f"{run_id}-{name}")}
        assert results["approved"]["status"] == "succeeded", name
        assert results["denied"] is None, name


def last_of(webhooks: list[Webhook], conversation: str) -> Webhook:
    return [webhook for webhook in webhooks if conversation in webhook.body.decode()][-1]
