"""What a reader meets who has no mouse: every stop of the Tab key on a page, in order."""

MOST = 1500  # presses after which a page holds its reader

# Called after each press: what has the focus now, or null when all of the page has been visited.
STOP = """() => {
  const now = document.activeElement;
  if (!now || now === document.body || now.dataset.visited) return null;
  now.dataset.visited = 'yes';
  const box = now.getBoundingClientRect(), last = window.lastStop;
  const card = parseFloat(getComputedStyle(now, '::after').width) > 0;  // its link lies over it
  const above = {opacityProperty: true, visibilityProperty: true, contentVisibilityAuto: true};
  const back = last && last.compareDocumentPosition(now) & Node.DOCUMENT_POSITION_PRECEDING;
  window.lastStop = now;
  return {
    name: `${now.tagName.toLowerCase()}.${[...now.classList].join('.')}: `
      + (now.textContent || now.id).trim().slice(0, 40),
    seen: now.checkVisibility(above) && (card || box.width > 0 && box.height > 0)
      && box.right > 0 && box.left < innerWidth,
    back: Boolean(back),
  };
}"""

# Scroll areas of the article that no stop lies in.
MISSED = """() => [...document.querySelectorAll('article *')].filter(e => e.checkVisibility()
    && ['auto', 'scroll'].includes(getComputedStyle(e).overflowX)
    && e.scrollWidth > e.clientWidth + 1
    && !e.dataset.visited && !e.querySelector('[data-visited]'))
  .map(e => `${e.tagName.toLowerCase()}.${[...e.classList].join('.')}`)"""


def walk(page) -> dict[str, list[str] | bool]:
    """Press Tab from the top of an open page to its end: what was wrong on the way.

    `hidden`: stops that nobody sees; `back`: stops that stand above the one before; `missed`:
    areas that scroll sideways and are never reached; `trapped`: whether the end never came.
    """
    stops: list[dict] = []
    while len(stops) < MOST:
        page.keyboard.press("Tab")
        stop = page.evaluate(STOP)
        if stop is None:
            break
        stops.append(stop)
    return {
        "hidden": [stop["name"] for stop in stops if not stop["seen"]],
        "back": [stop["name"] for stop in stops if stop["back"]],
        "missed": page.evaluate(MISSED),
        "trapped": len(stops) == MOST or held(page),
        "stops": [stop["name"] for stop in stops],
    }


def held(page) -> bool:
    """Whether something that can take the focus comes after the last stop in the article."""
    return page.evaluate("""() => [...document.querySelectorAll(
        'article :is(a[href], button, input, select, summary, [tabindex="0"])')]
      .some(e => e.checkVisibility({visibilityProperty: true}) && !e.disabled
        && e.getClientRects().length && !e.dataset.visited && e.tabIndex >= 0
        && !(e.type === 'radio'))""")
