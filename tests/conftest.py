"""Fixtures that every test may ask for."""

pytest_plugins = [
    "tests.support.redis",
    "tests.support.sandbox",
    "tests.support.gateway",
    "tests.support.worker",
    "tests.support.stack",
]
