"""One lane to Redis: the concurrent script calls of a loop turn leave as one pipeline.

In: `await lane.run(script, keys, args)` from any number of tasks. Out: the script's reply, or
`RedisUnavailable` (outcome unknown), `RedisFull`, `ForeignRedis`. Guaranteed: each reply reaches
its own caller or nobody; a caller that is cancelled or out of time cannot disturb the others;
nobody waits beyond the deadline; what waits is bounded. Where the installation acknowledges only
what its replicas have, one WAIT follows each pipeline with acknowledged writes, on its connection:
when too few answer in time, those calls raise `NotDurable` and are repeated like lost ones.
"""

import asyncio
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import hiredis
import redis.asyncio
import redis.exceptions
from redis.asyncio.connection import AbstractConnection

from clients.redis import keys as layout
from clients.redis import replies, scripts, types
from clients.redis.durability import Confirmation

Argument = str | bytes | int | float

ASKING = hiredis.pack_command(("ASKING",))
"""Goes before a call for a slot that its node is just taking over."""

PAUSE_S = 0.03
"""Between two sends of the same call after a connection broke: long enough to reconnect."""

FENCE_TTL_MS = 10 * 365 * 86_400_000
"""To set how long a key lives is a write that a full Redis accepts too."""


@dataclass(slots=True, eq=False)
class _Call:
    script: scripts.Script
    command: tuple[Argument, ...]
    expires_at: float
    reply: asyncio.Future[object]
    asking: bool

    @property
    def acknowledged(self) -> bool:
        return self.script.name in scripts.ACKNOWLEDGED

    def succeed(self, value: object) -> None:
        if not self.reply.done():
            self.reply.set_result(value)

    def fail(self, error: Exception) -> None:
        if not self.reply.done():
            self.reply.set_exception(error)


