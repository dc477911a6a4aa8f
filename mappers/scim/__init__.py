"""SCIM as pure functions: bodies and operations in, documents, answers and decisions out.

A body is read into a document (`resources.parse`), or into operations (`mappers.entra`) that
`patch.apply` turns a document into another by. `filter` says which documents a query means,
`projection` what of them is shown. One table of attributes (`schemas`) drives all of it. No I/O
here, no clock and no dice: ids and times come in as arguments.
"""
