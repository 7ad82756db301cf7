"""How long the pages of a built book are, where their first result stands, whom they keep out.

    python tests/site/measures.py build/site/smoke/_build/html

prints a line for each page, the columns of tables that are off the screen, and the medians;
`measure` is what the tests use.
"""

import sys
from collections.abc import Callable
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from statistics import median
from threading import Thread

import yaml
from axe_playwright_python.sync_playwright import Axe

ROOT = Path(__file__).resolve().parents[2]
SCRIPT = Path(__file__).with_suffix(".js").read_text().partition("\n() =>")
SCRIPT = "() =>" + SCRIPT[2]
ALSO = ("duplicate-id", "heading-order")  # rules of axe-core, whatever it calls their impact
WIDTHS = (1300, 390)  # pixels: a desk and a phone


def pages() -> list[str]:
    """Names of all pages of the book in the order of its table of contents."""
    toc = yaml.safe_load((ROOT / "book/_toc.yml").read_text())
    return [toc["root"]] + [c["file"] for part in toc["parts"] for c in part["chapters"]]


def opened(context, url: str, width: int, listen: Callable = lambda page: None):
    """A page that has come to rest, its formulas set, in a window of 900 pixels' height.

    `listen` is told of the page before it is opened.
    """
    page = context.new_page()
    page.set_viewport_size({"width": width, "height": 900})
    page.set_default_timeout(180_000)  # patience on a busy machine is no fault
    listen(page)
    page.goto(url, wait_until="load")
    page.wait_for_function("document.body?.children.length")  # a redirect has none
    page.evaluate("window.MathJax && MathJax.startup && MathJax.startup.promise")
    page.wait_for_timeout(300)
    return page


def measured(page) -> dict:
    """What the script beside this file finds on an open page, and what keeps people out."""
    return page.evaluate(SCRIPT) | {"findings": findings(page)}


def findings(page) -> dict[str, list[str]]:
    """Rule -> elements that break it: what axe-core calls serious or critical, and ALSO."""
    options = {
        "resultTypes": ["violations"],
        "preload": False,  # it would ask for files anew
        "rules": {rule: {"enabled": True} for rule in ALSO},
    }
    broken = Axe().run(page, options=options).response["violations"]
    return {
        rule["id"]: [node["html"][:120] for node in rule["nodes"][:5]]
        for rule in broken
        if rule["impact"] in ("serious", "critical") or rule["id"] in ALSO
    }


def measure(context, url: str, width: int) -> dict:
    """`measured` of a page that is opened for it."""
    page = opened(context, url, width)
    found = measured(page)
    page.close()
    return found


def line(name: str, found: dict) -> str:
    """The measures of a page in one line."""
    first = "  none" if found["first"] is None else f"{found['first']:6.1f}"
    rules = " ".join(f"{rule}:{len(where)}" for rule, where in found["findings"].items())
    return (
        f"{name:<46}{found['screens']:7.1f}{first}{100 * found['code']:6.0f}"
        f"{found['described']:5}/{found['images']:<4}{found['beyond']:6}"
        f"{found['bytes'] / 1e6:7.2f}  {rules}"
    )


class Quiet(SimpleHTTPRequestHandler):
    """Serves files and says nothing."""

    def log_message(self, *words) -> None:
        """No line per request."""


def main(folder: str, width: int = WIDTHS[0], *names: str) -> None:
    """Print the measures of the book in `folder` at a width in pixels."""
    from playwright.sync_api import sync_playwright

    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=folder))
    Thread(target=server.serve_forever, daemon=True).start()
    base = f"http://127.0.0.1:{server.server_port}"
    print(f"{'page':<46}screens first code% alt/images beyond   MB  findings")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path="/usr/bin/chromium", args=["--no-sandbox"]
        )
        context, found = browser.new_context(), []
        for name in names or pages():
            if (Path(folder) / f"{name}.html").exists():
                found.append(measure(context, f"{base}/{name}.html", int(width)))
                print("\n  ".join([line(name, found[-1]), *found[-1]["off"]]), flush=True)
    firsts = [one["first"] for one in found if one["first"] is not None]
    print(f"median screens {median(one['screens'] for one in found):.1f}, first result "
          f"{median(firsts):.1f}, code {100 * median(one['code'] for one in found):.0f} %, alt "
          f"{sum(o['described'] for o in found)}/{sum(o['images'] for o in found)}, columns beyond "
          f"{sum(o['beyond'] for o in found)}, pages with findings "
          f"{sum(bool(o['findings']) for o in found)}/{len(found)}")  # fmt: skip


if __name__ == "__main__":
    main(*sys.argv[1:])
