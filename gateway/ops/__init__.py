"""The operators' listener, the same in gateway and worker: `/metrics`, `/livez` and `/readyz`.

It is a server of its own, on loopback unless told otherwise; the public listener has none of its
routes. A probe is a function that returns the reasons against: none means healthy. `/livez` asks
about the process alone, so that a broken Redis never gets a working process killed; `/readyz` asks
whether to send work here, and the backend has no say in it: SCIM is answered while BLDNG is down.
"""

from gateway.ops.listener import Probe, make_app
from gateway.ops.watch import RedisWatch

__all__ = ["Probe", "RedisWatch", "make_app"]
