"""Everything that speaks to the BLDNG dashboard: client, errors, contract and sandbox.

`client.connect(...)` gives a `Bldng` with one method per row of `openapi.yaml`. Each call answers
a checked record or raises exactly one class of `errors`; it never follows a redirect, never reads
more than 1 MB and never outlives its timeout. `sandbox` is the whole contract as a server, with
faults.
"""
