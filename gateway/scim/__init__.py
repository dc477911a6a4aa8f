"""The SCIM edge: HTTP in, one atomic write in Redis, HTTP out. BLDNG is never asked here.

A request passes `edge` (id, errors, metrics, one log line), then `endpoints` (token, endpoint,
method), then one handler of `resources`, `searching` or `discovery`. A handler reads the request,
lets pure functions of `mappers` decide what the resource shall be, and `writes` commits that as a
compare-and-set. Members are no part of a group's document: `memberships` changes them as a set and
joins them to what is shown. Whatever goes wrong becomes one SCIM error in `errors`: its `detail`
is what the customer's admin reads in Entra's provisioning log, and its reference finds our log
line.
"""
