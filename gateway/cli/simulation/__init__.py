"""Plays the provisioning service of Microsoft Entra ID against any Tenant URL.

A *directory* of invented people changes from cycle to cycle, as the seed decides (`people`,
`changes`: no I/O). Each cycle then does what the service does: test the connection, find or read
each person who differs from what was last acknowledged, create, PATCH in one of the two dialects,
delete, and set managers last (`cycle`). Groups arrive anywhere between the people, their members
as soon as they are known, the rest last (`groups`, `group_cycle`). Nothing is remembered as sent
that was not acknowledged, so a failure is tried again in the next cycle. At the end every resource
is read back and compared with the directory (`verify`), and the report says what the customer's
administrator would see.

A resource is a flat map of SCIM paths (`mapping`); the members of a group are a set of ids.
"""
