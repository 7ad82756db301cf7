"""The book without a mouse: Tab goes through each page in reading order, and to its end."""

import runpy
from pathlib import Path
from types import SimpleNamespace

import pytest

HERE = Path(__file__)
keyboard = SimpleNamespace(**runpy.run_path(str(HERE.with_name("keyboard.py"))))
measures = SimpleNamespace(**runpy.run_path(str(HERE.with_name("measures.py"))))
FAULTS = ("hidden", "back", "missed")
WALKED = (  # each kind of page
    "index", "quickstart", "api", "nb/scoreboard", "nb/what_to_use", "nb/finegrained/04_maps",
    "nb/gridflow/03_results", "nb/speedgraph/01_problem_and_graphs", "nb/kernels/01_conserve",
    "nb/your_city/01_forecast_demand",
)  # fmt: skip


@pytest.fixture(scope="module")
def stroll(browser):
    """stroll(url, width) -> what `walk` finds on a page."""
    context = browser.new_context()

    def at(url: str, width: int) -> dict:
        page = measures.opened(context, url, width)
        found = keyboard.walk(page)
        page.close()
        return found

    yield at
    context.close()


@pytest.mark.parametrize("page", [f"book/{page}" for page in WALKED])
@pytest.mark.parametrize("width", measures.WIDTHS)
def test_tab_goes_through_the_page(site, serve, stroll, page, width):
    """Nothing hidden takes the focus, nothing jumps back, no scroll area is left out, no trap."""
    found = stroll(f"{serve(site)}/{page}.html", width)
    assert not {fault: found[fault] for fault in FAULTS if found[fault]}
    assert not found["trapped"] and len(found["stops"]) > 5


PLANTED = {
    "hidden": '<a href="#x" style="opacity:0">unseen</a>',
    "back": '<a href="#x">one</a><a href="#y" tabindex="1">two</a>',
    "missed": '<div style="overflow-x:auto;width:90px"><p tabindex="-1" style="width:900px">x</p>'
    '</div><script>document.querySelector("div").tabIndex = -1</script>',
    "trapped": '<input onkeydown="event.preventDefault()"><a href="#x">after</a>',
}


@pytest.mark.parametrize("fault", PLANTED)
def test_each_fault_is_found(fault, tmp_path, serve, stroll):
    """A walk that finds nothing anywhere is no test; a sound page has no fault."""
    head = '<!doctype html><title>t</title><link rel="icon" href="data:,">'
    body = '<p><a href="#z">first</a></p>'
    for name, planted in (("bad", PLANTED[fault]), ("good", "")):
        (tmp_path / f"{name}.html").write_text(f"{head}<article>{body}{planted}</article>")
    address = serve(tmp_path)
    assert stroll(f"{address}/bad.html", 1300)[fault]
    sound = stroll(f"{address}/good.html", 1300)
    assert not any(sound[name] for name in PLANTED) and sound["stops"] == ["a.: first"]
