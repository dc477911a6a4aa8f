"""The backend under contract: the sandbox, and a real one when the environment names it.

BLDNG_CONTRACT_URL, BLDNG_CONTRACT_TOKEN and BLDNG_CONTRACT_ORG name a real backend; the suite
leaves a few records with names that begin with `contract-` behind in that organisation.
"""

import itertools
import os
import uuid
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import aiohttp
import pytest

from clients.bldng import client
from tests.support.sandbox import Sandbox

REAL = os.environ.get("BLDNG_CONTRACT_URL", "")


@dataclass(frozen=True, slots=True)
class Answer:
    """A raw answer."""

    status: int
    content_type: str
    body: Any


@dataclass(frozen=True, slots=True)
class Backend:
    """A BLDNG to hold to the contract: through our client, and raw."""

    bldng: client.Bldng
    session: aiohttp.ClientSession
    base_url: str
    token: str
    org: str
    numbers: Any = field(default_factory=itertools.count)
    run: str = field(default_factory=lambda: uuid.uuid4().hex[:8])

    def name(self, what: str = "person") -> str:
        """A text that nobody else uses."""
        return f"contract-{what}-{self.run}-{next(self.numbers)}"

    @property
    def ids(self) -> dict[str, str]:
        """The arguments of a create."""
        return {"request_id": self.name("request"), "idempotency_key": self.name("key")}

    async def raw(
        self,
        method: str,
        path: str,
        *,
        json: Any = None,
        data: bytes | None = None,
        headers: Mapping[str, str | None] | None = None,
    ) -> Answer:
        """One request as it is; a header given as None is left out."""
        wanted: dict[str, str | None] = {
            "Authorization": f"Bearer {self.token}",
            "X-Request-Id": self.name("request"),
            **({"Idempotency-Key": self.name("key")} if method == "POST" else {}),
            **(headers or {}),
        }
        kept = {name: value for name, value in wanted.items() if value is not None}
        url = f"{self.base_url}/orgs/{self.org}{path}"
        async with self.session.request(
            method, url, json=json, data=data, headers=kept, allow_redirects=False
        ) as response:
            is_json = response.content_type.endswith("json")
            body = await response.json(content_type=None) if is_json else await response.text()
            return Answer(response.status, response.content_type, body)


@pytest.fixture(params=["sandbox", *(["real"] if REAL else [])])
async def backend(request: pytest.FixtureRequest, sandbox: Sandbox) -> AsyncIterator[Backend]:
    """Each backend in turn."""
    if request.param == "sandbox":
        base_url, token, org = sandbox.base_url, sandbox.token, "acme"
    else:
        base_url = REAL
        token, org = os.environ["BLDNG_CONTRACT_TOKEN"], os.environ["BLDNG_CONTRACT_ORG"]
    async with (
        client.connect(base_url=base_url, token=token) as bldng,
        aiohttp.ClientSession() as session,
    ):
        yield Backend(bldng, session, base_url.rstrip("/"), token, org)
