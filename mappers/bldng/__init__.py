"""SCIM words into BLDNG words, and the plan that closes the gap between them. No I/O here.

In: a stored SCIM document and the tenant's mapping profile. Out: what BLDNG should hold
(`Desired`), and the steps that get it there (`plan`), as values. Nothing outside this package,
`mappers.profile` and `clients.bldng` knows a field name of the BLDNG dashboard.
"""
