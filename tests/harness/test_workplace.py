import stat

from messagefoundry.harness.feeds import Feed
from messagefoundry.harness.workplace import free_ports, fresh_workplace


def test_a_workplace_belongs_to_its_owner_alone_and_vanishes() -> None:
    with fresh_workplace([2700]) as place:
        modes = [stat.S_IMODE(path.stat().st_mode) for path in (place.directory, place.configuration)]
        assert modes == [0o700, 0o700]
        assert stat.S_IMODE((place.configuration / "feed.py").stat().st_mode) == 0o600
        assert not place.database.exists()
    assert not place.directory.exists()


def test_free_ports_differ() -> None:
    assert len(set(free_ports(20))) == 20


def test_a_workplace_has_a_port_for_every_inbound() -> None:
    with fresh_workplace([2700], feed=Feed(pairs=3, burning=True)) as place:
        assert len(set(place.ports)) == 4
        assert all(str(port) in (place.configuration / "feed.py").read_text() for port in place.ports)
