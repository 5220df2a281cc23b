"""Asks for an approval and waits for it with the client that openapi-python-client generated.

Usage: client.py USER INTEGRATION ACTION. Prints a line for each thing that it sees.
"""

import os
import sys

from generated import AuthenticatedClient, Client
from generated.api.approvals import create_approval, get_approval, list_approvals, watch_approval
from generated.api.health import get_liveness
from generated.models import (
    AgentBody, Approval, AskBody, AskBodyArguments, ConversationBody, Decision, PageApproval, Problem, Scope,
)

url = os.environ["COUNTERSIGN_URL"]
client = AuthenticatedClient(base_url=url, token=os.environ["COUNTERSIGN_API_KEY"])
user, integration, action = sys.argv[1:]

# Needs no key.
assert get_liveness.sync(client=Client(base_url=url)) == "ok\n"

body = AskBody(
    user=user, integration=integration, action=action, arguments=AskBodyArguments.from_dict({"title": "Größe"}),
    agent=AgentBody(id="py"), conversation=ConversationBody(id="c-1"),
)
asked = create_approval.sync(client=client, body=body)
assert isinstance(asked, Approval), asked
print("asked", asked.status.value, flush=True)

page = list_approvals.sync(client=client, limit=1)
assert isinstance(page, PageApproval), page
print("listed", isinstance(page.data[0], Approval) and page.data[0].id == asked.id, flush=True)

ended = get_approval.sync(asked.id, client=client.with_timeout(60), wait=30)
assert isinstance(ended, Approval) and isinstance(ended.decision, Decision), ended
print("ended", ended.status.value, ended.decision.scope is Scope.ONCE, flush=True)

events = watch_approval.sync(asked.id, client=client)
assert isinstance(events, str) and events.startswith("id: approved\n"), events
print("watched", watch_approval.sync_detailed(asked.id, client=client, last_event_id="approved").status_code.value)

refused = get_approval.sync("apr_x", client=client)
assert isinstance(refused, Problem), refused
print("refused", refused.status)
