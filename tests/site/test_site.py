"""The built book in a real browser: every page as a reader meets it, at a desk and on a phone."""

import re
from pathlib import Path

import pytest
import yaml

from stflow_lib.runs import profiles

TOC = yaml.safe_load((Path(__file__).resolve().parents[2] / "book/_toc.yml").read_text())
PAGES = [TOC["root"]] + [c["file"] for part in TOC["parts"] for c in part["chapters"]]
WIDTHS = (1300, 390)  # pixels: a desk and a phone
NOISE = re.compile(r"Traceback \(most recent call last\)|\b\w*Warning\b:|\[IPKernelApp\]")

each_page = pytest.mark.parametrize("page", PAGES)
each_notebook = pytest.mark.parametrize("name", profiles.notebooks())


def outputs(cells: list[dict]) -> list[dict]:
    return [output for cell in cells for output in cell.get("outputs", [])]


@each_page
def test_page_opens_without_an_error_or_an_outside_request(seen, page):
    """MathJax, plotly.js and widgets come from a CDN unless every default is overruled."""
    found = seen(page)
    assert not found.errors and not found.failed and not found.foreign
    assert not found.seen["broken"]


@each_page
def test_formulas_are_set(seen, page):
    """Without MathJax a page shows raw dollars and backslashes and raises nothing."""
    found = seen(page).seen
    assert not found["wrong"] and not found["raw"]
    assert not re.search(r"\\(frac|sum|hat|mathbf|text)\b|\$\$", prose(found["text"]))


def prose(text: str) -> str:
    """The text of a page without lines of code that happen to hold a backslash."""
    return "\n".join(
        line for line in text.splitlines() if "\\\\" not in line and '"' not in line
    )


@each_page
@pytest.mark.parametrize("width", WIDTHS)
def test_nothing_sticks_out(seen, page, width):
    """Wide tables and formulas scroll in place; the page itself never moves sideways."""
    assert seen(page).over[width] <= 1


@each_notebook
def test_page_has_all_figures_of_its_notebook(seen, executed, name):
    """A picture that the notebook made and the page lacks was lost on the way."""
    made = [output.get("data", {}) for output in outputs(executed(name))]
    found = seen(f"book/nb/{name}").seen
    assert found["pictures"] == sum("image/png" in d or "image/svg+xml" in d for d in made)
    assert found["plots"] == sum("application/vnd.plotly.v1+json" in d for d in made)
    assert found["blank"] == 0


@each_notebook
def test_outputs_hold_no_traceback_and_no_warning(site, executed, name):
    """The site hides stderr: what is wrong there would never be seen."""
    for output in outputs(executed(name)):
        assert output["output_type"] != "error"
        data = output.get("data", {})
        text = "".join(output.get("text", "")) + "".join(data.get("text/plain", ""))
        assert not NOISE.search(text), text[:400]


@each_notebook
def test_no_legend_lies_over_data(site, executed, name):
    """A figure that is shown says so, in both of its forms; see `stflow_lib.book.legends`."""
    said = ["".join(output.get("text", "")) for output in outputs(executed(name))]
    assert not [text for text in said if "a legend covers" in text]


@each_notebook
def test_every_code_cell_ran(site, executed, name):
    """A cell without a count was skipped, and the page shows code that nobody tried."""
    cells = [cell for cell in executed(name) if cell["cell_type"] == "code"]
    counts = [cell["execution_count"] for cell in cells if "".join(cell["source"]).strip()]
    assert counts == list(range(1, len(counts) + 1))


def test_the_front_door_leads_to_the_book(site, visit):
    """`make book` ends with the path of index.html: opened as a file it shows the book."""
    found = visit((site / "index.html").as_uri(), WIDTHS[0])
    assert not found.foreign and not found.seen["broken"]
    assert "Urban flow with little data" in found.seen["text"]


def test_no_page_names_a_script_or_style_elsewhere(site):
    """A tag that no visit triggers (print, dark mode) must not ask another host either."""
    tag = re.compile(
        r"<(?:script|img|iframe)[^>]+src=[\"'](?:https?:)?//"
        r"|<link(?=[^>]+rel=[\"'](?:stylesheet|preload|icon))[^>]+href=[\"']"
        r"(?:https?:)?//"
    )
    for path in site.rglob("*.html"):
        found = tag.search(path.read_text())
        assert not found, f"{path.name}: {found and found[0]}"
