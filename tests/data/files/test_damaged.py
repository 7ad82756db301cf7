"""Damaged files are kept beside, and named once."""

import pytest

from stflow_lib.data.files.damaged import set_aside


def test_a_damaged_file_is_renamed_and_named_in_one_line(tmp_path):
    path = tmp_path / "a.npz"
    for content in ("old", "new"):
        path.write_text(content)
        with pytest.warns(UserWarning) as warned:
            aside = set_aside(path, "not\n readable")
        (message,) = [str(warning.message) for warning in warned]
        assert message == f"{path}: not readable; kept as a.npz.damaged and made anew"
        assert aside.read_text() == content and not path.exists()
