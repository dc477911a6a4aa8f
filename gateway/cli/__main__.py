"""`python -m gateway.cli` is `bldng-scim`."""

from gateway.cli import main

main()
