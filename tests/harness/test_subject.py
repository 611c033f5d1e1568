import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

from messagefoundry.harness.stores import Database, Store
from messagefoundry.harness.subject import (
    Subject,
    commits_by_api,
    commits_by_log,
    engine,
    floor,
    other_engine,
    running,
)
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


def test_a_store_on_a_server_is_made_for_a_run_and_removed_after_it(tmp_path: Path) -> None:
    """The variables reach the subject; its port accepts only then."""
    life: list[str] = []

    @contextmanager
    def store(added_ms: float) -> Iterator[Store]:
        life.append(f"made, {added_ms:g} ms away")
        yield Store(variables={"NAMED": "there"})
        life.append("removed")

    database = Database(name="A server", says="", store=store)
    with fresh_workplace([2700]) as place:
        listening = f"import os, socket, time; open({str(tmp_path / 'told')!r}, 'w').write(os.environ['NAMED']); "
        listening += f"s = socket.create_server(('127.0.0.1', {place.port})); time.sleep(60)"
        subject = Subject("subject", lambda place: [sys.executable, "-c", listening]).on(database, 5)
        assert life == []
        with running(subject, place) as started:
            assert (life, started.store.variables) == (["made, 5 ms away"], {"NAMED": "there"})
        assert started.process.returncode is not None
    assert life == ["made, 5 ms away", "removed"]
    assert (tmp_path / "told").read_text() == "there"


def test_places_in_a_command_are_filled_in() -> None:
    with fresh_workplace([2700]) as place:
        assert other_engine("run 'a b' {port}/{sink}").command(place) == ["run", "a b", f"{place.port}/2700"]


def test_the_floor_gets_every_sink() -> None:
    with fresh_workplace([2700, 2701]) as place:
        assert floor().command(place)[-4:] == ["--forward", "2700", "--forward", "2701"]
