"""What the book's style sheet makes of tables and printed lines, at a desk and on a phone."""

from pathlib import Path

import pandas as pd
import pytest

from stflow_lib.book import html_table

STYLE = Path(__file__).resolve().parents[2] / "book/_static/stflow.css"
LONG = pd.DataFrame({f"city {k}": ["1.000 ± 0.100", "20.000 ± 0.200"] for k in range(24)},
                    index=["Historical average", "Boosted line"])  # fmt: skip
both_widths = pytest.mark.parametrize("width", (1300, 390))
POINTS = """() => [...document.querySelectorAll('td')].map(cell => {
  const walker = document.createTreeWalker(cell, NodeFilter.SHOW_TEXT);
  for (let node; (node = walker.nextNode());) {
    const at = node.data.indexOf('.');
    if (at < 0) continue;
    const range = document.createRange();
    range.setStart(node, at);
    return range.getBoundingClientRect().x;
  }
})"""


@pytest.fixture
def drawn(browser, tmp_path):
    """drawn(body, width) -> a page of the book's article with that body."""
    context = browser.new_context()

    def draw(body: str, width: int):
        style = f"<style>body {{ margin: 0; }}\n{STYLE.read_text()}</style>"
        page = context.new_page()
        page.set_viewport_size({"width": width, "height": 900})
        page.set_content(
            f'{style}<article class="bd-article" style="max-width: 700px">{body}</article>'
        )
        return page

    yield draw
    context.close()


@both_widths
def test_decimal_points_stand_below_each_other(drawn, width):
    """Of numbers with one, two and three figures, with signs, and in bold."""
    frame = pd.DataFrame({"sf": ["9.9 ± 0.1", "123.4 ± 2.0", "-1.5", "8.8 ± 0.1", "77.7"]})
    page = html_table.to_html(html_table.bold_best(frame), "Errors", 3, True, False)
    places = drawn(page, width).evaluate(POINTS)
    assert len(places) == 5 and max(places) - min(places) < 0.5


@both_widths
@pytest.mark.parametrize("index", (True, False))
def test_the_first_column_stays_when_a_table_moves(drawn, width, index):
    """Numbers without the name of their row say nothing."""
    page = drawn(html_table.to_html(LONG.rename_axis("m").reset_index() if not index else LONG,
                                    "", 3, index, False), width)  # fmt: skip
    page.evaluate("document.querySelector('.table-scroll').scrollLeft = 300")
    moved, first = page.evaluate("""() => {
      const frame = document.querySelector('.table-scroll');
      const x = cell => cell.getBoundingClientRect().x - frame.getBoundingClientRect().x;
      const cells = document.querySelector('tbody tr').cells;
      return [x(cells[1]), x(cells[0])];
    }""")
    assert abs(first) < 1 and moved < 0


def test_a_name_that_stays_leaves_room_on_a_phone(drawn):
    """A sentence that stays in sight must not cover the columns that move."""
    frame = LONG.set_axis(["a long sentence about a row " * 3, "b"])
    page = drawn(html_table.to_html(frame, "", 3, True, False), 390)
    assert page.evaluate("document.querySelector('tbody th').offsetWidth") < 0.45 * 390


@both_widths
def test_printed_lines_are_broken_at_the_edge(drawn, width):
    """A line that leaves the page sideways is read to its middle."""
    line = "lowest error: " + ", ".join(
        f"'sim-grid-{k}': 'Hour-of-week mean'" for k in range(12)
    )
    body = f'<div class="cell_output"><div class="output stream"><pre>{line}</pre></div></div>'
    page = drawn(body, width)
    found = page.evaluate(
        "(e => [e.scrollWidth, e.clientWidth])(document.querySelector('pre'))"
    )
    assert found[0] <= found[1] <= width
