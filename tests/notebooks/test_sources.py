"""Every source of the book keeps the habits that papermill, nbval and scripts rely on."""

import ast
import re
from pathlib import Path

import pytest
import yaml

from stflow_lib.book.papermill import read_source
from stflow_lib.runs import profiles

ROOT = Path(__file__).resolve().parents[2]
NOTEBOOKS = ROOT / "notebooks"
NAMES = sorted(
    path.relative_to(NOTEBOOKS).with_suffix("").as_posix()
    for path in NOTEBOOKS.rglob("*.py")
    if path.name != "conftest.py" and ".ipynb_checkpoints" not in path.parts
)
each_source = pytest.mark.parametrize("name", NAMES)


def source(name: str) -> str:
    return (NOTEBOOKS / f"{name}.py").read_text()


def parameter_cells(name: str) -> list[str]:
    cells = read_source(NOTEBOOKS / f"{name}.py").cells
    return [c.source for c in cells if "parameters" in c.metadata.get("tags", [])]


def imports(tree: ast.AST) -> set[str]:
    """First names of the modules that the top level of a script imports."""
    found = set()
    for node in tree.body:
        if isinstance(node, ast.Import):
            found |= {alias.name.split(".")[0] for alias in node.names}
        if isinstance(node, ast.ImportFrom):
            found.add((node.module or "").split(".")[0])
    return found


def test_profiles_and_sources_name_the_same_pages():
    """A page that the profiles forget would be in no book and in no test."""
    assert sorted(profiles.notebooks()) == NAMES


def test_toc_lists_every_notebook_once():
    """A notebook outside the table of contents would be run and then shown nowhere."""
    toc = yaml.safe_load((ROOT / "book" / "_toc.yml").read_text())
    files = [chapter["file"] for part in toc["parts"] for chapter in part["chapters"]]
    listed = [file.removeprefix("book/nb/") for file in files if file.startswith("book/nb/")]
    assert sorted(listed) == NAMES and len(set(files)) == len(files)


@each_source
def test_header_free_percent_script(name):
    """jupytext writes headers when the pairing settings are lost; diffs then grow noisy."""
    text = source(name)
    assert text.startswith("# %% [markdown]\n# # "), "starts with its title"
    assert not re.search(r"^# jupyter:|^# ---$", text, re.MULTILINE)


@each_source
def test_one_parameters_cell_typed_and_commented(name):
    """Two cells, or none, and papermill injects in the wrong place without a word."""
    cells = parameter_cells(name)
    assert len(cells) == 1
    lines = cells[0].splitlines()
    for node in ast.parse(cells[0]).body:
        assert isinstance(node, ast.AnnAssign), f"no type: {lines[node.lineno - 1]}"
        spoken = lines[max(node.lineno - 2, 0) : node.end_lineno]
        assert any("#" in line for line in spoken), f"no comment: {lines[node.lineno - 1]}"


@each_source
@pytest.mark.parametrize("profile", profiles.PAGES)
def test_profiles_set_known_parameters(name, profile):
    """papermill only warns about a parameter that the page does not have."""
    tree = ast.parse("\n".join(parameter_cells(name)))
    known = {
        target.id
        for node in ast.walk(tree)
        if isinstance(node, ast.Assign | ast.AnnAssign)
        for target in (node.targets if isinstance(node, ast.Assign) else [node.target])
    }
    assert set(profiles.notebook(name, profile)["parameters"]) <= known


@each_source
def test_runs_without_jupyter(name):
    """On a machine without Jupyter a page is a script: no IPython, no magics."""
    tree = ast.parse(source(name))
    assert not imports(tree) & {"IPython", "ipywidgets", "papermill", "jupytext"}


@each_source
def test_shows_no_outside_scripts(name):
    """fig.show() of plotly leaves a blank in the book; tqdm.auto leaves a dead widget."""
    assert "tqdm.auto" not in source(name)
    assert not re.search(r"\bfig\w*\.show\(", source(name))


GLUED = re.compile(r"```\{glue:any\} (\S+)\n:doc: nb/(\S+)\.ipynb\n```")


@pytest.mark.parametrize("page", sorted(p.name for p in (ROOT / "book").glob("*.md")))
def test_glued_sentences_are_named_on_their_page(page):
    """A name that no page gives leaves a hole in the text, or ends the build."""
    text = (ROOT / "book" / page).read_text()
    found = GLUED.findall(text)
    assert text.count("{glue") == len(found)
    for key, name in found:
        given = re.findall(r'name=f?"([^"]+)"', source(name))
        assert key in {key.format(wing=wing) for key in given for wing in profiles.wings()}
