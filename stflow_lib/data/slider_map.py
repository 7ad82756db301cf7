"""Maps with a slider over hours: a table of bytes in the page, drawn by book/_static/slider_map.js.

Every layer of a map stands beside the others, and one slider moves all of them. Nothing is loaded:
`to_html` is a figure for a page that has script and style, `to_page` a page by itself.
"""

import base64
import html
import json
from collections.abc import Sequence
from dataclasses import dataclass

import matplotlib
import numpy as np
import pandas as pd
from matplotlib.colors import to_hex

from stflow_lib import ROOT

MISSING = 255  # the level of a cell without a value; the others are 0 to 254
STATIC = ROOT / "book" / "_static"  # where script and style lie
POLICY = (
    "default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src 'unsafe-inline'"
)
COLOURS = {"value": "cividis", "error": "magma"}  # of a layer's kind; both read in grey, too


@dataclass(frozen=True)
class Layer:
    """One panel: its name, a value for each frame and cell (or point), NaN where there is none."""

    name: str
    values: np.ndarray  # [frame, row, col] or [frame, point]
    kind: str = "value"  # or "error", from zero on: layers of a kind share colours and ends


@dataclass(frozen=True)
class SliderMap:
    """Layers side by side over the same frames."""

    title: str  # says what is shown, and that a city is simulated where it is
    unit: str
    frames: Sequence[str]  # what the slider chooses from: hours, methods
    layers: Sequence[Layer]
    places: np.ndarray | None = None  # [point, 2]: x to the right, y upwards; None: a grid
    slider: str = "hour"  # name of what the slider moves over
    power: float = 1  # of the colours, see `levels`


def errors(truth: np.ndarray, guess: np.ndarray) -> Layer:
    """The layer |truth - guess|."""
    return Layer("error, absolute", np.abs(truth - guess), "error")


def ends(layers: Sequence[Layer], kind: str) -> tuple[float, float]:
    """Lowest and highest value of the layers of a kind; errors begin at zero."""
    found = np.concatenate([one.values.ravel() for one in layers if one.kind == kind])
    low = 0.0 if kind == "error" else float(np.nanmin(found))
    return low, float(np.nanmax(found))


def levels(values: np.ndarray, low: float, high: float, power: float = 1) -> bytes:
    """Values as one byte each, `low` as 0 and `high` as 254, in reading order; NaN as MISSING.

    Between them levels grow with a power of the distance from `low`: 0.5 shows small flows, too.
    """
    share = ((values - low) / ((high - low) or 1.0)).clip(0, 1) ** power
    whole = np.rint(share * (MISSING - 1))
    return np.where(np.isnan(values), MISSING, whole).astype(np.uint8).tobytes()


def content(shown: SliderMap) -> dict:
    """What the script reads: frames and their mean errors, layers as levels, colours, places.

    ValueError where a layer has not one map for each frame.
    """
    wrong = [one.name for one in shown.layers if len(one.values) != len(shown.frames)]
    if wrong:
        raise ValueError(f"{', '.join(wrong)}: want {len(shown.frames)} frames")
    return {
        "unit": shown.unit,
        "frames": list(shown.frames),
        "layers": [
            _layer(one, ends(shown.layers, one.kind), shown.power) for one in shown.layers
        ],
        "places": None if shown.places is None else _in_square(shown.places).tolist(),
    }


def _layer(one: Layer, reach: tuple[float, float], power: float) -> dict:
    middle = reach[0] + (reach[1] - reach[0]) * 0.5 ** (1 / power)
    steps = matplotlib.colormaps[COLOURS[one.kind]](np.linspace(0, 1, 12))
    return {
        "name": one.name,
        "shape": list(one.values.shape[1:]),
        "scale": [_short(value) for value in (reach[0], middle, reach[1])],
        "colours": [to_hex(step) for step in steps],
        "means": [_mean(frame) for frame in one.values],
        "levels": base64.b64encode(levels(one.values, *reach, power)).decode(),
    }


def _mean(frame: np.ndarray) -> str:
    return "unknown" if np.isnan(frame).all() else _short(np.nanmean(frame))


def _short(value: float) -> str:
    return f"{value:.0f}" if abs(value) >= 1000 else f"{value:.3g}"


def _in_square(places: np.ndarray) -> np.ndarray:
    """Places as x and y from the upper left corner of a square of side 1, their shape kept."""
    low, high = places.min(0), places.max(0)
    scaled = (places - (low + high) / 2) / ((high - low).max() or 1.0)
    return (0.5 + scaled * [1, -1]).round(4)


def to_html(shown: SliderMap) -> str:
    """The map as HTML: a figure with its data, which the script turns into canvases."""
    title = html.escape(shown.title, quote=True)
    data = json.dumps(content(shown), separators=(",", ":")).replace("<", "\\u003c")
    return (
        f'<figure class="slider-map" data-slider="{html.escape(shown.slider, quote=True)}" '
        f'aria-label="{title}"><figcaption>{title}</figcaption>'
        f'<script type="application/json">{data}</script>'
        "<noscript>This map is drawn by a script.</noscript></figure>"
    )


def hours(times) -> list[str]:
    """Times as "Tuesday 08:00"."""
    return [f"{time:%A %H:%M}" for time in pd.DatetimeIndex(times)]


def to_page(shown: SliderMap) -> str:
    """The map as a whole page, script and style in it; its browser is told to ask no host."""
    style, script = ((STATIC / f"slider_map.{end}").read_text("utf-8") for end in ("css", "js"))
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f'<link rel="icon" href="data:,"><title>{html.escape(shown.title)}</title>'
        f"<style>{style}</style><script>{script}</script></head>"
        f'<body class="slider-map-page"><main>{to_html(shown)}</main></body></html>\n'
    )
