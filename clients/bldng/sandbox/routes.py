"""The rows of the contract as handlers; each reads, calls a rule of `records` and answers."""

from aiohttp import web
from aiohttp.typedefs import Handler

from clients.bldng.sandbox import bodies, context, idempotency, problems, records
from clients.bldng.sandbox.collection import Collection
from clients.bldng.sandbox.context import BASE, org_of, state_of

KINDS: dict[str, tuple[type[bodies.Body], type[bodies.Body] | None]] = {
    "users": (bodies.NewUser, bodies.UserPatch),
    "departments": (bodies.NewDepartment, None),
    "groups": (bodies.NewGroup, bodies.GroupPatch),
}
"""Body of a POST and of a PATCH, by the last part of the path."""


def table() -> list[web.RouteDef]:
    """Every route of the contract."""
    org = f"{BASE}/orgs/{{org}}"
    group = f"{org}/groups/{{id}}"
    return [
        web.get(f"{BASE}/health", health),
        *(route for kind in KINDS for route in _kind(org, kind)),
        web.delete(f"{org}/users/{{id}}", delete_user),
        web.delete(group, delete_group),
        web.post(f"{group}/members:batch", change_members),
        web.get(f"{group}/members", list_members),
    ]


def _kind(org: str, kind: str) -> list[web.RouteDef]:
    """Create, list, read and change, for one kind of record."""
    new, changed = KINDS[kind]
    routes = [
        web.post(f"{org}/{kind}", _create(kind, new)),
        web.get(f"{org}/{kind}", _list(kind), allow_head=False),
    ]
    if changed is not None:
        one = f"{org}/{kind}/{{id}}"
        routes += [web.get(one, _get(kind)), web.patch(one, _patch(kind, changed))]
    return routes


async def health(request: web.Request) -> web.Response:
    """GET /health."""
    return context.answer({"status": "ok"})


def _collection(request: web.Request, kind: str) -> Collection:
    org = org_of(request)
    return {"users": org.users, "departments": org.departments, "groups": org.groups}[kind]


def _create(kind: str, model: type[bodies.Body]) -> Handler:
    async def create(request: web.Request) -> web.Response:
        key = request.headers.get("Idempotency-Key", "")
        if not key:
            raise problems.Refusal(400, "missing_header", "Idempotency-Key is missing.")
        raw = await request.read()
        state, org = state_of(request), org_of(request)
        print_ = idempotency.fingerprint(request.path, raw)
        replay = idempotency.earlier(state, org, key, print_)
        if replay is not None:
            return context.answer(replay.body, status=replay.status)
        fields = bodies.whole(bodies.read(model, raw))
        record = records.create(state, org, _collection(request, kind), fields)
        idempotency.keep(state, org, key, print_=print_, body=record)
        context.note(request, f"created {record['id']}")
        return context.answer(record, status=201)

    return create


def _list(kind: str) -> Handler:
    async def page(request: web.Request) -> web.Response:
        return context.listing(request, _collection(request, kind))

    return page


def _get(kind: str) -> Handler:
    async def get(request: web.Request) -> web.Response:
        return context.answer(_collection(request, kind).get(request.match_info["id"]))

    return get


def _patch(kind: str, model: type[bodies.Body]) -> Handler:
    async def patch(request: web.Request) -> web.Response:
        record_id = request.match_info["id"]
        _collection(request, kind).get(record_id)
        fields = bodies.sent(bodies.read(model, await request.read()))
        record = records.patch(
            state_of(request),
            org_of(request),
            _collection(request, kind),
            record_id=record_id,
            fields=fields,
        )
        context.note(request, f"patched {record_id}")
        return context.answer(record)

    return patch


async def delete_user(request: web.Request) -> web.Response:
    """DELETE one user."""
    user_id = request.match_info["id"]
    records.delete_user(state_of(request), org_of(request), user_id)
    context.note(request, f"deleted {user_id}")
    return web.Response(status=204)


async def delete_group(request: web.Request) -> web.Response:
    """DELETE one group."""
    group_id = request.match_info["id"]
    records.delete_group(state_of(request), org_of(request), group_id)
    context.note(request, f"deleted {group_id}")
    return web.Response(status=204)


async def change_members(request: web.Request) -> web.Response:
    """POST adds and removes of members."""
    group_id = request.match_info["id"]
    org_of(request).groups.get(group_id)
    batch = bodies.read(bodies.MembersBatch, await request.read())
    result = records.change_members(state_of(request), org_of(request), group_id, batch)
    context.note(request, f"members {group_id} +{result['added']} -{result['removed']}")
    return context.answer(result)


async def list_members(request: web.Request) -> web.Response:
    """GET a page of the members' ids."""
    org, group_id = org_of(request), request.match_info["id"]
    org.groups.get(group_id)
    return context.page_of_ids(request, list(org.members.get(group_id, ())))
