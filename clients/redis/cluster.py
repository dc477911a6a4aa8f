"""A lane over a Cluster: each script call goes to the node that owns the slot of its keys.

In and out: as a lane. Guaranteed besides: a call that its node sends elsewhere did not run and
goes there; when a node is gone or disagrees, the map of slots is asked for anew, in the
background and not more often than the nodes can bear.
"""

import asyncio
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from functools import lru_cache

import redis.asyncio
from redis.asyncio.cluster import NodesManager
from redis.crc import key_slot

from clients.redis import replies, types
from clients.redis.lane import Argument, Lane
from clients.redis.server import Address

REDIRECTIONS = 3
"""How often one call follows its slot; more is a disagreement that time must settle."""

LOOK_S = 5.0
"""What looking for the nodes may take: some of them may be mute."""

PAUSE_S = 0.1
"""Between two looks at the map of slots."""


@lru_cache(maxsize=1024)
def slot_of(key: str) -> int:
    """The slot of a key, by its tag in braces."""
    return key_slot(key.encode())


class ClusterLane(Lane):
    """One plain lane for each node that is spoken to, opened when it is first needed.

    It shares a lane's contract and `persist`. What a lane keeps, those of the nodes keep; so the
    lane's own state is not set up here. `client` knows the topology and must be initialised.
    """

    def __init__(
        self,
        client: redis.asyncio.RedisCluster,
        *,
        seed: Address,
        deadline_ms: int,
        open_client: Callable[[Address], redis.asyncio.Redis],
        open_lane: Callable[[redis.asyncio.Redis], Lane],
    ) -> None:
        self._topology: NodesManager = client.nodes_manager
        self._seed = seed
        self._deadline_s = deadline_ms / 1000
        self._open_client = open_client
        self._open_lane = open_lane
        self._nodes: dict[Address, tuple[redis.asyncio.Redis, Lane]] = {}
        self._moved: dict[int, Address] = {}
        self._look: asyncio.Task[None] | None = None
        self._look_again_at = 0.0
        self._shut = None

    async def run(
        self,
        script: str,
        keys: Sequence[str],
        args: Sequence[Argument],
        *,
        asking: bool = False,
    ) -> object:
        """The reply of one call; sent again only to where a node says that its slot is."""
        self._refuse()
        slot = slot_of(keys[0])
        address = self._owner(slot)
        for _ in range(REDIRECTIONS):
            try:
                return await self._lane(address).run(script, keys, args, asking=asking)
            except (types.RedisFull, types.ForeignRedis):
                raise
            except types.Redirected as elsewhere:
                address, asking = _completed(elsewhere.address, address), elsewhere.asking
                if not asking:
                    self._moved[slot] = address
                    self._look_soon()
            except types.RedisUnavailable:
                self._look_soon()
                raise
        raise types.RedisUnavailable("the nodes of the Cluster disagree about a slot")

    async def aclose(self) -> None:
        """Let what is on the wire finish; nothing new may be sent."""
        if self._look is not None:
            self._look.cancel()
            await asyncio.wait([self._look])
        for address in list(self._nodes):
            await self._close(address)

    def _owner(self, slot: int) -> Address:
        """Who owns a slot as far as we know. Raises RedisUnavailable when nobody does."""
        if slot in self._moved:
            return self._moved[slot]
        nodes = self._topology.slots_cache.get(slot)
        if not nodes:
            self._look_soon()
            raise types.RedisUnavailable("no node of the Cluster serves a slot")
        return Address(nodes[0].host, int(nodes[0].port))

    def _lane(self, address: Address) -> Lane:
        if address not in self._nodes:
            client = self._open_client(address)
            self._nodes[address] = client, self._open_lane(client)
        return self._nodes[address][1]

    def _look_soon(self) -> None:
        """See to it that the map of slots is looked at, once for all who ask."""
        loop = asyncio.get_running_loop()
        looking = self._look is not None and not self._look.done()
        if not looking and loop.time() >= self._look_again_at:
            self._look = loop.create_task(self._look_now())

    async def _look_now(self) -> None:
        """Ask the nodes we know, then the one of the settings. Never raises."""
        with suppress(*replies.CLIENT_ERRORS, TimeoutError):
            async with asyncio.timeout(LOOK_S):
                await self._topology.initialize(additional_startup_nodes_info=[self._seed])
            self._moved.clear()
            for address in list(self._gone()):
                await self._close(address)
        self._look_again_at = asyncio.get_running_loop().time() + PAUSE_S

    def _gone(self) -> Iterator[Address]:
        """Nodes that left the Cluster."""
        known = {
            Address(node.host, int(node.port)) for node in self._topology.nodes_cache.values()
        }
        return (address for address in self._nodes if address not in known)

    async def _close(self, address: Address) -> None:
        client, lane = self._nodes.pop(address)
        await lane.aclose()
        await client.aclose()


def _completed(told: Address, asked: Address) -> Address:
    """A node that does not know its own name sends us to a port of the host we asked."""
    return told if told.host else asked._replace(port=told.port)
