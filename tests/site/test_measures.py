"""What the pages ask of their readers: length, first result, alt texts, rules of accessibility."""

import json
import re
import runpy
from pathlib import Path
from types import SimpleNamespace

import pytest

from stflow_lib.book.alt_text import EMPTY
from stflow_lib.book.published import is_of_results

measures = SimpleNamespace(**runpy.run_path(str(Path(__file__).with_name("measures.py"))))
SCREENS = 8  # of 900 pixels at a desk, for a page of recorded runs
each_page = pytest.mark.parametrize("page", measures.pages())
both_widths = pytest.mark.parametrize("width", measures.WIDTHS)


@pytest.fixture(scope="module")
def look(seen):
    """look(page, width) -> measures of a page."""
    return lambda page, width: seen(page).measured[width]


def of_records(site, page: str) -> bool:
    """Whether a page is one of results."""
    return is_of_results(cells_of(site, page))


def cells_of(site, page: str) -> list[dict]:
    """Cells of the notebook behind a page, none of a text."""
    source = site / "_sources" / f"{page}.ipynb"
    return json.loads(source.read_text())["cells"] if source.exists() else []


@each_page
@both_widths
def test_page_keeps_nobody_out(look, page, width):
    """Names, contrast, labels, what scrolls takes the focus: rules of axe-core."""
    found = look(page, width)
    assert not found["findings"] and not found["still"] and not found["blank"]


@each_page
def test_every_picture_says_what_it_shows(look, page):
    """A path is no description; an empty panel is a fault, and so is a picture shown twice."""
    found = look(page, measures.WIDTHS[0])
    assert found["described"] == found["images"] == len(set(found["alts"]))
    assert not [alt for alt in found["alts"] if EMPTY in alt]


@each_page
def test_pages_of_records_are_short_and_start_with_a_result(site, look, page):
    """Eight screens are what people scroll through; the first must hold what was found."""
    if not of_records(site, page):
        pytest.skip("a page about data, a method or an operation may be longer")
    found = look(page, measures.WIDTHS[0])
    assert found["screens"] <= SCREENS and found["finding"] < 1


@each_page
def test_a_page_says_where_its_numbers_come_from(site, look, page):
    """The line stands in a cell of its own, which a site may leave out."""
    if cells := str(cells_of(site, page) or ""):
        said = "Where the numbers of this page come from"
        assert (said in look(page, measures.WIDTHS[0])["text"]) == (said in cells)


@each_page
def test_words_in_pictures_can_be_read_on_a_phone(look, page):
    """Seven pixels are the least; a figure of three panels on 350 pixels had four."""
    small = [one for one in look(page, min(measures.WIDTHS))["letters"] if one["pixels"] < 6.9]
    assert not small


@each_page
def test_no_column_is_off_the_screen_of_a_desk(look, page):
    """The column that is looked for, the verdict, is often the last."""
    assert not look(page, measures.WIDTHS[0])["off"]


@each_page
def test_pages_are_light(look, page):
    """MathJax is 1.3 MB, the theme 1.7; nothing else is loaded that a page does not show."""
    assert look(page, measures.WIDTHS[0])["bytes"] < 6e6


@each_page
def test_no_interval_is_empty(look, page):
    """One seed has no interval, and must not be printed as one."""
    text = look(page, measures.WIDTHS[0])["text"]
    assert not re.search(r"\[\s*nan|\bnan to\b|\bto nan\b", text)


FAULTS = {
    "image-alt": '<img src="data:,">',
    "link-name": '<a href="#x"></a>',
    "button-name": "<button></button>",
    "summary-name": "<details><summary></summary>x</details>",
    "label": '<input type="text">',
    "color-contrast": '<p style="color:#aaa;background:#fff">pale</p>',
    "duplicate-id": '<p id="a">x</p><p id="a">y</p>',
    "tabindex": '<p tabindex="3">x</p>',
    "heading-order": "<h1>a</h1><h3>b</h3>",
    "html-has-lang": "<script>document.documentElement.lang = ''</script>",
    "list": "<ul><p>x</p></ul>",
}


@pytest.mark.parametrize("rule", FAULTS)
def test_each_fault_is_found(rule, tmp_path, serve, browser):
    """A check that finds nothing anywhere is no check."""
    for name, body in (("bad", FAULTS[rule]), ("good", "<p>text</p>")):
        head = '<!doctype html><html lang="en"><title>t</title><link rel="icon" href="data:,">'
        (tmp_path / f"{name}.html").write_text(f"{head}<article>{body}</article>")
    context, address = browser.new_context(), serve(tmp_path)
    found, sound = (
        measures.measure(context, f"{address}/{name}.html", 1300)["findings"]
        for name in ("bad", "good")
    )
    context.close()
    assert rule in found and not sound


def test_what_scrolls_and_takes_no_focus_is_found(tmp_path, serve, browser):
    """Without a mouse nobody sees its other end."""
    wide = '<div style="overflow:auto;width:90px"{}><div style="width:900px">x</div></div>'
    context, address = browser.new_context(), serve(tmp_path)
    still = []
    marks = {"bare": "", "reached": ' tabindex="0" role="region" aria-label="table"'}
    for name, focus in marks.items():  # of one name the second may come from a cache
        (tmp_path / f"{name}.html").write_text(f"<article>{wide.format(focus)}</article>")
        still.append(len(measures.measure(context, f"{address}/{name}.html", 1300)["still"]))
    context.close()
    assert still == [1, 0]


def test_length_and_first_result_are_measured_in_screens(tmp_path, serve, browser):
    body = (
        '<div style="height:1800px"></div><div class="cell_output"><table><tr><td>1</td></tr>'
    )
    (tmp_path / "page.html").write_text(
        f"<!doctype html><article>{body}</table></div></article>"
    )
    context = browser.new_context()
    found = measures.measure(context, f"{serve(tmp_path)}/page.html", 1300)
    context.close()
    assert 2 <= found["first"] < 2.1 and 2 <= found["screens"] < 2.2
