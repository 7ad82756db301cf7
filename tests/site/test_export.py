"""An exported map in a browser, opened as a file: it asks for nothing, keys move its pictures."""

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from stflow_lib.data.export import export

STATE = """() => ({
  pictures: [...document.querySelectorAll('canvas')].map(c => c.toDataURL()),
  spoken: [...document.querySelectorAll('canvas')].map(c => c.getAttribute('aria-label')),
  roles: [...document.querySelectorAll('canvas')].map(c => c.getAttribute('role')),
  figure: document.querySelector('figure').getAttribute('aria-label'),
  now: document.querySelector('output').textContent,
})"""


def result(kind: str) -> xr.Dataset:
    """Three hours of two ways and 2 x 3 cells, or of four sensors; hour k is k times hour one."""
    hours = pd.date_range("2024-01-02 08:00", periods=3, freq="h")
    grid = ("time", "direction", "row", "col"), np.arange(12.0).reshape(2, 2, 3)
    dims, base = grid if kind != "sensors" else (("time", "node"), np.arange(4.0))
    mean = base[None] * np.arange(1, 4).reshape(3, *[1] * base.ndim)
    maps = {"mean": mean, "lower": mean * 0.5, "upper": mean * 2}
    coords = {"time": hours, "direction": ["in", "out"]}
    if kind == "sensors":
        coords = {"time": hours, "lat": ("node", [50.0, 50, 51, 51]),
                  "lon": ("node", [8.0, 9, 8, 9])}  # fmt: skip
    attrs = {"name": "town", "kind": kind, "method": "HA", "unit": "trips",
             "lower_level": 0.05, "upper_level": 0.95}  # fmt: skip
    return xr.Dataset({n: (dims, m) for n, m in maps.items()}, coords, attrs)


@pytest.mark.parametrize("width", [1300, 390])
@pytest.mark.parametrize("kind, panels", [("forecast", 4), ("fine maps", 4), ("sensors", 2)])
def test_a_file_alone_draws_moves_and_speaks(browser, tmp_path, kind, panels, width):
    path = export(result(kind), tmp_path / "map.html")
    page, asked, wrong = browser.new_page(), [], []
    page.set_viewport_size({"width": width, "height": 900})
    page.on("request", lambda request: asked.append(request.url))
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on("console", lambda m: m.type == "error" and wrong.append(m.text))
    page.goto(path.as_uri(), wait_until="load")
    before = page.evaluate(STATE)
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.type") == "range"
    page.keyboard.press("ArrowRight")
    after, over = page.evaluate(STATE), page.evaluate("document.documentElement.scrollWidth")
    page.close()
    assert before["now"] == "Tue 2024-01-02 09:00" and after["now"] == "Tue 2024-01-02 10:00"
    assert len(after["pictures"]) == panels and after["roles"] == ["img"] * panels
    pairs = zip(before["pictures"], after["pictures"], strict=True)
    assert all(first != second for first, second in pairs)
    assert "mean, Tue 2024-01-02 10:00: mean" in after["spoken"][0]
    assert "width of the 90% interval" in after["spoken"][1]
    assert after["figure"] == f"town, {kind} by HA: trips"
    outside = [url for url in asked if not url.startswith("data:")]
    assert outside == [path.as_uri()] and not wrong and over <= width
