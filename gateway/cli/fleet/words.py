"""What parent and child say to each other, a letter each."""

from typing import Final

READY: Final = b"+"
"""Child: I serve."""

RELIEVED: Final = b"-"
"""Parent: your successor serves; accept nothing more, drain and end."""

STOP: Final = b"."
"""Parent: everybody stops; drain and end. New connections are still served until then."""
