"""From an executed notebook to the one that the site shows: the result first, then how.

Nothing is run or computed here. Cells are notebook dictionaries (nbformat 4); a cell tagged
`finding` stands under the title, wherever it was computed.
"""

import ast
import re
from collections.abc import Iterator

from stflow_lib.book.display import counted

FINDING, FOLDED, INJECTED = "finding", "hide-input", "injected-parameters"
PARAMETERS, LONG = "parameters", "long"
RECORDS = "train_missing"  # a parameter of all pages that show recorded runs
WORDS_A_MINUTE = 200
PICTURES = ("image/png", "text/html")
NARROW = "image/x-narrow+png"  # a figure once more, for narrow screens
PROVENANCE = re.compile(r'^<(p|details) class="provenance">')


def for_site(notebook: dict, name: str) -> dict:
    """The notebook of page `name` ("finegrained/03_results") as readers get it."""
    cells = [cell for cell in notebook["cells"] if INJECTED not in tags(cell)]
    whole = is_of_results(cells)
    cells = [_with_two_pictures(cell) for cell in cells]
    shown = [folded(cell) if whole or is_setting(cell) else cell for cell in cells]
    first = [cell for cell in shown if FINDING in tags(cell)]
    rest = [cell for cell in shown[1:] if FINDING not in tags(cell)]
    title, intro = split_title(shown[0])
    run_line = markdown("how-to-run", how_to_run(name, cells))
    ordered = [title, *first, run_line, *intro, *gathered(rest)]
    return {**notebook, "cells": ordered}


def is_of_results(cells: list[dict]) -> bool:
    """Whether a page shows recorded runs, or its parameters are tagged `long`: sections close."""
    marked = any({PARAMETERS, LONG} <= set(tags(cell)) for cell in cells)
    return marked or RECORDS in sources(cells)


def tags(cell: dict) -> list[str]:
    """The tags of a cell."""
    return cell.get("metadata", {}).get("tags", [])


def text(cell: dict) -> str:
    """The source of a cell."""
    return "".join(cell["source"])


def sources(cells: list[dict]) -> set[str]:
    """Names of the parameters of a notebook."""
    found = "\n".join(text(cell) for cell in cells if PARAMETERS in tags(cell))
    return set(re.findall(r"^(\w+)\b.*=", found, re.MULTILINE))


def is_setting(cell: dict) -> bool:
    """Whether code prepares or draws: parameters, imports, definitions, figures and tables."""
    if cell["cell_type"] != "code":
        return False
    kinds = {kind for output in cell["outputs"] for kind in output.get("data", {})}
    return PARAMETERS in tags(cell) or bool(kinds & set(PICTURES)) or _imports(text(cell))


def _imports(code: str) -> bool:
    try:
        body = ast.parse(code).body
    except SyntaxError:  # a cell with a magic
        return False
    return any(isinstance(node, ast.Import | ast.ImportFrom) for node in body)


def folded(cell: dict) -> dict:
    """A code cell whose source is closed until the reader asks for it."""
    if cell["cell_type"] != "code" or FOLDED in tags(cell):
        return cell
    return {**cell, "metadata": {**cell["metadata"], "tags": [*tags(cell), FOLDED]}}


def markdown(name: str, source: str) -> dict:
    """A cell of text."""
    return {"cell_type": "markdown", "id": name, "metadata": {}, "source": source}


def split_title(cell: dict) -> tuple[dict, list[dict]]:
    """The first cell up to the paragraph in italics, and what stands below that.

    Reading time and run time leave that paragraph: `how_to_run` says them anew.
    """
    source = re.sub(r"\s(Reading|Runs\s+in):[^.]*\.", "", text(cell), count=2)
    parts = source.split("\n\n", 2)
    rest = [markdown("introduction", parts[2])] if len(parts) > 2 else []
    return {**cell, "source": "\n\n".join(parts[:2])}, rest


def how_to_run(name: str, cells: list[dict]) -> str:
    """Time to read, and the command that runs the page, in one line."""
    words = sum(len(text(cell).split()) for cell in cells if cell["cell_type"] == "markdown")
    minutes = max(1, round(words / WORDS_A_MINUTE))
    return (
        "```{div} run-line\n"
        f"{minutes} min to read · run it: `make lab`, then open `{name}.py` · "
        "{doc}`how </book/how_to_run>`\n```"
    )


def gathered(cells: list[dict]) -> list[dict]:
    """Lines on where numbers come from, once and closed at the end of a page."""
    lines = list(dict.fromkeys(_provenance(cells)))
    kept = [_without_provenance(cell) for cell in cells]
    if not lines:
        return kept
    stale = sum("stale" in line for line in lines)
    mark = f"; {stale} of them with stale runs" * bool(stale)
    sets = counted(len(lines), "set")
    summary = f"Where the numbers of this page come from: {sets} of runs{mark}"
    page = f'<details class="provenance"><summary>{summary}</summary>{"".join(lines)}</details>'
    output = {"output_type": "display_data", "metadata": {}, "data": {"text/html": page}}
    source = "# where the numbers come from"  # a cell without any is left out of a site
    last = {"cell_type": "code", "id": "provenance", "execution_count": None,
            "metadata": {"tags": ["remove-input"]}, "source": source,
            "outputs": [output]}  # fmt: skip
    return [*kept, last]


def _provenance(cells: list[dict]) -> Iterator[str]:
    for cell in cells:
        for output in cell.get("outputs", []):
            if PROVENANCE.match(_html(output)):
                yield _html(output)


def _html(output: dict) -> str:
    return "".join(output.get("data", {}).get("text/html", ""))


def _with_two_pictures(cell: dict) -> dict:
    """The form of a figure for narrow screens is an output of its own, named by its type."""
    if cell["cell_type"] != "code":
        return cell
    outputs = [part for output in cell["outputs"] for part in _pictures(output)]
    return {**cell, "outputs": outputs}


def _pictures(output: dict) -> Iterator[dict]:
    data = dict(output.get("data", {}))
    narrow = data.pop(NARROW, None)
    yield {**output, "data": data} if narrow else output
    if narrow:
        forms = {"image/png": narrow, "text/plain": NARROW}
        yield {"output_type": "display_data", "metadata": {}, "data": forms}


def _without_provenance(cell: dict) -> dict:
    if cell["cell_type"] != "code":
        return cell
    kept = [output for output in cell["outputs"] if not PROVENANCE.match(_html(output))]
    return {**cell, "outputs": kept}
