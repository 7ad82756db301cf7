"""What pages show: provenance lines, tables and sentences."""

import sys

import pandas as pd
import pytest

from stflow_lib.book import display

FRESH = {
    "profile": "lab",
    "device": "cpu",
    "source_hash": "abcdef0123456789",
    "date": "2026-11-21T10:00:00",
    "stale": False,
}


def test_provenance_says_size_machine_days_and_source():
    """The line under a table is the reader's only way to tell whose numbers these are."""
    later = FRESH | {"date": "2026-11-23"}
    assert display.provenance_lines([FRESH, later]) == [
        "2 runs · profile lab · cpu · 2026-11-21 to 2026-11-23 · source abcdef0123"
    ]


@pytest.mark.parametrize(
    "name, value", [("profile", "smoke"), ("device", "cuda"), ("source_hash", "0123456789")]
)
def test_provenance_never_mixes_origins(name, value):
    """A table with runs of two profiles, machines or sources must show both."""
    lines = display.provenance_lines([FRESH, FRESH | {name: value}])
    assert len(lines) == 2 and all(line.startswith("1 run ") for line in lines)


def test_provenance_counts_stale_runs_and_takes_a_frame():
    """A stale run must not hide among fresh ones; a record without the mark is fresh."""
    records = [FRESH, FRESH | {"stale": True}, {k: FRESH[k] for k in FRESH if k != "stale"}]
    assert display.provenance_lines(pd.DataFrame(records))[0].startswith("3 runs, 1 stale ·")


def test_provenance_of_nothing_and_of_a_record_with_gaps():
    """An empty table says so; a record without a device still counts."""
    assert display.provenance_lines([]) == ["no runs behind this table"]
    assert "not recorded" in display.provenance_lines([FRESH | {"device": None}])[0]
    (line,) = display.provenance_lines([FRESH | {"source_hash": None}])
    assert line.endswith("source not recorded")


def test_everything_is_text_outside_a_notebook(capsys):
    """Sources run as scripts on machines without IPython."""
    display.provenance([FRESH])
    display.show_table(pd.DataFrame({"rmse": [1.23456, None]}), "Table 3")
    text = capsys.readouterr().out
    assert "[1 run · profile lab" in text
    assert "Table 3" in text and "1.235" in text and "1.2345" not in text


@pytest.fixture
def shown(monkeypatch):
    """What was displayed, in a process that looks like a kernel."""
    import IPython
    import IPython.display

    class Shell:
        kernel = object()

    seen = []
    monkeypatch.setitem(sys.modules, "IPython", IPython)
    monkeypatch.setattr(IPython, "get_ipython", Shell)
    monkeypatch.setattr(IPython.display, "display", lambda data, raw: seen.append(data))
    return seen


def test_pages_get_html_with_text_beside_it(shown):
    """Captions and values are escaped: `<` in a method's name must not open a tag."""
    display.show_table(pd.DataFrame({"a": [1.0]}, index=["x<y"]), "A<B")
    display.provenance([FRESH | {"device": "<gpu>"}, FRESH | {"stale": True}])
    table, line = shown
    assert "A&lt;B" in table["text/html"] and "x&lt;y" in table["text/html"]
    assert "&lt;gpu&gt;" in line["text/html"] and 'class="stale"' in line["text/html"]
    assert line["text/plain"].startswith("[1 run")


def test_words_stand_left_and_the_index_names_the_corner(shown):
    """Sentences set to the right cannot be read; a row for one name is a row lost."""
    frame = pd.DataFrame({"what": ["taxis" * 10], "n": [3], "kind": ["grid"]}, index=["sf"])
    display.show_table(frame.rename_axis("city"))
    display.show_table(frame.set_index(["kind", "what"]), index=False)
    display.show_table(frame.set_index("what"))
    first, second, third = (data["text/html"] for data in shown)
    assert 'class="table-scroll indexed sentence-index words-1"' in third
    assert 'class="table-scroll indexed words-1 words-3 sentence-3"' in first
    assert first.count("<tr") == 2 and "<th>city</th>" in first
    assert 'class="table-scroll"' in second and "taxis" not in second


def test_several_origins_are_one_line_that_opens(shown):
    """Lines that differ in a hash only took a screen; each is still there."""
    others = [FRESH | {"source_hash": f"{k:010}", "stale": k == 1} for k in range(3)]
    display.provenance(others)
    (data,) = shown
    summary = "3 runs, 1 stale · lab · cpu · 2026-11-21 · 3 sources"
    assert f"<summary>{summary}</summary>" in data["text/html"]
    assert all(line in data["text/plain"] for line in display.provenance_lines(others))
    assert data["text/html"].count("<br>") == 2


def test_a_folded_table_says_why(shown):
    display.show_table(pd.DataFrame({"a": [1.0]}), "A<B", folded="printed only")
    page = shown[0]["text/html"]
    assert page.startswith('<details class="more"><summary>A&lt;B (printed only)</summary>')
    assert page.endswith("</table></div></details>")


def test_provenance_says_the_number_of_threads():
    """Sums shared by two threads have other last digits than those of one."""
    lines = display.provenance_lines([FRESH | {"threads": n} for n in (1, 2, 2)])
    assert [" · cpu, 1 thread · " in lines[0], " · cpu, 2 threads · " in lines[1]] == [True] * 2
    assert lines[1].startswith("2 runs")
    assert " · cpu · " in display.provenance_lines([FRESH])[0]


def test_a_sentence_is_plain_text_in_a_script(capsys):
    display.show_text("a < b")
    assert capsys.readouterr().out == "a < b\n"


def test_a_named_sentence_can_be_shown_on_another_page(shown, monkeypatch):
    """MyST's `glue:any` finds an output by the name in its metadata."""
    import IPython.display

    named = []
    monkeypatch.setattr(IPython.display, "display", lambda data, **more: named.append(more))
    display.show_text("a", name="finding")
    display.show_text("b")
    glued = {"scrapbook": {"name": "finding", "mime_prefix": ""}}
    assert named == [{"raw": True, "metadata": glued}, {"raw": True}]


def test_many_rows_without_a_run_are_counted_and_closed(shown):
    """Two dozen names in a caption are read by nobody and take the place of the table."""
    rows = [f"method {k}" for k in range(5)]
    frame = pd.DataFrame(
        {"sf": ["1.0"] + ["not run"] * 4, "ny": ["2.0"] + ["not run"] * 4}, rows
    )
    display.show_table(frame, "Errors")
    display.show_table(frame[:4], "Errors")
    many, few = shown
    closed = '<details class="listed"><summary>Not run: 4</summary><p>method 1; '
    assert closed in many["text/html"] and "method 4" in many["text/plain"]
    line = '<p class="listed">Not run: method 1; method 2; method 3.</p>'
    assert few["text/html"].endswith(line) and 'aria-label="Errors"' in few["text/html"]


def test_long_names_are_closed_too():
    """Three names may fill a screen of a phone."""
    assert display.listed("Scored", ["x" * 200]).startswith("<details")
    assert display.listed("Scored", ["a<b"]) == '<p class="listed">Scored: a&lt;b.</p>'
