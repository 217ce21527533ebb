"""What is asked of a run: whether it can be had, and what is left out of it."""

from dataclasses import replace

from deepvanet.config import EvaluateSettings
from deepvanet.evaluation.controls import CONTROLS
from deepvanet.evaluation.fits import find_traits
from deepvanet.labels import check_label_rule
from deepvanet.learners import LEARNERS, find_learner
from deepvanet.learners.class_weights import CLASS_WEIGHTS
from deepvanet.learners.within_subject import NORMALISES
from deepvanet.protocols import PROTOCOLS
from deepvanet.recipes import RECIPES, check_baseline
from deepvanet.schema import STREAM_SETS, Target, UserError, pick
from deepvanet.store import SegmentStore, pick_subjects


def check_settings(settings: EvaluateSettings, store: SegmentStore) -> EvaluateSettings:
    """Return the settings with subjects named as the store names them."""
    for kind, names, known in (
        ("protocol", settings.protocols, PROTOCOLS),
        ("target", settings.targets, [*Target]),
        ("stream set", settings.streams, STREAM_SETS),
        ("scale", (settings.network.scale,), ["train", "none"]),
        ("control", (settings.control,), CONTROLS),
        ("recipe", (settings.recipe,), RECIPES),
        ("class weight", (settings.network.class_weight,), CLASS_WEIGHTS),
        ("normalise", (settings.network.normalise,), NORMALISES),
    ):
        if not names:
            raise UserError(f"{kind}: needs at least one of {', '.join(known)}")
        for name in names:
            pick(kind, name, known)
    check_label_rule(settings.label_rule)
    check_baseline(settings.recipe, store.manifest.settings["baseline"])
    _check_learners(settings)
    return replace(settings, subjects=pick_subjects(store, settings.subjects))


def _check_learners(settings: EvaluateSettings) -> None:
    if not settings.learners:
        raise UserError(f"learner: needs at least one of {', '.join(LEARNERS)}")
    for learner in settings.learners:
        find_learner(learner)
        readable = find_traits(learner, settings).stream_sets
        if not set(readable) & set(settings.streams):
            raise UserError(
                f"learner {learner}: reads {', '.join(readable)}, got --streams "
                f"{','.join(settings.streams)}"
            )


def list_left_out(settings: EvaluateSettings) -> list[str]:
    """Say which learner was not asked about which stream sets."""
    said = []
    for learner in settings.learners:
        readable = find_traits(learner, settings).stream_sets
        others = [streams for streams in settings.streams if streams not in readable]
        if others:
            said.append(f"learner {learner} cannot read {', '.join(others)}: left out")
    return said
