"""What the demonstration shows."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from messagefoundry.cli.output import Column, show_table

if TYPE_CHECKING:
    from rich.table import Table

    from messagefoundry.cli.demo_feed import Demo


def rows(demo: Demo) -> list[tuple[str, str]]:
    """What can be said now, line by line."""
    latency = demo.ack_ms
    return [
        ("sent to the engine (MLLP)", f"{demo.sent:,}"),
        ("acknowledged AA", f"{demo.accepted:,}"),
        ("messages a second", f"{demo.per_second:,.1f}"),
        ("ACK ms, p50 / p99 / longest", f"{_ms(latency.p50)} / {_ms(latency.p99)} / {_ms(latency.max)}"),
        ("delivered to the partner (MLLP)", f"{demo.delivered:,}"),
        ("written as files", f"{demo.files:,}"),
        ("deliveries still on their way", f"{demo.waiting:,}"),
    ]


def _ms(value: float | None) -> str:
    return "-" if value is None else f"{value:.1f}"


def final_table(demo: Demo) -> None:
    """The same as the last word."""
    show_table(("", Column("", right=True)), rows(demo))


def live_picture(demo: Demo, tick: float) -> None:
    """Draw the picture anew several times a second, for as long as messages are sent."""
    from rich.console import Console
    from rich.live import Live

    console = Console()
    with Live(_picture(demo), console=console, refresh_per_second=8, transient=True) as live:
        while demo.sending:
            time.sleep(tick)
            live.update(_picture(demo))


def _picture(demo: Demo) -> Table:
    from rich import box
    from rich.table import Table

    table = Table(
        title="partner -> MLLP in -> Router -> Handler -> MLLP out and files",
        caption="Ctrl-C ends it",
        box=box.SIMPLE_HEAD,
        show_header=False,
    )
    table.add_column()
    table.add_column(justify="right", style="bold", min_width=24)
    for row in rows(demo):
        table.add_row(*row)
    return table
