"""Versions of the schema, and which code may work on which.

A migration's id is its number, "0003". Migrations come in two halves. An *expanding* one only adds what older code does
not miss: columns with a default, tables, indexes. A *contracting* one takes something away, and its id says since which
revision code can do without: "0004_0003" is safe for code that knows revision 3. Later ids repeat that second number
until the next contraction. So a store tells any release whether it may work on it, in the one row that Alembic keeps.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from messagefoundry.contracts.errors import ConfigurationError, Problem
from messagefoundry.contracts.stores import Migration
from messagefoundry_sql.schema import REVISION, metadata

if TYPE_CHECKING:
    from alembic.config import Config
    from sqlalchemy import MetaData

VERSION_TABLE = "messagefoundry_version"
UNFINISHED = "copying"
"""What stands in the version's place while `store copy` fills a store: no engine may open it."""

_HERE = Path(__file__).parent / "migrations" / "versions"


@dataclass(frozen=True, slots=True)
class Version:
    """The version of a schema: its revision, and the oldest revision whose code may work on it."""

    number: int
    since: int = 1

    def __str__(self) -> str:
        return f"{self.number:04}" if self.since == 1 else f"{self.number:04}_{self.since:04}"


@dataclass(frozen=True, slots=True)
class Release:
    """What one release knows: the newest version, and the revision that its code cannot do without.

    `needed` is lower than the version's number while the newest migrations are contracting ones.
    """

    version: Version
    needed: int
    metadata: MetaData = field(default=metadata, repr=False)
    folders: tuple[Path, ...] = (_HERE,)
    """Where its migrations are."""


THIS = Release(Version(REVISION), REVISION)


def parse(text: str, name: str) -> Version:
    """The version that stands in the store called `name`. Raises ConfigurationError for an unfinished copy."""
    if text == UNFINISHED:
        problem = Problem(
            f"the store {name} is an unfinished copy", "run the same store copy again, or use an empty database"
        )
        raise ConfigurationError([problem])
    number, _, since = text.partition("_")
    return Version(int(number), int(since or 1))


def script_config(release: Release) -> Config:
    """Alembic's configuration for a release's migrations."""
    # Imported here: an engine whose store is up to date starts without Alembic.
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", "messagefoundry_sql:migrations")
    config.set_main_option("path_separator", "newline")
    config.set_main_option("version_locations", "\n".join(str(folder) for folder in release.folders))
    return config


def pending(release: Release, version: Version) -> tuple[Migration, ...]:
    """The migrations that a store of this version has not had, in their order."""
    if version.number >= release.version.number:
        return ()
    from alembic.script import ScriptDirectory

    scripts = ScriptDirectory.from_config(script_config(release))
    found, since = [], version.since
    for script in reversed(list(scripts.iterate_revisions("head", str(version)))):
        its = parse(script.revision, script.revision)
        summary = (script.doc or "").partition("\n")[0].rstrip(".")
        found.append(Migration(its.number, "contract" if its.since > since else "expand", summary))
        since = its.since
    return tuple(found)