class Lane:
    """Joins script calls into pipelines; see the module's contract.

    `deadline_ms` bounds one call, `max_batches` the pipelines on the wire, `max_batch` the calls
    in one of them, and `max_waiting` the calls that wait for a place. `confirmation` is what an
    acknowledged write needs besides; None costs nothing.
    """

    def __init__(
        self,
        client: redis.asyncio.Redis,
        *,
        deadline_ms: int = 800,
        max_batches: int = 4,
        max_batch: int = 128,
        max_waiting: int = 2000,
        library: Mapping[str, scripts.Script] | None = None,
        confirmation: Confirmation | None = None,
    ) -> None:
        self._client = client
        self._library = library or scripts.library()
        self._deadline_s = deadline_ms / 1000
        self._confirmation = confirmation
        self._max_batches = max_batches
        self._max_batch = max_batch
        self._max_waiting = max_waiting
        self._waiting: deque[_Call] = deque()
        self._open: deque[_Call] = deque()
        self._batches: set[asyncio.Task[None]] = set()
        self._idle: list[AbstractConnection] = []
        self._demoted = False
        self._flush: asyncio.Handle | None = None
        self._sweep: asyncio.TimerHandle | None = None
        self._shut: types.RedisUnavailable | None = None

    def shut(self, reason: types.RedisUnavailable | None) -> None:
        """Send no call any more: each raises `reason`. None opens the lane again."""
        self._shut = reason

    def _refuse(self) -> None:
        """Raise the reason when the lane is shut."""
        if self._shut is not None:
            raise type(self._shut)(*self._shut.args)

    async def run(
        self,
        script: str,
        keys: Sequence[str],
        args: Sequence[Argument],
        *,
        asking: bool = False,
    ) -> object:
        """The reply of one call of the named script, sent once; `asking` is for a Cluster."""
        self._refuse()
        if len(self._waiting) >= self._max_waiting:
            raise types.RedisUnavailable("too many calls wait for Redis")
        loop = asyncio.get_running_loop()
        found = self._library[script]
        command = ("EVALSHA", found.sha, len(keys), *keys, *args)
        expires_at = loop.time() + self._deadline_s
        call = _Call(found, command, expires_at, loop.create_future(), asking)
        self._waiting.append(call)
        self._track(call, loop)
        if self._flush is None:
            self._flush = loop.call_soon(self._send_waiting)
        return await call.reply

    async def persist(self, script: str, keys: Sequence[str], args: Sequence[Argument]) -> object:
        """`run`, repeated within the same deadline when the connection broke.

        For calls that may run twice: reads, and those that carry a nonce or a token.
        """
        give_up_at = asyncio.get_running_loop().time() + self._deadline_s
        try:
            return await self.run(script, keys, args)
        except (types.RedisFull, types.ForeignRedis, types.IncompatibleData):
            raise
        except types.RedisUnavailable as first:
            return await self._repeat(script, keys, args, give_up_at=give_up_at, error=first)

    async def aclose(self) -> None:
        """Let what is on the wire finish; nothing new may be sent."""
        if self._batches:
            await asyncio.wait(self._batches)
        if self._sweep is not None:
            self._sweep.cancel()

    async def _repeat(
        self,
        script: str,
        keys: Sequence[str],
        args: Sequence[Argument],
        *,
        give_up_at: float,
        error: types.RedisUnavailable,
    ) -> object:
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout_at(give_up_at):
                while loop.time() + PAUSE_S < give_up_at:
                    await asyncio.sleep(PAUSE_S)
                    try:
                        return await self.run(script, keys, args)
                    except (types.RedisFull, types.ForeignRedis, types.IncompatibleData):
                        raise
                    except types.RedisUnavailable as latest:
                        error = latest
        except TimeoutError:
            pass
        raise error

    def _send_waiting(self) -> None:
        """Put what waits on the wire, one pipeline per free place."""
        self._flush = None
        while self._waiting and len(self._batches) < self._max_batches:
            batch = self._take_batch()
            if batch:
                task = asyncio.get_running_loop().create_task(self._carry(batch))
                self._batches.add(task)
                task.add_done_callback(self._carried)

    def _take_batch(self) -> list[_Call]:
        """The oldest calls that somebody still waits for."""
        batch: list[_Call] = []
        while self._waiting and len(batch) < self._max_batch:
            call = self._waiting.popleft()
            if not call.reply.done():
                batch.append(call)
        return batch

    def _carried(self, task: asyncio.Task[None]) -> None:
        self._batches.discard(task)
        self._send_waiting()

    async def _carry(self, batch: list[_Call]) -> None:
        """Send one pipeline and hand out its replies. Never raises.

        Cutting it at the deadline closes its connection, so a late reply has nowhere to go.
        """
        try:
            async with asyncio.timeout(self._deadline_s):
                unknown = self._hand_out(batch, await self._pipeline(batch))
                while unknown:  # once, unless the cache is flushed again meanwhile
                    await self._load(unknown)
                    unknown = self._hand_out(unknown, await self._pipeline(unknown))
                if self._demoted:
                    await self._leave()
        except Exception as error:  # noqa: BLE001 - whatever it is, the callers must hear of it
            _fail_all(batch, replies.classify(error))
        finally:
            _fail_all(batch, types.RedisUnavailable("the call was cut off: outcome unknown"))

    async def _pipeline(self, batch: list[_Call]) -> list[object]:
        """Write all commands at once and read as many replies, on a connection of our own.

        redis-py's pool and pipeline do the same for several times the processor time. A connection
        whose exchange did not end well is closed: a late reply must not meet the next caller. So
        are the idle ones: a server that restarted has dropped them all.
        """
        connection = await self._connection()
        try:
            if not connection.is_connected:  # asks Sentinel; sending alone would go where it was
                await connection.connect()  # type: ignore[no-untyped-call]
            questions = self._questions(batch)
            packed = b"".join([*map(_pack, batch), *map(_packed, questions)])
            await connection.send_packed_command([packed], check_health=False)
            answers = [await _answer(connection, call) for call in batch]
            if not questions:
                return answers
            return await self._confirmed(connection, batch, answers, questions)
        except BaseException:
            for each in (connection, *self._idle):
                await each.disconnect(nowait=True)
            raise
        finally:
            self._idle.append(connection)

    def _questions(self, batch: list[_Call]) -> list[tuple[Argument, ...]]:
        """What goes out behind the calls: nothing, or a fence and WAIT."""
        confirmation = self._confirmation
        first = next((call for call in batch if call.acknowledged), None)
        if confirmation is None or first is None:
            return []
        return [_fence(first), ("WAIT", confirmation.replicas, confirmation.timeout_ms)]

    async def _confirmed(
        self,
        connection: AbstractConnection,
        batch: list[_Call],
        answers: list[object],
        questions: list[tuple[Argument, ...]],
    ) -> list[object]:
        """The answers, but `NotDurable` for acknowledged calls that too few replicas have."""
        fenced, count = [await _reply(connection) for _ in questions]
        wanted = self._confirmation.replicas if self._confirmation else 0
        if fenced == 0:  # the first of its slot: the repetition finds the fence
            raising = _packed(_raise_fence(questions[0]))
            await connection.send_packed_command([raising], check_health=False)
            await _reply(connection)
        elif isinstance(count, int) and count >= wanted:
            return answers
        return [
            _not_yet(answer, wanted) if call.acknowledged else answer
            for call, answer in zip(batch, answers, strict=True)
        ]

    async def _connection(self) -> AbstractConnection:
        """One of ours that is free, or one more of the pool's, which closes it with itself."""
        if self._idle:
            return self._idle.pop()
        pool: redis.asyncio.ConnectionPool = self._client.connection_pool
        fresh: AbstractConnection = await pool.get_connection()  # type: ignore[no-untyped-call]
        return fresh

    async def _load(self, calls: list[_Call]) -> None:
        """Teach the server scripts it does not know: it restarted or its cache was flushed."""
        for source in {call.script.sha: call.script.source for call in calls}.values():
            await self._client.script_load(source)

    async def _leave(self) -> None:
        """Close what leads to a server that is no master any more; the next call asks for it."""
        self._demoted = False
        for each in self._idle:
            await each.disconnect(nowait=True)

    def _hand_out(self, batch: list[_Call], answers: list[object]) -> list[_Call]:
        """Give each caller its reply; the calls whose script was unknown come back."""
        unknown = []
        for call, answer in zip(batch, answers, strict=True):
            if replies.is_unknown_script(answer):
                unknown.append(call)
            elif isinstance(answer, Exception):
                error = replies.classify(answer)
                self._demoted |= isinstance(error, types.NotMaster)
                call.fail(error)
            else:
                call.succeed(answer)
        return unknown

    def _track(self, call: _Call, loop: asyncio.AbstractEventLoop) -> None:
        """Remember the call until it is answered; one timer watches the oldest of all."""
        while self._open and self._open[0].reply.done():
            self._open.popleft()
        self._open.append(call)
        if self._sweep is None:
            self._sweep = loop.call_at(call.expires_at, self._expire, loop)

    def _expire(self, loop: asyncio.AbstractEventLoop) -> None:
        """Fail the calls whose time is up: every call has the same deadline, so oldest first."""
        self._sweep = None
        now = loop.time()
        while self._open and (self._open[0].reply.done() or self._open[0].expires_at <= now):
            self._open.popleft().fail(
                types.RedisUnavailable("Redis did not answer in time: outcome unknown")
            )
        if self._open:
            self._sweep = loop.call_at(self._open[0].expires_at, self._expire, loop)


