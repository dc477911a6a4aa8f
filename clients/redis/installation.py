"""The installation id (epoch): what tells our Redis from an empty or another one.

It is written once, beside every partition, when the database holds none of our keys. After that a
missing or different id means: not our data. Nothing is then read as data and nothing is written.
The same holds for data of a schema that this program does not know (`schema`).
"""

import secrets

from clients.redis import keys, replies, schema, types
from clients.redis.connection import Client

_WRITTEN_FIRST = {keys.META_PARTITIONS, keys.META_SCHEMA, keys.META_EPOCH}
"""What an interrupted start may have left without the rest."""


async def bootstrap(client: Client, *, partitions: int = keys.PARTITIONS) -> str:
    """The installation id, made now when the database holds none of our keys.

    Raises `ForeignRedis` when our keys are there without their id, and `IncompatibleData`. Safe to
    run in parallel.
    """
    await schema_of(client)
    try:
        if await client.get(keys.META_EPOCH) is None:
            await _create(client, partitions)
        return await _verify(client, complete=not await client.exists(keys.META_TENANTS))
    except replies.CLIENT_ERRORS as error:
        raise replies.classify(error) from error


async def open_installation(client: Client) -> str:
    """The installation id of a database in use.

    Raises `ForeignRedis` when it has none, and `IncompatibleData`.
    """
    await schema_of(client)
    try:
        return await _verify(client, complete=False)
    except replies.CLIENT_ERRORS as error:
        raise replies.classify(error) from error


async def schema_of(client: Client) -> int:
    """The number of the stored layout. Raises `IncompatibleData` when we do not know it."""
    try:
        stored = await client.get(keys.META_SCHEMA)
    except replies.CLIENT_ERRORS as error:
        raise replies.classify(error) from error
    return schema.check(None if stored is None else replies.text(stored))


async def partitions_of(client: Client) -> range:
    """The partitions of this installation."""
    try:
        return range(replies.number(await client.get(keys.META_PARTITIONS)))
    except replies.CLIENT_ERRORS as error:
        raise replies.classify(error) from error


async def _create(client: Client, partitions: int) -> None:
    """Write the id; the first of several writers wins."""
    async for key in client.scan_iter(match=keys.EVERYTHING, count=1000):
        name = replies.text(key)
        if name not in _WRITTEN_FIRST and not _is_passing(name):
            raise types.ForeignRedis(
                "Redis holds our keys but no installation id: restored in part, or another's. "
                "Cure: restore the whole data set, or empty the database on purpose"
            )
    await client.set(keys.META_PARTITIONS, partitions, nx=True)
    await client.set(keys.META_SCHEMA, schema.SCHEMA, nx=True)
    await client.set(keys.META_EPOCH, secrets.token_hex(8), nx=True)


def _is_passing(key: str) -> bool:
    """Whether a key says nothing of who was here: workers leave it in an emptied Redis too."""
    return key.startswith(keys.BUDGET_ROOT)


async def _verify(client: Client, *, complete: bool) -> str:
    """Compare the id of every partition; `complete` writes those an interrupted start left out."""
    epoch = await client.get(keys.META_EPOCH)
    if not isinstance(epoch, bytes):
        raise types.ForeignRedis("Redis is empty or another installation's: no installation id")
    for partition in await partitions_of(client):
        if complete:
            await client.set(keys.epoch(partition), epoch, nx=True)
        if await client.get(keys.epoch(partition)) != epoch:
            raise types.ForeignRedis(f"partition {partition} belongs to another installation")
    return epoch.decode()
