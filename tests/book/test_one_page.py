"""One page with parameters of one's own: types, faults before anything runs, and where it lies."""

import json

import pytest

from stflow_lib.book import one_page
from stflow_lib.book.one_page import main, parameters_of, run_page, typed
from stflow_lib.data.errors import DataError

PAGE = "your_city/01_forecast_demand"


def test_values_have_the_types_of_the_defaults():
    found = typed(
        PAGE, {"path": "a.csv", "cell_m": "500", "hours": "3", "columns": "{start: von}"}
    )
    assert found == {"path": "a.csv", "cell_m": 500.0, "hours": 3, "columns": {"start": "von"}}
    assert set(found) < set(parameters_of(PAGE))


def test_an_unknown_parameter_is_an_error_that_lists_the_known():
    """papermill only warns, and the page runs with the default."""
    with pytest.raises(DataError, match=f"{PAGE}: no parameter 'pth', there are path, zone"):
        typed(PAGE, {"pth": "a.csv"})
    with pytest.raises(DataError, match="hours: '3.5' is no int"):
        typed(PAGE, {"hours": "3.5"})
    with pytest.raises(DataError, match="page 'nowhere': there are .*your_city/02_fine_map"):
        typed("nowhere", {})


@pytest.fixture
def toy(tmp_path, monkeypatch):
    """A page of two cells, and a folder to run it in."""
    source = tmp_path / "toy.py"
    source.write_text(
        '# %% tags=["parameters"]\nn: int = 1  # a number\n\n# %%\nprint(10 // n)\n'
    )
    monkeypatch.setattr(one_page, "source_of", lambda name: source)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_a_page_runs_in_the_present_folder(toy, capsys):
    assert main(["toy", "-p", "n", "5"]) == 0
    path = toy / "your-pages" / "toy.ipynb"
    assert capsys.readouterr().out.strip() == str(path)
    cells = json.loads(path.read_text())["cells"]
    assert any("2\n" in out.get("text", "") for c in cells for out in c.get("outputs", []))


def test_a_cell_that_fails_says_why(toy):
    with pytest.raises(DataError, match="toy: ZeroDivisionError"):
        run_page("toy", {"n": "0"}, toy / "out.ipynb")
