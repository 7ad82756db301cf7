"""The visit itself: each kind of fault, planted on a small page, must be seen."""

from itertools import count

import pytest

PIXEL = "data:image/gif;base64,R0lGODlhAQABAAAAACH5BAEKAAEALAAAAAABAAEAAAICTAEAOw=="


@pytest.fixture
def look(tmp_path, visit, serve):
    """Each page has a name of its own: one written again within a second may come from a cache."""
    address, numbers = serve(tmp_path), count()

    def at(body: str, *widths: int):
        path = tmp_path / f"page{next(numbers)}.html"
        icon = '<link rel="icon" href="data:,">'
        path.write_text(f"<!doctype html><title>t</title>{icon}<article>{body}</article>")
        return visit(f"{address}/{path.name}", *(widths or [1300]))

    return at


def test_a_sound_page_has_no_fault(look):
    """Otherwise the tests of the site could only be red."""
    found = look(f'<div class="cell_output"><img src="{PIXEL}" width="9" height="9"></div>')
    assert not found.errors and not found.foreign and not found.failed
    seen = found.seen
    assert seen["pictures"] == 1 and not seen["broken"] and found.over[1300] <= 0


def test_console_errors_and_uncaught_ones_are_seen(look):
    """Both kinds: what a script logs, and what it throws."""
    assert look("<script>console.error('no')</script>").errors == ["no"]
    assert "lost" in look("<script>throw new Error('lost')</script>").errors[0]


def test_a_request_to_another_host_is_seen_and_stopped(look):
    """By tag and by script alike."""
    url = "https://cdn.example.org/x.js"
    assert look(f'<script src="{url}"></script>').foreign == [url]
    assert look(f"<script>fetch('{url}').catch(() => 0)</script>").foreign == [url]


def test_missing_pictures_and_blank_plots_are_seen(look):
    """A plot without plotly.js is an empty box."""
    found = look('<img src="gone.png" alt="x"><div class="plotly-graph-div"></div>')
    assert found.errors and found.seen["broken"] and found.seen["blank"] == 1


def test_formulas_left_raw_are_seen(look):
    """MathJax that does not load says nothing."""
    assert look(r'<span class="math">\(x\)</span>').seen["raw"] == 1


@pytest.mark.parametrize("width", [1300, 420])
def test_overflow_is_seen(look, width):
    """At both widths that the site is tested at."""
    assert look(f'<div style="width:{width + 40}px">x</div>', width).over[width] >= 40


def test_overflow_is_seen_when_a_window_is_made_smaller(look):
    """The site is opened at a desk and then as wide as a phone."""
    over = look('<div style="width:800px">x</div>', 1300, 420).over
    assert over[1300] <= 0 and over[420] >= 380
