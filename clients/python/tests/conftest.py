from __future__ import annotations

import os
import uuid
from collections.abc import Iterator

import pytest
from local import Alice, Service, running_service

from countersign import AsyncCountersign

# Everything here is on this machine.
os.environ["NO_PROXY"] = os.environ["no_proxy"] = "*"


@pytest.fixture(scope="session")
def service() -> Iterator[Service]:
    with running_service() as service:
        os.environ["COUNTERSIGN_URL"] = service.url
        os.environ["COUNTERSIGN_API_KEY"] = service.api_key
        os.environ["COUNTERSIGN_WEBHOOK_SECRET"] = service.webhook_secret
        yield service


@pytest.fixture(scope="session")
def alice(service: Service) -> Alice:
    return Alice(service)


@pytest.fixture
def run_id() -> str:
    """A run of an agent, which is also its conversation."""
    return f"run-{uuid.uuid4()}"


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
def client(service: Service) -> AsyncCountersign:
    return AsyncCountersign(service.url, service.api_key)
