"""The department rows of the contract."""

from clients.bldng import answers, calls, transport
from clients.bldng.errors import ProtocolError
from mappers.bldng.vocabulary import Department, DepartmentPage


class Departments:
    """Departments of an organisation. Every call raises `errors.BldngError`."""

    def __init__(self, wire: transport.Transport) -> None:
        self._wire = wire

    async def find(self, org: str, name: str, *, request_id: str) -> tuple[Department, ...]:
        """GET the departments with this name, compared without case: none or one."""
        call = calls.Call(
            "department_find",
            "GET",
            ("orgs", org, "departments"),
            request_id=request_id,
            query={"name": name},
        )
        found = answers.whole(await self._wire.record(call, DepartmentPage))
        if any(department.name.casefold() != name.casefold() for department in found):
            raise ProtocolError("wrong_items")
        return found

    async def create(
        self, org: str, name: str, *, idempotency_key: str, request_id: str
    ) -> Department:
        """POST a new department; 409 `department_exists` when the name is taken."""
        call = calls.Call(
            "department_create",
            "POST",
            ("orgs", org, "departments"),
            request_id=request_id,
            body={"name": name},
            idempotency_key=idempotency_key,
        )
        return await self._wire.record(call, Department)
