"""Settings that are paths."""

from pathlib import Path

import pytest

from stflow_lib.data.files.paths import setting_path


@pytest.mark.parametrize(
    "text, path",
    [("~/runs", Path("/home/me/runs")), ("here/runs", Path("here/runs")), ("/a", Path("/a")),
     ("", None), (None, None)],
)  # fmt: skip
def test_home_is_expanded_and_nothing_is_no_path(monkeypatch, text, path):
    """`~` once became a folder of that name in the working folder."""
    monkeypatch.setenv("HOME", "/home/me")
    monkeypatch.delenv("STFLOW_RUNS", raising=False)
    if text is not None:
        monkeypatch.setenv("STFLOW_RUNS", text)
    assert setting_path("STFLOW_RUNS") == path
