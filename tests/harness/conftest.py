import pytest

from messagefoundry.harness.workplace import free_ports


@pytest.fixture
def unused_port() -> int:
    return free_ports(1)[0]
