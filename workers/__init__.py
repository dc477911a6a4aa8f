"""The workers: what Redis holds as desired becomes what BLDNG holds.

In: resource keys claimed from the queue, each with the newest desired state. Out: calls on BLDNG's
REST API, and one settlement per claim. A worker never asks which event happened: create, update,
disable, delete and repair are the difference between what is desired and what was applied.

    runner      claims, one task per resource, drains at a stop
    reconcile   one resource: plan, look up, call, decide
    outcome     what an answer means, as a table (pure)
    membership  who joins and who leaves a group, in batches
    settling    gives the resource back to the queue, and repairs what a lost lease may have done
    concurrency how much BLDNG can take at once, learnt from how it does (pure)
    purse       the calls that may be made, from the budget of all workers
    heart       keeps leases alive, and says which were lost
    sweeper     cleans up after big deletions
    patrol      compares every resource with BLDNG at leisure (the sweep); comparison: one of them
    janitor     the figures that a scrape shows

Guaranteed, as long as BLDNG has no effect later than its request timeout and the settle delay:
at most one record at BLDNG per person, and BLDNG ends on the newest state. Delivery is at least
once; every call can be repeated. Only versions and tokens decide; clocks only say when.
"""
