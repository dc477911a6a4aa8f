import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--people",
        type=int,
        default=100_000,
        help="users of the biggest store that the memory benchmark fills (1000000 takes minutes)",
    )
