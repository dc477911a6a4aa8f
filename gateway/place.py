"""Where a gateway process listens, and what it agrees with others that share its listener.

Alone, a process binds its own addresses. One of several (`serve --processes N`) is given sockets
that its parent bound: all of them accept on the same SCIM socket, and each has an operators'
socket of its own, which a successor takes over with it.
"""

import asyncio
import socket
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from gateway.settings import Address

PASSED_FROM: Final = 3
"""The first descriptor of a socket that a service manager passes (`sd_listen_fds(3)`)."""


def _nobody_asks() -> None:
    """A process alone tells nobody that it serves."""


@dataclass(frozen=True, slots=True)
class Place:
    """`scim` and `ops` are listening sockets; where there are none the settings say what to bind.

    `succeeds`: another process still has this place, so the operators' socket is left to it until
    this one serves. `ready` is called then. `relieved` is set, before the order to stop, when a
    successor serves: nothing new is accepted from that moment, for it has the same sockets.
    """

    scim: tuple[socket.socket, ...] = ()
    ops: tuple[socket.socket, ...] = ()
    succeeds: bool = False
    ready: Callable[[], None] = _nobody_asks
    relieved: asyncio.Event = field(default_factory=asyncio.Event)


def bound(address: Address) -> tuple[socket.socket, ...]:
    """Listening sockets on every address that the host stands for. Raises OSError.

    An address where a stopped process still has connections that fade away is no obstacle.
    """
    host, port = address
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    return tuple(_listening(family, where, address) for family, _, _, _, where in found)


def passed(environ: Mapping[str, str], pid: int) -> tuple[socket.socket, ...]:
    """The sockets that a service manager opened for this very process; none is the usual case."""
    if environ.get("LISTEN_PID") != str(pid):
        return ()
    number = int(environ.get("LISTEN_FDS", "0"))
    return inherited(range(PASSED_FROM, PASSED_FROM + number))


def inherited(descriptors: range | tuple[int, ...]) -> tuple[socket.socket, ...]:
    """The sockets of open descriptors; they are not passed on to children of ours by themselves.

    Raises OSError for a descriptor that is no socket.
    """
    sockets = tuple(socket.socket(fileno=each) for each in descriptors)
    for each in sockets:
        each.set_inheritable(False)
    return sockets


def shown(sockets: tuple[socket.socket, ...], otherwise: Address) -> str:
    """The address to log for a listener."""
    if not sockets:
        return str(otherwise)
    host, port = sockets[0].getsockname()[:2]
    return str(Address(host, port))


def _listening(family: int, where: tuple[Any, ...], address: Address) -> socket.socket:
    made = socket.socket(family, socket.SOCK_STREAM)
    try:
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            made.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        made.bind(where)
        made.listen()
    except OSError as error:
        made.close()
        raise OSError(error.errno, f"cannot listen on {address}: {error.strerror}") from None
    return made
