"""From an executed notebook to the published one: order, folded code, one place for origins."""

import copy

import pytest

from stflow_lib.book import published


def code(source, *outputs, tags=()):
    outputs = [
        {"output_type": "display_data", "data": data, "metadata": {}} for data in outputs
    ]
    return {"cell_type": "code", "id": source[:5], "metadata": {"tags": list(tags)},
            "source": source, "outputs": outputs, "execution_count": 1}  # fmt: skip


LINE = {"text/html": '<p class="provenance">3 runs · lab</p>'}
STALE = {
    "text/html": '<details class="provenance"><summary>4 runs, 1 stale</summary></details>'
}
TITLE = (
    "# Title\n\n*You need: a. Reading: 3 minutes. Runs in: seconds. You will see: b.*\n\nWhy."
)


@pytest.fixture
def notebook():
    cells = [
        published.markdown("t", TITLE),
        code("train_missing: bool = False", tags=["parameters"]),
        code("train_missing = True", tags=["injected-parameters"]),
        code("import torch"),
        code("x = 1"),
        code("show(x)", {"text/html": "<table>"}, LINE),
        code("lead()", {"text/html": "<p>best</p>"}, tags=["finding"]),
        code("more()", LINE, STALE),
    ]
    return {"cells": cells, "metadata": {"a": 1}}


def sources(notebook):
    return [published.text(cell) for cell in notebook["cells"]]


def test_the_finding_stands_under_the_title(notebook):
    """Readers came for it; the code that made it stands further down in the source."""
    before = copy.deepcopy(notebook)
    found = sources(published.for_site(notebook, "wing/page"))
    assert found[0] == "# Title\n\n*You need: a. You will see: b.*"
    assert found[1] == "lead()" and found[3] == "Why."
    assert "1 min to read · run it: `make lab`, then open `wing/page.py`" in found[2]
    assert notebook == before  # the executed notebook stays as it ran


def test_injected_parameters_are_not_shown(notebook):
    """papermill repeats what the cell above says."""
    assert "train_missing = True" not in sources(published.for_site(notebook, "p"))


def test_every_code_of_a_page_of_records_is_closed(notebook):
    cells = published.for_site(notebook, "p")["cells"]
    shown = [c for c in cells[:-1] if c["cell_type"] == "code"]
    assert all(published.FOLDED in published.tags(cell) for cell in shown)


def test_elsewhere_code_that_computes_stays_open(notebook):
    """On a page about a method the code is what people came to read."""
    notebook["cells"][1]["source"] = "n: int = 3"
    cells = {published.text(c): c for c in published.for_site(notebook, "p")["cells"]}
    closed = {s for s, c in cells.items() if published.FOLDED in published.tags(c)}
    assert closed == {"n: int = 3", "import torch", "show(x)", "lead()", "more()"}


def test_origins_stand_once_at_the_end(notebook):
    """Thirteen lines that differ in a hash are one."""
    cells = published.for_site(notebook, "p")["cells"]
    assert not any("provenance" in published._html(o) for c in cells[:-1]
                   for o in c.get("outputs", []))  # fmt: skip
    last = published._html(cells[-1]["outputs"][0])
    assert "2 sets of runs; 1 of them with stale runs" in last
    assert last.count("3 runs · lab") == 1 and "4 runs, 1 stale" in last
    assert cells[-1]["metadata"]["tags"] == ["remove-input"]
    assert cells[-1]["source"]  # without any, a site leaves out the cell and what it shows


def test_a_page_without_records_gets_no_line(notebook):
    notebook["cells"] = notebook["cells"][:5]
    assert "Where the numbers" not in str(published.for_site(notebook, "p"))


def test_a_long_page_without_records_can_be_closed_too(notebook):
    cells = [code("n: int = 3", tags=["parameters"])]
    assert not published.is_of_results(cells)
    assert published.is_of_results([code("n: int = 3", tags=["parameters", "long"])])
    assert published.is_of_results(notebook["cells"])


def test_the_narrow_form_of_a_figure_is_an_output_of_its_own():
    """The site's builder knows no picture of that type, and would drop it with a warning."""
    forms = {"image/png": "wide", published.NARROW: "small", "text/plain": "Errors"}
    notebook = {"cells": [published.markdown("t", TITLE), code("draw()", forms)]}
    *_, drawn = published.for_site(copy.deepcopy(notebook), "a")["cells"]
    wide, small = (output["data"] for output in drawn["outputs"])
    assert wide == {"image/png": "wide", "text/plain": "Errors"}
    assert small == {"image/png": "small", "text/plain": published.NARROW}
