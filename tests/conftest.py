"""What several test files share."""

import fcntl
import os
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest

from deepvanet.bundle import train_bundle
from deepvanet.config import (
    EvaluateSettings,
    Execution,
    NetworkSettings,
    PrepareSettings,
    TrainSettings,
)
from deepvanet.evaluation import evaluate
from deepvanet.plugins import find_plugins
from deepvanet.preparation.run import prepare
from deepvanet.store import SegmentStore
from plugin_packages import write_package
from portraits import write_filmed_deap
from small_deap import write_small_deap
from small_store import write_small_store

BESIDE_THE_PROJECT = Path(__file__).parents[2] / "shared" / "data"


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real recordings, which are never copied into the project."""
    folder = Path(os.environ.get("DEEPVANET_DATA", BESIDE_THE_PROJECT))
    if not folder.is_dir():
        pytest.skip(f"no real recordings: {folder} is missing, set DEEPVANET_DATA")
    return folder


@pytest.fixture
def add_package(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[..., Path]]:
    """Install packages by hand: ``add_package(name, group, entry points, code)``."""
    before = set(sys.modules)
    find_plugins.cache_clear()

    def add(name: str, group: str, points: Mapping[str, str], code: str = "") -> Path:
        folder = write_package(tmp_path / name, name, {group: points}, code)
        monkeypatch.syspath_prepend(folder)
        return folder

    yield add
    find_plugins.cache_clear()
    for name in set(sys.modules) - before:
        if name.endswith("_code"):
            del sys.modules[name]


@pytest.fixture(scope="module")
def only_ray(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Let no other file of tests start a Ray: two at once may take the same port."""
    with (tmp_path_factory.getbasetemp().parent / "ray.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


@pytest.fixture
def tiny_deap(tmp_path: Path) -> Callable[..., Path]:
    """Write small copies of DEAP: ``tiny_deap(n_subjects=2, ...)`` returns the root."""

    def write(root: Path = tmp_path / "DEAP", **options: int) -> Path:
        return write_small_deap(root, **options)

    return write


@pytest.fixture(scope="session")
def tiny_store() -> Callable[..., SegmentStore]:
    """Write small stores: ``tiny_store(folder, n_subjects=2, ...)``."""
    return write_small_store


@pytest.fixture(scope="session")
def filmed_deap(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small DEAP that nobody changes; subject 01 has faces, 02 no video."""
    return write_filmed_deap(tmp_path_factory.mktemp("filmed") / "DEAP")


@pytest.fixture(scope="session")
def filmed_store(filmed_deap: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The store of ``filmed_deap``, which nobody changes."""
    store = tmp_path_factory.mktemp("filmed") / "store"
    prepare(
        "deap",
        filmed_deap,
        store,
        settings=PrepareSettings(),
        execution=Execution(),
    )
    return store


@pytest.fixture(scope="session")
def filmed_bundle(filmed_store: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bundle of ``filmed_store``, hardly trained, which nobody changes."""
    model = tmp_path_factory.mktemp("filmed") / "model"
    settings = TrainSettings(
        cross_validate=False, network=NetworkSettings(epochs=1, batch_size=4)
    )
    train_bundle(filmed_store, model, settings=settings, execution=Execution())
    return model


@pytest.fixture(scope="session")
def filmed_run(filmed_store: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A short run on ``filmed_store``, which nobody changes."""
    run = tmp_path_factory.mktemp("filmed") / "run"
    settings = EvaluateSettings(
        protocols=("trial",),
        targets=("valence",),
        streams=("bio",),
        folds=3,
        network=NetworkSettings(epochs=1),
    )
    evaluate(filmed_store, run, settings=settings, execution=Execution())
    return run
