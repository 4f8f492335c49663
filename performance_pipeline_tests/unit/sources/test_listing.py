"""`sources.yaml`: what it lists, and when what it lists has changed."""

import os
from pathlib import Path

import pytest

from performance_pipeline.errors import PipelineError
from performance_pipeline.sources.listing import ListedSource, load_listing

ENTRY = "sources:\n  - format: ccxt\n    path: trades.json\n"


def listed(folder: Path, text: str) -> list[ListedSource]:
    path = folder / "sources.yaml"
    path.write_text(text, encoding="utf-8")
    return load_listing(path)


def test_an_entry_has_a_format_a_path_from_where_the_list_is_and_options(tmp_path: Path) -> None:
    (one,) = listed(
        tmp_path,
        ENTRY + "    mode: LIVE\n    account: A-1\n    timezone: Europe/Berlin\n    map: m.yaml\n"
        "    replace: yes\n",
    )
    assert (one.kind.name, one.pattern) == ("ccxt", str(tmp_path / "trades.json"))
    assert (one.options.mode, one.options.account, one.replace) == ("LIVE", "A-1", True)
    assert str(one.options.zone) == "Europe/Berlin"
    assert one.options.mapping == tmp_path / "m.yaml"
    assert one.files() == [tmp_path / "trades.json"]


def test_a_pattern_takes_what_there_is_in_the_order_of_names(tmp_path: Path) -> None:
    (one,) = listed(tmp_path, ENTRY.replace("trades.json", '"**/*.json"'))
    assert one.files() == []
    (tmp_path / "sub").mkdir()
    for name in ("b.json", "sub/a.json", "c.csv"):
        (tmp_path / name).touch()
    assert one.files() == [tmp_path / "b.json", tmp_path / "sub" / "a.json"]


@pytest.mark.parametrize("changed", ["trades.json", "trades.json-wal", "m.yaml"])
def test_a_source_has_changed_when_its_file_its_wal_or_its_mapping_has(
    tmp_path: Path, changed: str
) -> None:
    (tmp_path / "trades.json").touch()
    (one,) = listed(tmp_path, ENTRY + "    map: m.yaml\n")
    before = one.signature(one.files())
    assert one.signature(one.files()) == before
    path = tmp_path / changed
    path.write_text("x")
    after = one.signature(one.files())
    assert after != before
    os.utime(path, ns=(1, 1))
    assert one.signature(one.files()) != after


def test_other_options_are_a_change(tmp_path: Path) -> None:
    (before,), (after,) = listed(tmp_path, ENTRY), listed(tmp_path, ENTRY + "    mode: PAPER\n")
    assert before.signature(before.files()) != after.signature(after.files())


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "sources.yaml: empty"),
        ("sources: []\nsource: 1", "sources.yaml:2: source: unknown key; the nearest"),
        ("{}", "sources.yaml:1: needed is sources"),
        ("sources: ccxt", "sources.yaml:1: sources: needed is a list"),
        ("sources:\n  - ccxt", "sources.yaml:2: sources[1]: needed is a section"),
        ("sources:\n  - format: ccxt", "sources.yaml:2: sources[1]: needed is path"),
        (
            "sources:\n  - path: x\n    format: mt5",
            "sources.yaml:3: sources[1].format: no format",
        ),
        (
            ENTRY + "    mode: DEMO",
            "sources.yaml:4: sources[1].mode: accepted is one of LIVE",
        ),
        (ENTRY + "    timezone: Mars", "sources.yaml:4: sources[1].timezone: no IANA time zone"),
        (ENTRY + "    replace: maybe", "sources.yaml:4: sources[1].replace: accepted is one of"),
        (ENTRY + "    modus: LIVE", "sources.yaml:4: sources[1].modus: unknown key"),
        (ENTRY + ENTRY.partition("\n")[2], "sources.yaml:4: sources[2]: the same format and path"),
    ],
)
def test_an_error_in_the_list_names_file_line_and_key(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(PipelineError) as raised:
        listed(tmp_path, text)
    assert said in str(raised.value)
