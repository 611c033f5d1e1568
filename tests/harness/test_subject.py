import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, HTTPServer

from messagefoundry.harness.subject import commits_by_api, commits_by_log, engine, floor, other_engine
from messagefoundry.harness.workplace import Workplace, fresh_workplace


@contextmanager
def api(place: Workplace, status: int, body: bytes) -> Iterator[Workplace]:
    """Answer every GET like this; yields the workplace with the API's port."""

    class Stats(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status if self.path == "/stats" else 404)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Stats) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield replace(place, api_port=server.server_port)
        server.shutdown()
        thread.join()


def test_commits_come_from_the_api() -> None:
    with fresh_workplace([1]) as place:
        assert commits_by_api(place) is None, "nobody answers"
        with api(place, 200, b'{"commits": 17}') as there:
            assert commits_by_api(there) == 17
        with api(place, 200, b'{"pending": 1}') as there:
            assert commits_by_api(there) is None
        with api(place, 401, b'{"commits": 17}') as there:
            assert commits_by_api(there) is None


def test_commits_come_from_the_last_line_of_the_log() -> None:
    with fresh_workplace([1]) as place:
        for text, commits in {
            '{"listening": 1}\n{"commits": 5}\n': 5,
            "stopped\n": None,
            "": None,
            "[5]": None,
        }.items():
            place.log.write_text(text)
            assert commits_by_log(place) == commits


def test_the_engine_is_served_from_the_workplace() -> None:
    with fresh_workplace([2700]) as place:
        command = engine().command(place)
        assert command[1:4] == ["-m", "messagefoundry", "serve"]
        assert command[4:] == [
            *("--config", str(place.directory / "config"), "--db", str(place.directory / "bench.db")),
            *("--env", "dev", "--port", str(place.api_port)),
        ]


def test_a_server_database_is_described_by_the_environment() -> None:
    subject = engine("postgres")
    with fresh_workplace([2700]) as place:
        assert "--db" not in subject.command(place)
    assert subject.environment == {"MEFOR_STORE_BACKEND": "postgres"}


def test_places_in_a_command_are_filled_in() -> None:
    with fresh_workplace([2700]) as place:
        assert other_engine("run 'a b' {port}/{sink}").command(place) == ["run", "a b", f"{place.port}/2700"]


def test_the_floor_gets_every_sink() -> None:
    with fresh_workplace([2700, 2701]) as place:
        assert floor().command(place)[-4:] == ["--forward", "2700", "--forward", "2701"]
