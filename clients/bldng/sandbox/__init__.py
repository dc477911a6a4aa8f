"""The sandbox: the whole BLDNG contract as a server in memory, with faults that can be ordered.

`app.make_app(state, faults)` is the aiohttp application, `app.run(...)` the server process. The
contract is under `/internal/v1`; `/_sandbox/` (no token) shows the state and the log of requests,
orders faults and puts in people who were there before SCIM. Never expose it to a network.
"""
