"""What training and test shared, checked from the rows of every fold."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from itertools import product
from typing import Any

from deepvanet.config import EvaluateSettings, Offsets
from deepvanet.evaluation.fits import find_offsets, find_traits, list_learners
from deepvanet.evaluation.parts import Part, is_trainable
from deepvanet.evaluation.tables import name_trained_with
from deepvanet.learners.learner import Traits
from deepvanet.protocols import LEAKS, SHARES, Protocol
from deepvanet.protocols.folds import Fold, can_choose_epoch
from deepvanet.protocols.sharing import (
    Sharing,
    check_sharing,
    describe_sharing,
    find_leaks,
    find_shares,
    join,
    number_all_units,
    verify,
)
from deepvanet.schema import TRAINED_WITH, ScoreKey, Stream, parse_streams

BASELINE_NOTES = {
    "mean": "One number a channel, the mean of the baseline, was subtracted "
    "from all segments of a trial: it marks the trial.",
    "waveform": "The mean one-second waveform of the baseline before the stimulus was "
    "subtracted from every segment of a trial, as the published code does: it stamps "
    "the trial's own noise on each of its segments and so gives the trial away.",
    "none": "No baseline was removed.",
}
ARTEFACT_NOTES = {
    "icalabel": "Bad channels were found, and ICA was fitted, on whole recordings "
    "without their labels. Where a recording holds rows of training and of test, "
    "test signals had a part in what was taken out of both.",
}
NEIGHBOURS = (
    "Filters reach over the borders of neighbouring segments, and a face image "
    "filled from a neighbour may lie in two segments of the same trial."
)


OVERLAP = (
    "Segments are longer than the step from one to the next, so neighbouring segments "
    "of a trial hold the same samples: of each fold overlapping_segments counts the "
    "test segments that share samples with training or validation, and "
    "overlapping_samples_s the seconds."
)

OFFSETS = (
    "Under honest protocols, training segments of networks start up to half a step "
    "before or after their places, within unbroken stretches of training segments of "
    "a trial. So they hold no sample of a segment that validates, tests or is left "
    "out, and what is counted here holds for them too; of each fold, offsets says "
    "random or none."
)


JOINT = (
    "Where trained_with names other targets, one fit answers all of them: it is "
    "trained by the sum of their losses, on the rows that have all their ratings. "
    "Folds are balanced by all labels together, and where an epoch is chosen, the mean "
    "validation loss over targets chooses it."
)


@dataclass
class _Entry:
    """What was found for one protocol, target, stream set and learner."""

    leaks: list[str] = field(default_factory=list)
    shares: list[str] = field(default_factory=list)
    folds: list[dict[str, Any]] = field(default_factory=list)
    trained_with: str = ""
    gap_s: float | None = None


def state_sharing(
    parts: Sequence[Part], settings: EvaluateSettings, *, artefacts: str
) -> list[dict[str, Any]]:
    """Check every fold's rows; return the parts of ``leakage.json``.

    Parameters
    ----------
    artefacts : str
        How the store's EEG was cleaned.

    Raises
    ------
    ProtocolViolation
        When a fold is not what its protocol's name says.
    """
    entries: dict[ScoreKey, _Entry] = {}
    for whole, part, fold, sharing in _check_folds(parts):
        learners = list_learners(settings, part.streams)
        for protocol, learner in product(part.protocols, learners):
            key = ScoreKey(protocol.name, str(part.target), part.streams, learner)
            entry = entries.setdefault(key, _Entry())
            entry.trained_with = name_trained_with(whole, part, learner, settings)
            traits = find_traits(learner, settings)
            unmixed = artefacts in ARTEFACT_NOTES and _reads_eeg(part, traits)
            seen = (unmixed and sharing.shared_recordings > 0) or traits.adapts_to_test
            seen |= sharing.shared_trials > 0 and _reads(part, traits.spans_trial)
            n_subjects = part.table["subject"].iloc[fold.test].nunique()
            is_new = sharing.shared_subjects < n_subjects
            seen |= is_new and _reads(part, traits.adapts_to_new_subjects)
            _add_fold(
                entry,
                part,
                fold,
                protocol,
                sharing,
                whole=whole,
                has_epochs=traits.has_epochs,
                offsets=find_offsets(protocol, settings)
                if traits.takes_offsets
                else "none",
                unlabelled=seen,
            )
    return [key._asdict() | _close(entry) for key, entry in entries.items()]


def _check_folds(
    parts: Sequence[Part],
) -> Iterator[tuple[Part, Part, Fold, Sharing]]:
    """Yield what is fitted, each target of it, its folds and what these share."""
    for whole in parts:
        numbers = number_all_units(whole.table)
        for part, fold in product(whole.split(), whole.folds):
            is_forward = whole.protocols[0].is_forward
            sharing = check_sharing(part.table, fold, numbers, is_forward=is_forward)
            yield whole, part, fold, sharing


def have_offsets(leakage: Sequence[Mapping[str, Any]]) -> bool:
    """Return whether some fold trains on segments at random offsets.

    Parameters
    ----------
    leakage : sequence of mapping
        What ``state_sharing`` returned.
    """
    return any(f["offsets"] == "random" for part in leakage for f in part["folds"])


def _close(entry: _Entry) -> dict[str, Any]:
    leaks = _order(entry.leaks, LEAKS)
    shares = _order(entry.shares, SHARES)
    joint = {TRAINED_WITH: entry.trained_with} if entry.trained_with else {}
    return {
        **joint,
        "leaks": join(leaks),
        "shares": join(shares),
        "statement": describe_sharing(leaks, shares, gap_s=entry.gap_s),
        "folds": entry.folds,
    }


def _reads_eeg(part: Part, traits: Traits) -> bool:
    return traits.reads_streams and Stream.EEG in parse_streams(part.streams)


def _reads(part: Part, streams: Iterable[Stream]) -> bool:
    return not set(streams).isdisjoint(parse_streams(part.streams))


def _order(found: Sequence[str], names: Iterable[str]) -> list[str]:
    return [name for name in names if name in found]


def _add_fold(
    entry: _Entry,
    part: Part,
    fold: Fold,
    protocol: Protocol,
    sharing: Sharing,
    *,
    whole: Part,
    has_epochs: bool,
    offsets: Offsets,
    unlabelled: bool,
) -> None:
    chosen_on, note = ("none", "no epochs")
    if has_epochs:
        chosen_on, note = _say_how_epoch_is_chosen(whole, fold, protocol)
    leaks = find_leaks(
        sharing,
        epoch_chosen_on=chosen_on,
        labels_are_personal=part.labels_are_personal,
        unlabelled_test_signals=unlabelled,
    )
    shares = find_shares(sharing)
    # labels, and the store's name for how it was cleaned, admit these
    admitted = ("subject", "unlabelled")
    verify(protocol, sharing, leaks, shares, declared=admitted)
    if sharing.gap_s is not None:
        entry.gap_s = min(sharing.gap_s, entry.gap_s or sharing.gap_s)
    entry.leaks += leaks
    entry.shares += shares
    entry.folds.append(
        {
            "seed": part.seed,
            "scope": fold.scope,
            "fold": fold.number,
            **{name: n for name, n in asdict(sharing).items() if n is not None},
            "epoch_chosen_on": chosen_on,
            "epoch_note": note,
            "offsets": offsets,
            "fitted_on_test_labels": False,
            "unlabelled_test_signals": unlabelled,
            "one_class_training": not is_trainable(part, fold),
        }
    )


def _say_how_epoch_is_chosen(
    part: Part, fold: Fold, protocol: Protocol
) -> tuple[str, str]:
    if protocol.chooses_on != "validation":
        return protocol.chooses_on, ""
    if can_choose_epoch(part.table, part.stratify(fold), fold):
        return "validation", ""
    return "last", "too few trials of a class to choose on: the last epoch is used"
