"""`serve --processes N`: a parent that binds the sockets and keeps N gateway processes running.

The parent binds the SCIM address once, and all children accept on that one socket. With a socket
of its own for each child (SO_REUSEPORT) the kernel would spread connections over their queues, and
whatever waits in the queue of a child that ends would be reset: requests would fail at every
restart. The one queue belongs to all of them and lasts as long as the parent. The operators'
sockets, one a child, are bound by the parent as well, so a taken port is found at the start.

A child is an ordinary gateway process (`member`), started anew and not forked: it shares nothing
with the parent but the sockets and a channel of single letters (`words`). It runs in a session of
its own, so that a signal to the parent's process group reaches the parent alone, which then tells
the children in order. A channel that ends says that the parent is gone: the child ends too.

    parent   signals, the sockets, the order in which children are replaced
    slot     one place: starts its process, starts it again when it died, replaces it
    child    one process as the parent sees it
    pace     how long to wait before a process that died is started again
"""
