"""Files: the forms in which channels are exported, and what is refused with a clear sentence."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from messagefoundry.importing import export
from messagefoundry.importing.errors import ExportError
from messagefoundry.importing.export import read_export
from messagefoundry.importing.project import imported
from tests.importing.exports import (
    channel,
    destination,
    javascript,
    listener,
    mapper,
    sender,
    transformer,
)
from tests.importing.world import world

if TYPE_CHECKING:
    from pathlib import Path

ONE = channel("ADT In", destination(1, "Lab", sender()))
TWO = channel("ORU Out", destination(1, "Lab", sender()))


def written(home: Path, text: str | bytes) -> Path:
    path = home / "channel.xml"
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return path


@pytest.mark.parametrize(
    "text",
    [
        f"<list>{ONE}{TWO}</list>",
        f'<channelGroup version="4.5.2"><name>G</name><channels>{ONE}{TWO}</channels></channelGroup>',
        f'<serverConfiguration version="4.5.2"><channels>{ONE}{TWO}</channels><users/></serverConfiguration>',
        f'<?xml version="1.0" encoding="UTF-8"?>\n<list>{ONE}{TWO}</list>',
    ],
)
def test_each_channel_of_a_file_becomes_a_module(tmp_path: Path, text: str) -> None:
    found = imported([written(tmp_path, text)])
    assert [name for name in found.files if name.endswith(".py")] == ["config/IB_ADT_IN.py", "config/IB_ORU_OUT.py"]
    assert [report.channel for report in found.reports] == ["ADT In", "ORU Out"]


def test_a_group_that_only_refers_to_its_channels_has_none(tmp_path: Path) -> None:
    text = "<channelGroup><channels><channel><id>a</id></channel></channels></channelGroup>"
    with pytest.raises(ExportError, match="there is no channel in it"):
        read_export(written(tmp_path, text))


def test_channels_and_destinations_of_one_name_stay_apart(tmp_path: Path) -> None:
    both = destination(1, "Lab", sender()), destination(2, "Läb", sender())
    twins = channel("ADT in!", *both, source=listener(6662))
    found = world(tmp_path, f"<list>{ONE}{twins}</list>")
    graph = found.graph()
    assert list(graph.inbounds) == ["IB_ADT_IN", "IB_ADT_IN_2"]
    assert list(graph.outbounds) == ["OB_ADT_IN_LAB", "OB_ADT_IN_2_LAB", "OB_ADT_IN_2_LAB_2"]
    assert [str(each) for each in graph.warnings] == []


def test_steps_are_in_the_order_of_their_numbers(tmp_path: Path) -> None:
    steps = javascript(1, "second", "msg['MSH']['MSH.5'] = $('x');") + mapper(0, "x", "'LAB'")
    found = world(tmp_path, channel("ADT In", destination(1, "Lab", sender(), steps=transformer(steps))))
    assert found.missing == []
    assert found.sent()["LAB"]["MSH-5"] == "LAB"


def test_a_step_without_the_element_enabled_is_enabled(tmp_path: Path) -> None:
    xml = channel("ADT In", destination(1, "Lab", sender()), steps=transformer(mapper(0, "x", "'y'")))
    (found,) = read_export(written(tmp_path, re.sub(r"<enabled>true</enabled>(?=<variable>)", "", xml)))
    assert found.source.transformer.steps[0].enabled


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("MSH|^~\\&|", "it is not XML: line 1, column 0"),
        ("<channel", "it is not XML"),
        ("<html/>", "there is no channel in it"),
        (f'<!DOCTYPE channel SYSTEM "x">{ONE}', "document type declaration or entities is refused"),
        (f'<!DOCTYPE a [<!ENTITY b "c">]>{ONE}', "document type declaration or entities is refused"),
        (ONE.replace('"4.5.2"', '"2.2.1"'), "an export of version 2.2.1: export it from version 3 or 4"),
        (ONE.replace(' version="4.5.2"', "", 1), "an export without a version"),
        (b"\xff\xfe\x00<", "it is not XML"),
        ("<a>" * 100_000, "it is not XML"),
    ],
)
def test_a_file_that_is_no_export_is_refused_in_one_sentence(tmp_path: Path, text: str | bytes, sentence: str) -> None:
    path = written(tmp_path, text)
    with pytest.raises(ExportError) as caught:
        read_export(path)
    assert str(caught.value).startswith(f"{path}: ")
    assert sentence in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_file_that_is_too_large_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(export, "LARGEST", len(ONE) - 1)
    with pytest.raises(ExportError, match=r"larger than .* MiB: export its channels one by one"):
        read_export(written(tmp_path, ONE))


@pytest.mark.parametrize("depth", [200, 50_000])
def test_a_file_that_is_nested_deeply_is_refused(tmp_path: Path, depth: int) -> None:
    deep = f"<description>{'<a>' * depth}{'</a>' * depth}</description>"
    with pytest.raises(ExportError, match="nested deeper than an export is"):
        read_export(written(tmp_path, ONE.replace("<description></description>", deep)))
