"""Pretrain the face trunk on AFEW-VA: valence and arousal, frame by frame.

The actors are shared out in three parts: on some the trunk is trained, with a head
of two linear layers; others choose the epoch; the rest, of whom neither has seen a
frame, say how good it is. One file is written, when all is done; its header holds
everything but the numbers (``WEIGHTS`` is safetensors)::

    trunk.*         what `evaluate` and `train` take as face weights
    head.*          from the trunk to valence and arousal, 0 to 1
    center, spread  what images are taken relative to, and divided by
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import torch

from deepvanet.config import (
    Execution,
    PretrainSettings,
    refuse_difference,
    to_dict,
)
from deepvanet.datasets.afew_va.reader import (
    Clips,
    check_actors,
    find_clips,
    name_dataset,
)
from deepvanet.files import check_file
from deepvanet.metrics import measure_agreement
from deepvanet.models.trunk_weights import read_facts, write_weights
from deepvanet.pretraining.crops import FaceCrops, read_faces, to_level
from deepvanet.pretraining.learning import Frames, TrainedHead, learn, split_actors
from deepvanet.schema import Target, UserError

_PACKAGES = ("deepvanet", "numpy", "torch")


@dataclass(frozen=True)
class PretrainingSummary:
    """A finished pretraining.

    Attributes
    ----------
    facts : mapping
        The header of the file: settings, counts, history and scores.
    was_done : bool
        Whether the file was there before, of the same settings and frames.
    """

    weights: Path
    facts: Mapping[str, Any]
    was_done: bool

    def lines(self) -> list[str]:
        """Say it in sentences."""
        facts = self.facts
        counts = (
            f"{facts['n_frames']} frames of {facts['n_clips']} clips: "
            "{train} actors to train on, {validation} to choose epoch {epoch} of "
            "{epochs} by, {test} to test on"
        ).format(
            **facts["n_actors"],
            epoch=facts["chosen_epoch"],
            epochs=len(facts["history"]),
        )
        before = " (finished before)" if self.was_done else ""
        said = [f"weights: {self.weights}{before}", counts]
        left_out = {**facts["dropped"], "no face": facts["n_frames_left_out"]}
        listed = [f"{reason}: {n}" for reason, n in left_out.items() if n]
        if listed:
            said.append(f"left out: {', '.join(listed)}")
        for target, scores in facts["scores"].items():
            numbers = ", ".join(f"{name} {value:.3f}" for name, value in scores.items())
            said.append(f"{target} of actors never seen: {numbers}")
        return said


def pretrain(
    root: Path, out: Path, *, settings: PretrainSettings, execution: Execution
) -> PretrainingSummary:
    """Pretrain on AFEW-VA, unless the file is there already.

    Parameters
    ----------
    root, out : Path
        The data set as downloaded, and the file of weights.
    settings : PretrainSettings
        How actors are divided, and how the network is trained.
    execution : Execution
        How faces are cut out in parallel, and whether progress is shown.

    Returns
    -------
    PretrainingSummary
        The file of weights, and its header.

    Raises
    ------
    UserError
        When the data set cannot be used, or ``out`` was made otherwise.
    """
    check_file(out)
    found = find_clips(root)
    check_actors(root, found.clips)
    actors = split_actors(
        found.actors,
        validation=settings.validation,
        test=settings.test,
        seed=settings.seed,
    )
    asked = {
        "dataset": name_dataset(root),
        "settings": to_dict(settings),
        "inputs": _fingerprint(found),
    }
    if out.exists():
        facts = read_facts(out)
        refuse_difference(out, {k: facts[k] for k in asked}, asked, what="pretraining")
        return PretrainingSummary(out, facts, was_done=True)

    faces = read_faces(found.clips, aspect=settings.aspect, execution=execution)
    parts = _find_frames(root, found, faces, actors)
    learned = learn(
        faces,
        train=parts["train"],
        validation=parts["validation"],
        settings=settings,
        execution=execution,
    )
    facts = {
        **asked,
        "scale": settings.scale,
        "n_clips": len(found.clips),
        "n_frames": len(faces),
        "n_frames_left_out": found.n_frames - len(faces),
        "dropped": {reason: len(places) for reason, places in found.dropped.items()},
        "n_actors": {part: len(names) for part, names in actors.items()},
        "actors": {part: list(names) for part, names in actors.items()},
        "chosen_epoch": learned.chosen_epoch,
        "history": [record.to_dict() for record in learned.history],
        "scores": _score(learned, faces, parts),
        "versions": {name: version(name) for name in _PACKAGES},
    }
    scaling = {"center": learned.center, "spread": torch.tensor(learned.spread)}
    write_weights(out, {**learned.network.state_dict(), **scaling}, facts=facts)
    return PretrainingSummary(out, facts, was_done=False)


def _find_frames(
    root: Path, found: Clips, faces: FaceCrops, actors: Mapping[str, tuple[str, ...]]
) -> dict[str, Frames]:
    """Return the numbers of the frames of each part."""
    of_clip = np.array([clip.actor for clip in found.clips])
    parts = {
        part: np.flatnonzero(np.isin(of_clip[faces.clip], names))
        for part, names in actors.items()
    }
    for part, frames in parts.items():
        if not len(frames):
            raise UserError(
                f"{root}: the actors of the {part} part must show a face, got none in "
                f"all frames of {len(actors[part])} actors"
            )
    return parts


def _score(
    learned: TrainedHead, faces: FaceCrops, parts: Mapping[str, Frames]
) -> dict[str, dict[str, float]]:
    """Compare with what was said of the test actors, in AFEW-VA's own unit.

    ``rmse_of_mean`` is that of predicting the mean of the training frames. What is
    undefined, as the correlation with a constant, is left out.
    """
    rated = to_level(faces.wanted)
    predicted = to_level(learned.predict(faces, parts["test"]))
    scores = {}
    for column, target in enumerate(Target):
        test = rated[parts["test"], column]
        mean = np.full(len(test), rated[parts["train"], column].mean())
        found = measure_agreement(test, predicted[:, column])
        found["rmse_of_mean"] = measure_agreement(test, mean)["rmse"]
        scores[str(target)] = {k: v for k, v in found.items() if np.isfinite(v)}
    return scores


def _fingerprint(found: Clips) -> str:
    """Return a name for the annotation and the images, of which the size is read."""
    content = hashlib.sha256()
    for clip in found.clips:
        content.update(f"{clip.name} {clip.actor}\n".encode())
        for frame in clip.frames:
            size = frame.image.stat().st_size
            said = f"{frame.name} {size} {frame.valence} {frame.arousal}\n"
            content.update(said.encode() + frame.landmarks.tobytes())
    return content.hexdigest()[:16]