def _pack(call: _Call) -> bytes:
    packed = _packed(call.command)
    return ASKING + packed if call.asking else packed


def _packed(command: tuple[Argument, ...]) -> bytes:
    return hiredis.pack_command(command)  # type: ignore[arg-type, no-any-return]  # stub: one-tuple


def _not_yet(answer: object, wanted: int) -> Exception:
    if isinstance(answer, Exception):
        return answer
    return types.NotDurable(f"written, but not on {wanted} replica(s) yet", answer)


def _fence(call: _Call) -> tuple[Argument, ...]:
    """A write in the hash slot of a call."""
    return ("PEXPIRE", layout.fence(str(call.command[3])), FENCE_TTL_MS)


def _raise_fence(question: tuple[Argument, ...]) -> tuple[Argument, ...]:
    """Make the key that the fence writes to."""
    return ("SET", question[1], "1")


async def _answer(connection: AbstractConnection, call: _Call) -> object:
    """The reply of a call, past the one of its ASKING."""
    if call.asking:
        await _reply(connection)
    return await _reply(connection)


async def _reply(connection: AbstractConnection) -> object:
    """The next reply; an error that is the script's own is a value, not an end of the exchange."""
    try:
        return await connection.read_response()
    except redis.exceptions.ResponseError as error:
        return error


def _fail_all(calls: list[_Call], error: Exception) -> None:
    for call in calls:
        call.fail(error)
