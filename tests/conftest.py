"""What several test files share."""

import fcntl
import os
import signal
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest

from axe_core import fetch_axe
from browsers import open_browser
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


@pytest.fixture(scope="session", autouse=True)
def heard_interrupts() -> None:
    """Let the commands of tests hear Ctrl-C, which jobs in the background ignore."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


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


@pytest.fixture(scope="module")
def browser() -> Iterator:
    """Lend a real browser without a window."""
    with open_browser() as opened:
        yield opened


@pytest.fixture(scope="session")
def axe(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The text of axe-core, as npm's registry has it."""
    return fetch_axe(tmp_path_factory.mktemp("axe"))


@pytest.fixture
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of temporary files of the page that a test serves."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setenv("TMPDIR", str(folder))
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    return folder


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
def written_once(
    tmp_path_factory: pytest.TempPathFactory,
) -> Callable[[str, Callable[[Path], object]], Path]:
    """Lend what the first process of tests wrote: ``written_once(name, write)``."""
    base = tmp_path_factory.getbasetemp()
    root = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "filmed"
    root.mkdir(exist_ok=True)

    def lend(name: str, write: Callable[[Path], object]) -> Path:
        finished = root / f"{name}.finished"
        with (root / f"{name}.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not finished.exists():
                write(root / name)
                finished.touch()
        return root / name

    return lend


@pytest.fixture(scope="session")
def filmed_deap(written_once: Callable[..., Path]) -> Path:
    """A small DEAP that nobody changes; subject 01 has faces, 02 no video."""
    return written_once("DEAP", write_filmed_deap)


@pytest.fixture(scope="session")
def filmed_store(filmed_deap: Path, written_once: Callable[..., Path]) -> Path:
    """The store of ``filmed_deap``, which nobody changes."""

    def write(store: Path) -> None:
        settings = PrepareSettings()
        prepare("deap", filmed_deap, store, settings=settings, execution=Execution())

    return written_once("store", write)


@pytest.fixture(scope="session")
def filmed_bundle(filmed_store: Path, written_once: Callable[..., Path]) -> Path:
    """A bundle of ``filmed_store``, hardly trained, which nobody changes."""
    settings = TrainSettings(
        cross_validate=False, network=NetworkSettings(epochs=1, batch_size=4)
    )

    def write(model: Path) -> None:
        train_bundle(filmed_store, model, settings=settings, execution=Execution())

    return written_once("model", write)


@pytest.fixture(scope="session")
def filmed_run(filmed_store: Path, written_once: Callable[..., Path]) -> Path:
    """A short run on ``filmed_store``, which nobody changes."""
    settings = EvaluateSettings(
        protocols=("trial",),
        targets=("valence",),
        streams=("bio",),
        folds=3,
        network=NetworkSettings(epochs=1),
    )

    def write(run: Path) -> None:
        evaluate(filmed_store, run, settings=settings, execution=Execution())

    return written_once("run", write)
