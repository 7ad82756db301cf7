"""Settings that were scored: told under tables that hold them, and counted by city."""

import pandas as pd

from stflow_lib.book import settings_told, tables
from stflow_lib.verdicts import choosing

COUNTED = pd.DataFrame(
    [
        ("Trees", "la", 2, False),
        ("Trees", "san-diego", 1, True),
        ("Graph ridge", "la", 1, False),
    ],
    columns=["method", "city", "settings", "held_out"],
)


def test_tables_say_how_many_settings_of_our_own_methods_were_scored_where(
    recorded, monkeypatch, capsys
):
    """A second look at the test errors of a held-out city must be seen by who reads the table."""
    monkeypatch.setattr(choosing, "settings_scored", lambda wing: COUNTED)
    group = [recorded("Trees", "x>y", {"rmse": 1.0}), recorded("A", "x>y", {"rmse": 1.0})]
    said = "Trees: 2 on la; 1 on san-diego (held out)"
    assert settings_told.scored(group) == [said]
    assert settings_told.scored(group[1:]) == settings_told.scored([]) == []
    more = pd.concat([COUNTED, COUNTED[:2].assign(method="Own", settings=[1, 1])])
    monkeypatch.setattr(choosing, "settings_scored", lambda wing: more)
    both = [*group, *(recorded(name, "x>y", {"rmse": 1.0}) for name in ("Own", "Graph ridge"))]
    assert settings_told.scored(both) == [
        said, "Graph ridge: 1 on la", "Own: 1 on la, san-diego (held out)"]  # fmt: skip
    monkeypatch.setattr(choosing, "settings_scored", lambda wing: COUNTED)
    tables.show_provenance({"T": group})
    assert capsys.readouterr().out.endswith(
        f"Own methods whose settings were scored: {said}.\n"
    )


def test_settings_stand_under_the_part_of_their_city(monkeypatch, capsys):
    monkeypatch.setattr(choosing, "settings_scored", lambda wing: COUNTED.copy())
    monkeypatch.setattr(choosing, "own_methods", lambda wing: ["Trees", "Graph ridge"])
    settings_told.show("speedgraph", "Settings")
    caption, part, city, *lines = capsys.readouterr().out.splitlines()
    assert caption == "Settings" and part.split() == ["chosen", "on", "held", "out"]
    assert city.split() == ["la", "san-diego"]
    assert [line.split() for line in lines] == [
        ["Trees", "2", "1"],
        ["Graph", "ridge", "1", "0"],
    ]
    monkeypatch.setattr(choosing, "settings_scored", lambda wing: COUNTED[:0].copy())
    settings_told.show("speedgraph", "Settings")
    assert capsys.readouterr().out == "Settings: none is recorded.\n"
