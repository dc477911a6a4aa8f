"""The only code that speaks Redis.

In: changes of SCIM resources from the gateway, claims and outcomes from the workers. Out:
resources, leases, depths. Guaranteed: each change of state is one Lua script, so a write and its
place in the queue are one step; a repeated call has no second effect; a lease's token fences every
settle; an empty or foreign Redis raises instead of answering.

`keys` holds the layout, `scripts/*.lua` every transition, `lane` joins calls into pipelines,
`store`, `members`, `queue` and `tenants` are what the other packages call, `stack` opens them all.
"""
