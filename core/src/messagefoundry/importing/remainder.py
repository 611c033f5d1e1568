"""What a channel has beside its connectors: put down, since a module has no place for it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from messagefoundry.importing.report import Outcome

if TYPE_CHECKING:
    from messagefoundry.importing.export import Channel
    from messagefoundry.importing.report import Report

_COLUMNS = ("SOURCE", "TYPE", "VERSION")
"""Metadata columns that every channel has."""


def starts_by_itself(channel: Channel) -> bool:
    """Whether a channel is enabled and starts with its server."""
    return channel.enabled and (channel.settings.findtext("initialState") or "STARTED").strip() == "STARTED"


def remainder(channel: Channel, report: Report) -> None:
    """Put down destinations that are disabled, code templates, and settings of the channel."""
    for each in channel.destinations:
        if not each.enabled:
            report.add(Outcome.LEFT_OUT, f"destination {each.name}", "all of it", "disabled in the channel")
    for template in dict.fromkeys(channel.code_templates):
        why = "a function of scripts; what calls it is not translated either"
        report.add(Outcome.LEFT_OUT, "channel", f"code template {template}", why)
    _settings(channel, report)


def _settings(channel: Channel, report: Report) -> None:
    attachments = (channel.settings.findtext("attachmentProperties/type") or "None").strip()
    if attachments != "None":
        report.add(Outcome.DIFFERS, "channel", f"attachments ({attachments})", "they stay in the message")
    for column in channel.settings.iterfind("metaDataColumns/*/name"):
        if column.text not in _COLUMNS:
            report.add(Outcome.LEFT_OUT, "channel", f"metadata column {column.text}", "it has no counterpart")
    if (channel.settings.findtext("encryptData") or "").strip() == "true":
        report.add(Outcome.LEFT_OUT, "channel", "encryptData", "encryption of the store is a setting of the engine")
    if not starts_by_itself(channel):
        report.add(Outcome.TRANSLATED, "channel", "it does not start by itself")
