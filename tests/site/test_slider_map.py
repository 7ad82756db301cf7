"""Maps with a slider in a browser: keys move picture, label and spoken text, nothing is loaded."""

from pathlib import Path

import numpy as np
import pytest

from stflow_lib.data.slider_map import Layer, SliderMap, errors, to_html

STATIC = Path(__file__).resolve().parents[2] / "book/_static"
PAGES = [
    "book/nb/finegrained/04_maps",
    "book/nb/gridflow/01_problem_and_rules",
    "book/nb/speedgraph/01_problem_and_graphs",
]
HEAD = (
    '<!doctype html><html lang="en" data-theme="light"><title>t</title>'
    '<link rel="icon" href="data:,"><meta name="viewport" content="width=device-width">'
)
STATE = """map => ({
  pictures: [...map.querySelectorAll('canvas')].map(c => c.toDataURL()),
  spoken: [...map.querySelectorAll('canvas')].map(c => c.getAttribute('aria-label')),
  now: map.querySelector('output').textContent,
  valuetext: map.querySelector('input').getAttribute('aria-valuetext'),
})"""


def shown(places: np.ndarray | None = None) -> SliderMap:
    truth = np.array([[0.0, 1, 2, 3], [3, 2, 1, np.nan]])
    truth = truth if places is not None else truth.reshape(2, 2, 2)
    guess = truth[::-1] * 0.5
    layers = [Layer("observed", truth), Layer("forecast", guess), errors(truth, guess)]
    return SliderMap("A city", "trips", ["Monday 08:00", "Monday 09:00"], layers, places)


@pytest.fixture
def opened(tmp_path, serve, browser):
    """opened(map, width) -> a page with the map alone, what it asked for, what went wrong."""
    context, address = browser.new_context(), serve(tmp_path)

    def at(one: SliderMap, width: int = 390):
        for name in ("stflow.css", "slider_map.css", "slider_map.js"):
            (tmp_path / name).write_bytes((STATIC / name).read_bytes())
        sheets = (f'<link rel="stylesheet" href="{n}.css">' for n in ("stflow", "slider_map"))
        style = "".join(sheets) + '<script src="slider_map.js"></script>'
        body = f'<article class="bd-article">{to_html(one)}</article>'
        (tmp_path / "page.html").write_text(HEAD + style + body)
        page, said = context.new_page(), []
        page.set_viewport_size({"width": width, "height": 900})
        page.on("request", lambda request: said.append(request.url))
        page.on("pageerror", lambda error: said.append(f"error: {error}"))
        page.goto(f"{address}/page.html", wait_until="load")
        return page, said

    yield at
    context.close()


@pytest.mark.parametrize("places", [None, np.array([[0.0, 0], [1, 0], [0, 1], [1, 1]])])
@pytest.mark.parametrize("width", [1300, 390])
def test_keys_move_pictures_label_and_spoken_text(opened, width, places):
    """With the keyboard alone: Tab reaches the slider, an arrow moves it."""
    page, said = opened(shown(places), width)
    before = page.locator(".slider-map").evaluate(STATE)
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.type") == "range"
    page.keyboard.press("ArrowRight")
    after = page.locator(".slider-map").evaluate(STATE)
    assert before["now"].startswith("Monday 08:00, mean error")
    assert (
        after["now"].startswith("Monday 09:00, mean error")
        and after["valuetext"] == after["now"]
    )
    assert len(before["pictures"]) == 3
    pairs = zip(before["pictures"], after["pictures"], strict=True)
    assert all(first != second for first, second in pairs)
    assert after["spoken"][0] == "observed, Monday 09:00: mean 2 trips"
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert not [one for one in said if not one.startswith("http://127.0.0.1:")]


def test_a_cell_has_the_colour_of_its_level(opened):
    """The ends of the scale are the ends of its colours; a missing cell is left clear."""
    page, _ = opened(shown())
    page.locator("input").press("End")
    look = "c => [...c.getContext('2d').getImageData(0, 0, 2, 2).data]"
    pixels = np.reshape(page.locator("canvas").first.evaluate(look), (4, 4))
    assert [*pixels[0]] == [0xFE, 0xE8, 0x38, 255]  # 3 of 3: the last of cividis
    assert pixels[3, 3] == 0 and all(pixels[:3, 3] == 255)


@pytest.mark.parametrize("page", PAGES)
def test_each_wing_has_its_map(site, serve, browser, page):
    """On the built page, with the site's own head: panels are drawn, the slider moves them."""
    tab, foreign = browser.new_page(), []
    tab.on("request", lambda r: foreign.append(r.url) if "//127.0.0.1:" not in r.url else None)
    tab.goto(f"{serve(site)}/{page}.html", wait_until="load")
    found = tab.locator(".slider-map").first
    before = found.evaluate(STATE)
    found.locator("input").evaluate(
        "i => { i.value = 3; i.dispatchEvent(new Event('input')); }"
    )
    after = found.evaluate(STATE)
    tab.close()
    assert len(before["pictures"]) >= 3 and before["now"] != after["now"]
    assert before["pictures"] != after["pictures"]
    assert not [url for url in foreign if not url.startswith(("data:", "blob:"))]
