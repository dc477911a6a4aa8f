"""Everything on one machine, for `bldng-scim dev`.

Redis, sandbox, gateway and worker run as the processes that production runs; this package starts
them on free ports (`ports`), watches them (`child`, `stack`), keeps one demo tenant in the data
folder (`demo`), and says how long changes took to reach BLDNG (`arrival`).
"""
