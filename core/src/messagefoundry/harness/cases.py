"""What one run is: which subject, under which load, with what behind it."""

from dataclasses import dataclass, field
from pathlib import Path

from .feeds import Feed
from .subject import Subject


@dataclass(frozen=True, slots=True, kw_only=True)
class Conditions:
    """What every run of a session has in common."""

    seconds: float = 10.0
    """sending time"""
    warm_up: float = 1.0
    """seconds of the same load beforehand, reconciled but not measured"""
    drain_seconds: float = 120.0
    """longest wait for the backlog"""
    idle_seconds: float = 15.0
    """longest wait without any arrival"""
    parent: Path | None = None
    """where the fresh directories are made; None: the system's temporary directory"""
    keep: bool = False
    """leave the directories there"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One side of a comparison."""

    name: str
    """what the tables call it"""
    subject: Subject
    connections: int = 8
    rate: float | None = None
    """messages a second; None: as fast as answers allow"""
    size: int = 0
    """pad messages to so many bytes"""
    feed: Feed = field(default_factory=Feed)
    store: Path | None = None
    """a seeded store to run on, and to give back"""
    backlog: int = 0
    """messages that gather while the partner is away, to be drained; instead of a sending time"""
