"""Sources through papermill."""

import nbformat
import pytest
from papermill.iorw import load_notebook_node

from stflow_lib.book.papermill import HANDLER, read_source

SOURCE = '# %% [markdown]\n# # Title\n\n# %% tags=["parameters"]\nn = 1  # size\n\n# %%\nn\n'


@pytest.fixture
def source(tmp_path):
    path = tmp_path / "page.py"
    path.write_text(SOURCE)
    return path


def test_papermill_finds_the_handler_by_its_entry_point(source):
    """The entry point must name the instance; with the class papermill fails on read."""
    node = load_notebook_node(f"jupytext://{source}")
    assert [cell.cell_type for cell in node.cells] == ["markdown", "code", "code"]
    assert node.cells[1].metadata.tags == ["parameters"]


def test_a_header_free_source_gets_a_kernel(source):
    """Without a kernel in the metadata papermill and nbval refuse the notebook."""
    node = read_source(source)
    assert node.metadata.kernelspec.name == "python3"
    nbformat.validate(node)


def test_handler_lists_sources_and_refuses_to_write_them(source):
    """Writing outputs over a source would destroy it."""
    folder = f"jupytext://{source.parent}"
    assert HANDLER.listdir(folder) == [f"{folder}/page.py"]
    assert HANDLER.pretty_path(f"jupytext://{source}") == str(source)
    with pytest.raises(ValueError, match="page.py"):
        HANDLER.write("{}", "page.py")
    assert source.read_text() == SOURCE
