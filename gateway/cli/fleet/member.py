"""The child's side: an ordinary gateway on inherited sockets, led by its parent.

RELIEVED   it accepts nothing more and drains
STOP       it drains, and serves what load balancers still send meanwhile
(end)      the parent is gone: as RELIEVED, so that a new parent finds the address free
"""

import asyncio
from dataclasses import asdict, dataclass
from typing import Self

import orjson
from structlog.typing import FilteringBoundLogger

from gateway import app as gateway_app
from gateway import place
from gateway.cli.fleet import words
from gateway.cli.output import ExitCode, Failure
from gateway.place import Place
from gateway.settings import Settings


@dataclass(frozen=True, slots=True)
class Inherited:
    """What a child is started with: its number, and open descriptors."""

    index: int
    scim: tuple[int, ...]
    ops: tuple[int, ...]
    channel: int
    succeeds: bool

    @classmethod
    def read(cls, text: str) -> Self:
        """Raises Failure: USAGE, for somebody who gives the option by hand."""
        try:
            fields = orjson.loads(text)
            return cls(**{**fields, "scim": tuple(fields["scim"]), "ops": tuple(fields["ops"])})
        except (ValueError, TypeError, KeyError):
            raise Failure(ExitCode.USAGE, "--place is how a parent starts its children") from None

    def text(self) -> str:
        """The value of the option that `read` takes."""
        return orjson.dumps(asdict(self)).decode()


async def run(
    loaded: Settings, inherited: Inherited, stop: asyncio.Event, *, log: FilteringBoundLogger
) -> None:
    """Serve until the parent or a signal says stop. Raises what `gateway.app.serve` raises."""
    [channel] = place.inherited((inherited.channel,))
    reader, writer = await asyncio.open_connection(sock=channel)
    at = Place(
        scim=place.inherited(inherited.scim),
        ops=place.inherited(inherited.ops),
        succeeds=inherited.succeeds,
        ready=lambda: writer.write(words.READY),
    )
    log = log.bind(process=inherited.index)
    async with asyncio.TaskGroup() as group:
        obeying = group.create_task(_obey(reader, at.relieved, stop))
        await gateway_app.serve(loaded, stop, log=log, at=at)
        obeying.cancel()


async def _obey(
    reader: asyncio.StreamReader, relieved: asyncio.Event, stop: asyncio.Event
) -> None:
    """Do what the parent says first. A gateway that drains needs no second order."""
    try:
        word = await reader.read(1)
    except ConnectionError:
        word = b""
    if word != words.STOP:
        relieved.set()
    stop.set()
