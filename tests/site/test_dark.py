"""A page at night: the switch is a button, and what it leads to can be read as well."""

import runpy
from pathlib import Path
from types import SimpleNamespace

import pytest

measures = SimpleNamespace(**runpy.run_path(str(Path(__file__).with_name("measures.py"))))
LOOKED = (  # prose, tables, figures, code and a map with a slider
    "index", "api", "nb/at_a_glance", "nb/scoreboard", "nb/finegrained/04_maps",
)  # fmt: skip
MODE = "document.documentElement.dataset.theme"
GROUND = """() => getComputedStyle(document.body).backgroundColor.match(/\\d+/g).slice(0, 3)
    .reduce((sum, part) => sum + Number(part), 0) / 765"""  # 0 is black, 1 white


@pytest.fixture(scope="module")
def night(browser):
    """night(url) -> an open page after as many presses of the switch as make it dark."""
    context = browser.new_context(color_scheme="light")

    def at(url: str):
        page = measures.opened(context, url, measures.WIDTHS[0])
        assert page.evaluate(GROUND) > 0.9
        for _ in range(3):  # light, dark, as the system has it
            if page.evaluate(MODE) == "dark":
                break
            page.locator(".theme-switch-button:visible").first.press("Enter")
        page.wait_for_timeout(500)  # colours fade over
        return page

    yield at
    context.close()


@pytest.mark.parametrize("page", [f"book/{page}" for page in LOOKED])
def test_a_page_can_be_read_in_the_dark(site, serve, night, page):
    """Text is told from its ground, and the ground is dark."""
    shown = night(f"{serve(site)}/{page}.html")
    assert shown.evaluate(MODE) == "dark" and shown.evaluate(GROUND) < 0.2
    assert measures.findings(shown) == {}
    shown.close()
