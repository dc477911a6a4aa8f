"""Starts Redis, sandbox, gateway and worker, in this order, and stops them in the other."""

import asyncio
import contextlib
import os
import signal
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import Final

import aiohttp

from clients.redis import embedded
from clients.redis.embedded import EmbeddedRedis
from clients.redis.types import NoRedisServer
from gateway import settings
from gateway.cli.local import child, demo, ports
from gateway.cli.local.child import Child
from gateway.cli.local.demo import Memory
from gateway.cli.local.ports import HOST
from gateway.cli.output import ExitCode, Failure
from gateway.settings import Settings

PORTS: Final = {"redis": 6390, "sandbox": 8090, "gateway": 8080, "ops": 9090, "worker_ops": 9091}
"""The ports tried first; the data folder remembers those that were taken instead."""

REDIS_TRIES: Final = 2
"""Other ports to try when the usual one is taken between looking and starting."""

READY_TIMEOUT_S: Final = 30.0
POLL_S: Final = 0.05


@dataclass(frozen=True, slots=True)
class Addresses:
    """Where everything answers."""

    redis: str
    sandbox: str
    gateway: str
    ops: str
    worker_ops: str

    @property
    def backend(self) -> str:
        """The contract of BLDNG, as the sandbox serves it."""
        return f"{self.sandbox}/internal/v1"


@dataclass(frozen=True, slots=True)
class Stack:
    """The running processes. `token` is the demo tenant's Secret Token."""

    addresses: Addresses
    children: tuple[Child, ...]
    token: str

    @property
    def tenant_url(self) -> str:
        return f"{self.addresses.gateway}/scim/v2/{demo.TENANT}"


@asynccontextmanager
async def running(folder: Path) -> AsyncIterator[Stack]:
    """Everything, ready to serve; the folder must be `demo.owned`.

    Raises:
        Failure: ERROR when a process dies or is not ready in time.
    """
    async with AsyncExitStack() as open_:
        async with ports.chosen_alone():
            up = await _start(folder, open_)
        yield up


async def _start(folder: Path, open_: AsyncExitStack) -> Stack:
    """Start each process; `open_` stops those that were started, in the other order."""
    memory = Memory.read(folder)
    chosen = {name: ports.pick(memory.ports.get(name, usual)) for name, usual in PORTS.items()}
    redis = _start_redis(folder / "redis", chosen["redis"])
    open_.callback(redis.stop)
    memory.ports = chosen | {"redis": redis.port}
    where = _addresses(memory.ports, redis.url)
    memory.secret_token = await demo.token(_settings(where, memory), memory.secret_token)
    memory.write(folder)
    children = []
    for name, arguments, environment in _commands(folder, where, memory):
        log = folder / "log" / f"{name}.log"
        started = await Child.start(name, *arguments, environment=environment, log=log)
        open_.push_async_callback(started.stop)
        children.append(started)
    await _until_ready(children, where)
    return Stack(where, tuple(children), memory.secret_token)


def _start_redis(folder: Path, preferred: int) -> EmbeddedRedis:
    """A redis-server on `preferred`, or on another port when somebody was faster.

    Only a server that could bind its port writes its pid file. The one that answers there may be
    somebody else's, whose data must not be taken for ours.
    """
    pid_file = folder.resolve() / "redis.pid"
    for port in (preferred, *(embedded.free_port() for _ in range(REDIS_TRIES))):
        redis = EmbeddedRedis(folder, port=port, extra={"pidfile": str(pid_file)})
        with _without_sigint(), contextlib.suppress(RuntimeError):
            redis.start()
        if pid_file.exists() and int(pid_file.read_text()) == redis.pid:
            return redis
        redis.kill()
    raise Failure(ExitCode.ERROR, f"redis-server does not start; see {folder / 'redis.log'}")


@contextmanager
def _without_sigint() -> Iterator[None]:
    """What is started here never hears Ctrl-C in the terminal: stopping it is up to us.

    Raises:
        Failure: ERROR when there is no redis-server on this machine.
    """
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    except NoRedisServer as error:
        raise Failure(ExitCode.ERROR, str(error)) from None
    finally:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})


def _addresses(chosen: Mapping[str, int], redis_url: str) -> Addresses:
    return Addresses(
        redis=redis_url,
        sandbox=f"http://{HOST}:{chosen['sandbox']}",
        gateway=f"http://{HOST}:{chosen['gateway']}",
        ops=f"http://{HOST}:{chosen['ops']}",
        worker_ops=f"http://{HOST}:{chosen['worker_ops']}",
    )


def _commands(
    folder: Path, where: Addresses, memory: Memory
) -> list[tuple[str, tuple[str, ...], dict[str, str]]]:
    """Name, arguments and environment of each child, in the order in which they start."""
    listen = where.sandbox.removeprefix("http://")
    state = str(folder / "sandbox.json")
    return [
        (
            "sandbox",
            ("sandbox", "--listen", listen, "--state-file", state),
            _environment({"BLDNG_SANDBOX_TOKEN": memory.backend_token}),
        ),
        ("worker", ("work",), _environment(_variables(where, memory, ops=where.worker_ops))),
        ("gateway", ("serve",), _environment(_variables(where, memory, ops=where.ops))),
    ]


def _variables(where: Addresses, memory: Memory, *, ops: str) -> dict[str, str]:
    values = {
        "redis_url": where.redis,
        "backend_url": where.backend,
        "backend_token": memory.backend_token,
        "public_url": where.gateway,
        "listen": where.gateway.removeprefix("http://"),
        "ops_listen": ops.removeprefix("http://"),
        "drain_delay_s": "0",
    }
    return {settings.env_name(name): value for name, value in values.items()}


def _environment(ours: Mapping[str, str]) -> dict[str, str]:
    """Ours, and the caller's without settings of another gateway."""
    inherited = {k: v for k, v in os.environ.items() if not k.startswith(settings.PREFIX)}
    return {**inherited, **ours}


def _settings(where: Addresses, memory: Memory) -> Settings:
    return settings.load(_variables(where, memory, ops=where.ops))


async def _until_ready(children: Sequence[Child], where: Addresses) -> None:
    """Wait for the health of all three. Raises Failure when one dies first or takes too long."""
    probes = (f"{where.backend}/health", f"{where.worker_ops}/readyz", f"{where.ops}/readyz")
    try:
        async with asyncio.timeout(READY_TIMEOUT_S):
            await child.while_alive(children, _all_answer(probes))
    except TimeoutError:
        slow = ", ".join(str(each.log) for each in children)
        raise Failure(
            ExitCode.ERROR, f"not ready after {READY_TIMEOUT_S:.0f} s; see {slow}"
        ) from None


async def _all_answer(urls: Iterable[str]) -> None:
    async with aiohttp.ClientSession() as http:
        for url in urls:
            await _answers(http, url)


async def _answers(http: aiohttp.ClientSession, url: str) -> None:
    """Ask again until it answers 200."""
    while True:
        with contextlib.suppress(aiohttp.ClientError):
            async with http.get(url) as answer:
                if answer.status == HTTPStatus.OK:
                    return
        await asyncio.sleep(POLL_S)
