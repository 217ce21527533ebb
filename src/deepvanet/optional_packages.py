"""Packages that not everyone has, and the extra that brings each."""

from collections.abc import Mapping
from importlib import import_module
from types import ModuleType

from deepvanet.findings import refuse

EXTRAS: Mapping[str, str] = {
    "bioread": "biopac",
    "captum": "explain",
    "dlib": "dlib",
    "edfio": "synth",
    "h5py": "fer",
    "mne_bids": "recordings",
    "neurokit2": "baselines",
    "pyarrow": "recordings",
    "pyriemann": "baselines",
    "pyxdf": "recordings",
    "ray": "ray",
    "skimage": "synth",
    "starlette": "page",
    "uvicorn": "page",
}
"""Extras of this package by what is imported."""


def tell_install(package: str) -> str:
    """Return the command that installs a package.

    Examples
    --------
    >>> tell_install("pyxdf")
    "pip install 'deepvanet[recordings]'"
    """
    extra = EXTRAS.get(package)
    return f"pip install 'deepvanet[{extra}]'" if extra else f"pip install {package}"


def load_package(package: str, *, source: object = "") -> ModuleType:
    """Import an optional package.

    Parameters
    ----------
    package : str
        As it is imported.
    source : object
        The file that needs it.

    Raises
    ------
    FindingError
        When it is not installed; the sentence says how to get it.
    """
    try:
        return import_module(package)
    except ImportError as error:
        raise refuse(
            "F05",
            f"needs the package {error.name or package}, which this command installs: "
            f"{tell_install(error.name or package)}",
            source=source,
        ) from None
