"""An import as files of a configuration repository: modules, values of the environment dev, and the report."""

from __future__ import annotations

import os
import tomllib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from messagefoundry.importing.errors import ExportError, OccupiedError
from messagefoundry.importing.export import read_export
from messagefoundry.importing.module import Writer, Written, inbound_of
from messagefoundry.importing.others import Others
from messagefoundry.importing.pytext import Names, slug
from messagefoundry.importing.report import Outcome, Report, page
from messagefoundry.importing.values import Values

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from pathlib import Path

    from messagefoundry.importing.export import Channel
    from messagefoundry.importing.values import Value

ENVIRONMENT = "environments/dev.toml"


@dataclass(frozen=True, slots=True)
class Imported:
    """What an import gives: texts by path within the repository, and the reports of its channels."""

    files: dict[str, str]
    reports: tuple[Report, ...]
    values: tuple[Value, ...] = field(default=())

    @property
    def complete(self) -> bool:
        """Whether nothing is left to be written by hand."""
        return not any(report.of(Outcome.NOT_TRANSLATED) for report in self.reports)


def imported(paths: Sequence[Path], connectors: Collection[str] = ()) -> Imported:
    """Translate the channels of these files; `connectors` are those installed. Raises ExportError."""
    names, values = Names(), Values()
    exports = [(path, [_named(channel, names) for channel in read_export(path)]) for path in paths]
    channels = [each for _, found in exports for each in found]
    others = Others(connectors, {channel.id: inbound_of(name) for channel, name in channels if channel.takes_messages})
    files: dict[str, str] = {}
    reports: list[Report] = []
    for path, found in exports:
        written = [module(channel, name, values, others) for channel, name in found]
        files |= {f"config/{each.stem}.py": each.text for each in written}
        mine = [each.report for each in written]
        reports += mine
        files[_page_name(path, files)] = page(path.name, mine)
    return Imported(files, tuple(reports), tuple(values.found))


def _named(channel: Channel, names: Names) -> tuple[Channel, str]:
    return channel, names.fresh(slug(channel.name, "channel"))


def _page_name(path: Path, files: dict[str, str]) -> str:
    taken = Names(*files)
    return taken.fresh(f"import-{slug(path.stem, 'channel').replace('_', '-')}") + ".md"


def module(channel: Channel, name: str, values: Values, others: Others) -> Written:
    """One channel as a module."""
    stem = inbound_of(name)
    report = Report(channel.name, channel.version, f"config/{stem}.py")
    before = len(values.unknown)
    text = Writer(channel, name, values, others, report).module()
    for key, why in values.unknown[before:]:
        report.add(Outcome.NOT_TRANSLATED, "channel", f"value {key}", f"{why}: set it in {ENVIRONMENT}")
    return Written(stem, text, report)


def write(found: Imported, directory: Path, *, force: bool = False) -> list[Path]:
    """Write all files below a directory, values behind those that are there. Gives the paths.

    Raises OccupiedError, and writes nothing, when a file is there already and `force` is not given, and ExportError
    when the file of values cannot be extended.
    """
    occupied = [name for name in found.files if (directory / name).exists()]
    if occupied and not force:
        raise OccupiedError(f"{directory / occupied[0]} is there already: name another --out, or give --force")
    values = _extended(directory / ENVIRONMENT, found.values)
    texts = {**found.files, **({ENVIRONMENT: values} if values is not None else {})}
    for name, text in texts.items():
        _write(directory / name, text)
    return [directory / name for name in texts]


def _extended(path: Path, values: Sequence[Value]) -> str | None:
    """The text of the file of values with the new keys behind it; None when there is nothing to add.

    A key that is there keeps its value, which is the deployment's own.
    """
    try:
        before = path.read_text("utf-8") if path.exists() else '# Values of env() in the environment "dev".\n'
        there = tomllib.loads(before)
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ExportError(f"{path}: cannot be extended, it is no TOML: {error}") from None
    if any(isinstance(each, dict) for each in there.values()):
        raise ExportError(f"{path}: cannot be extended, it has a table: values of env() are flat lines key = value")
    lines = [value.line() for value in values if value.key not in there]
    if not lines:
        return None
    gap = "" if before.endswith("\n") or not before else "\n"
    return before + gap + "\n" + "\n".join(lines) + "\n"


def _write(path: Path, text: str) -> None:
    """Readable by all and writable by the owner alone: others' code must not run as ours."""
    _make_folder(path.parent)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644), "w", encoding="utf-8") as file:
        file.write(text)


def _make_folder(folder: Path) -> None:
    if not folder.exists():
        _make_folder(folder.parent)
        folder.mkdir(mode=0o755)
