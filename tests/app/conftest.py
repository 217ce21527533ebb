"""What tests of the page share."""

import tempfile

import pytest


@pytest.fixture
def temporary(tmp_path, monkeypatch):
    """The folder of temporary files of the page that is served."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setenv("TMPDIR", str(folder))
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    return folder
