"""Settings, which change numbers, apart from execution, which does not.

Settings are frozen dataclasses of plain values. Each field says in one place what it
is, what it may be and what it is where nothing else is asked for: its type, an
``About`` and its default. The command line is made from these, and a value that is
none of a field's ends in a ``UserError`` that names the field. Settings go to and from
TOML, and their digest names what was computed with them.
"""

import dataclasses
import hashlib
import json
import os
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

import tomli_w

from deepvanet.fields import MAY_LACK, About, CheckedSettings, list_hints
from deepvanet.files import write_text
from deepvanet.schema import UserError, say_nearest

MEMORY_OF_A_JOB = 2 * 2**30
"""Bytes; a fit of the face network at batch 64 takes 1.3 GB."""

Baseline = Literal["mean", "waveform", "none"]
Artefacts = Literal["icalabel", "none"]
Scale = Literal["train", "none"]
ClassWeight = Literal["balanced", "none"]
Normalise = Literal["none", "subject"]
Loss = Literal["nominal", "ordinal"]
TaskName = Literal["high-low", "classes", "quadrants", "rating", "trace"]
Offsets = Literal["random", "none"]
Precision = Literal["auto", "float32", "bfloat16"]
Device = Literal["cpu", "cuda"]
Control = Literal["none", "shuffled-labels", "noise"]
RecipeName = Literal["default", "paper", "code"]
ExecutorName = Literal["local", "ray"]
ClassMetric = Literal["accuracy", "balanced_accuracy", "macro_f1", "mcc", "auroc"]
RatingMetric = Literal[
    "ccc",
    "pearson",
    "rmse",
    "mae",
    "pooled_ccc",
    "pooled_pearson",
    "pooled_rmse",
    "pooled_mae",
]
Metric = Literal[ClassMetric, RatingMetric]
Level = Literal["segment", "trial"]
Unit = Literal["subject", "fold"]
PaperPart = Literal["table2", "fig2", "fig3", "grid", "all"]
SizeName = Literal["small", "full"]


Seed = Annotated[int, About("Seed of all random numbers.", least=0)]
LabelRule = Annotated[
    str,
    About(
        "Which ratings are high: >=5, >5, <4,>6 (what lies between is left out), or "
        "median (the subject's own, over its training trials)."
    ),
]
Group = Annotated[
    tuple[str, ...],
    About(
        "Columns of the table of trials, or of `--people`, by whose values people are "
        "scored apart, as sex; each subject has one value.",
        shown="none",
        metavar="COLUMN",
    ),
]
Subjects = Annotated[
    tuple[str, ...], About("Only these subjects, as 1,2,5.", shown="all")
]
Targets = Annotated[
    tuple[str, ...],
    About(
        "Rating columns of the store, as valence,arousal; several joined by + are "
        "answered by one network, with a score for each; to quadrants two joined are "
        "one question.",
        shown="valence,arousal",
    ),
]
TaskAsked = Annotated[
    TaskName,
    About(
        "high-low: is a rating high, by the label rule; classes: which bounds, or "
        "which text; quadrants: two ratings, high or low; rating: the number itself; "
        "trace: a rating that moves with time, moment by moment."
    ),
]
FIT_LAG: Literal["fit"] = "fit"
"""A lag that is found on training rows."""

Lag = Annotated[
    float | Literal["fit"],
    About(
        "Of the task trace: seconds by which the rating follows the signals; fit "
        "finds them on training rows.",
        least=0,
        most=60,
        metavar="S",
    ),
]
LongestLag = Annotated[
    float, About("Longest lag in seconds that fit tries.", least=0, most=60)
]
ClassBounds = Annotated[
    str,
    About(
        "Bounds of the task classes, from the lowest: <4, <=4, 4-6 (both belong to "
        "it), >=6, >6. What lies in none is left out.",
        metavar="BOUNDS",
    ),
]
WHOLE_TRIAL = "trial"
"""A length of segments: each trial is one, however long it is."""

SegmentLength = Annotated[
    float | Literal["trial"],
    About(
        "Length of a segment in seconds, or trial: each trial is one segment.",
        least=0.001,
        most=3600,
        metavar="S",
    ),
]
Step = Annotated[
    float,
    About(
        "Seconds from the start of a segment to that of the next, which may overlap.",
        least=0.001,
        most=3600,
        metavar="S",
    ),
]
BaselineOrUsual = Annotated[
    Baseline | None,
    About(
        "What is subtracted from signals: the mean of the trial's baseline, that "
        "baseline's mean one-second waveform (as published: it marks the trial), or "
        "none.",
        shown="mean where every trial has a baseline, else none",
    ),
]
Threads = Annotated[
    int, About("Threads of one fit. Numbers change with it.", least=1, most=999)
]
Epochs = Annotated[int, About("Passes of training.", least=1)]
Recipe = Annotated[
    RecipeName,
    About(
        "Where settings come from that are not given: default; paper, what its text "
        "says; code, what its authors' code does."
    ),
]


@dataclass(frozen=True)
class Segmenting(CheckedSettings):
    """How trials are cut into segments when they are read.

    Attributes
    ----------
    segment_s : float | str
        Length of a segment; ``trial`` where each trial is one, until a store says how
        long its trials are, all of them the same.
    step_s : float
        From the start of one to that of the next.
    baseline : str | None
        What is subtracted: ``mean`` (one number a channel), ``waveform`` (the mean
        one-second waveform, as the published code does) or ``none``; None: ``mean``
        where every trial has a baseline, else ``none``.

    Examples
    --------
    >>> Segmenting(segment_s=4, step_s=2).length_s
    4.0
    """

    segment_s: SegmentLength = 1.0
    step_s: Step = 1.0
    baseline: BaselineOrUsual = None

    @property
    def is_whole(self) -> bool:
        """Whether each trial is a segment, however long it is."""
        return self.segment_s == WHOLE_TRIAL

    @property
    def length_s(self) -> float:
        """Length of a segment in seconds; ``ValueError`` of whole trials."""
        return float(self.segment_s)


@dataclass(frozen=True)
class PrepareSettings(CheckedSettings):
    """How recordings become trials of a store.

    Attributes
    ----------
    artefacts : str
        ``icalabel`` removes what is not brain from raw EEG by ICA; ``none`` only
        filters it.
    artefact_probability : float
        A component is removed when it is an artefact, of any class, with more than this
        probability. On synthetic recordings, the error of cleaned EEG is least from 0.7
        to 0.8.
    seed : int
        Sets the random start of the ICA.
    face : str
        Name of the face backend.
    face_fps : float
        Face images a second.
    face_size : int
        Side of a face image in pixels.
    sfreq : float
        Samples a second of the stored signals, in Hz.
    peripheral_rate : float | None
        Samples a second that are kept of peripheral signals, in Hz, of which ``sfreq``
        is a multiple; they are read at ``sfreq``. None: as many. Bundles of older
        versions do not say it.
    most_missing : float
        A channel is missing in a segment where a larger share of its samples is.
    least_channels : float
        A segment has a stream where at least this share of its channels is not
        missing.

    Examples
    --------
    >>> PrepareSettings(artefacts="icalabel").face_fps
    5.0
    """

    artefacts: Annotated[
        Artefacts,
        About(
            "How raw EEG is cleaned: icalabel takes out components of eye, muscle, "
            "heart, line and channel noise; none filters only.",
            shown="icalabel for raw recordings, else none",
        ),
    ] = "none"
    artefact_probability: Annotated[
        float,
        About("A component goes when it is an artefact by more.", least=0, most=1),
    ] = 0.7
    seed: Seed = 0
    face: Annotated[
        str, About("Face backend: dlib5, yunet, dlib68 (research use) or mesh:FILE.")
    ] = "dlib5"
    face_fps: Annotated[float, About("Face images a second.", least=0.1, most=1000)] = (
        5.0
    )
    face_size: Annotated[int, About("Side in pixels.", least=1, most=4096)] = 64
    sfreq: Annotated[
        float, About("Samples a second, in Hz.", least=1, most=100_000)
    ] = 128.0
    peripheral_rate: Annotated[
        float | None,
        About(
            "Samples a second that are kept of peripheral signals, in Hz.",
            least=1,
            most=100_000,
            shown="as many as of EEG",
        ),
        MAY_LACK,
    ] = None
    most_missing: Annotated[
        float,
        About(
            "A channel is missing in a segment where more of its samples are.",
            least=0,
            most=1,
        ),
    ] = 0.5
    least_channels: Annotated[
        float,
        About(
            "A segment has EEG, or peripheral signals, with such a share of channels.",
            least=0,
            most=1,
        ),
    ] = 0.5


@dataclass(frozen=True)
class NetworkSettings(CheckedSettings):
    """How the network is built and trained; defaults as in the ``default`` recipe.

    Attributes
    ----------
    scale : str
        ``train``: each channel by median and interquartile range of the
        training rows, faces by their mean image and the deviation from it;
        ``none``: the published recipe.
    steps : int
        Optimiser steps of a fit; 0: as many as ``epochs`` passes take.
    class_weight : str
        ``balanced``: both classes count alike, by the trials of the training rows;
        ``none``: every segment counts alike, as published.
    normalise : str
        ``subject``: each subject's features or signals are compared with its own,
        without labels; ``none``: they are not.
    loss : str
        Of classes: ``nominal`` or ``ordinal``.
    offsets : str
        ``random``: each time that a training segment is met, it starts up to half a
        step before or after its place, within training segments of its trial;
        ``none``: at its place. Published protocols and controls have none. Bundles of
        older versions do not say it, and had none.
    face_features, bio_features : int
        Lengths of the two feature vectors, the paper's lambda 1 and 2.
    threads : int
        Threads of one fit. Part of the settings, since sums change with it.
    precision : str
        Of the face's convolutions: ``float32``; ``bfloat16``, with weights and sums in
        float32; ``auto`` is bfloat16 where the machine multiplies it natively. All
        else, signals foremost, is float32.
    device : str
        Where networks are trained: ``cpu`` or ``cuda``.
    face_weights : str
        Digest of the weights that the face trunk starts from; empty: random ones.
    freeze_face : bool
        Whether the trunk keeps those weights.
    size : str
        Of the systems of Table 2: ``full`` trains them as their authors did; ``small``
        with fewer epochs, frames or candidates, as each one's page says. Bundles of
        older versions do not say it.
    grid_face, grid_bio : tuple of int
        Lengths that each fold chooses from, in place of ``face_features`` and
        ``bio_features``, on its validation rows; empty: nothing is chosen.

    Examples
    --------
    >>> NetworkSettings(epochs=10).batch_size
    64
    """

    scale: Annotated[
        Scale,
        About(
            "train: each channel by median and interquartile range of the training "
            "rows, faces by their mean image; none: the published recipe."
        ),
    ] = "train"
    epochs: Epochs = 50
    steps: Annotated[
        int,
        About(
            "Optimiser steps of a fit, in place of epochs.",
            least=0,
            shown="0: epochs decide",
        ),
    ] = 0
    class_weight: Annotated[
        ClassWeight, About("balanced: both classes count alike in training, by trials.")
    ] = "balanced"
    normalise: Annotated[
        Normalise,
        About("subject: features relative to the subject's own rows, without labels."),
    ] = "none"
    loss: Annotated[
        Loss,
        About(
            "Of networks and classes: nominal takes them as they are, ordinal learns "
            "the bounds between ordered classes."
        ),
        MAY_LACK,
    ] = "nominal"
    offsets: Annotated[
        Offsets,
        About(
            "random: networks train on segments that start anywhere up to half a step "
            "from their place, under honest protocols; none: at their place."
        ),
        MAY_LACK,
    ] = "random"
    batch_size: Annotated[int, About("Segments of one step.", least=2)] = 64
    learning_rate: Annotated[float, About("Of the optimiser.", least=0)] = 1e-3
    face_features: Annotated[
        int, About("Length of the face's vector.", least=1, most=9999)
    ] = 16
    bio_features: Annotated[
        int, About("Length of bio's vector.", least=1, most=9999)
    ] = 64
    dropout: Annotated[float, About("Before the last layer.", least=0, most=1)] = 0.5
    threads: Threads = 1
    precision: Annotated[
        Precision,
        About(
            "Of the face's convolutions: float32, the same numbers on every machine; "
            "bfloat16; auto is bfloat16 where the processor multiplies it natively.",
            metavar="NAME",
        ),
    ] = "auto"
    device: Annotated[Device, About("Where networks are trained.")] = "cpu"
    face_weights: str = ""
    freeze_face: Annotated[bool, About("Keep the face weights as they are.")] = False
    size: Annotated[
        SizeName,
        About(
            "Of the systems of Table 2: full, as their authors trained them; small, "
            "with fewer epochs, frames or candidates, to try them."
        ),
        MAY_LACK,
    ] = "full"
    grid_face: tuple[int, ...] = ()
    grid_bio: tuple[int, ...] = ()


@dataclass(frozen=True)
class PretrainSettings(CheckedSettings):
    """How the face trunk is pretrained.

    Attributes
    ----------
    scale : str
        ``train``: images relative to the mean image of the training actors;
        ``none``: pixels as 0 to 1, as published.
    validation, test : float
        Shares of the actors.
    aspect : float
        How wide a pixel of the frames is.
    threads : int
        Part of the settings, since sums change with it.
    """

    scale: Annotated[
        Scale,
        About(
            "train: images relative to the mean image of the training actors; none: "
            "as published."
        ),
    ] = "train"
    epochs: Epochs = 20
    batch_size: Annotated[int, About("Images of one step.", least=1)] = 64
    learning_rate: Annotated[float, About("Of the optimiser.", least=0)] = 1e-3
    validation: Annotated[
        float, About("Share of actors that choose the epoch.", least=0, most=1)
    ] = 0.15
    test: Annotated[
        float, About("Share of actors that it is tested on.", least=0, most=1)
    ] = 0.15
    aspect: Annotated[
        float,
        About("Width of a pixel by its height; of PAL frames 16:15.", least=0.1),
    ] = 1.0
    seed: Seed = 0
    threads: Threads = 1


AUTOMATIC = -1
"""Permutations: as many as the tests of a run need, of learners that are quick."""


@dataclass(frozen=True)
class EvaluateSettings(CheckedSettings):
    """What is trained and tested.

    Attributes
    ----------
    task, classes : str
        What is asked of ratings, and the bounds of classes.
    lag, longest_lag : float | str, float
        Of the task ``trace``: by how many seconds a rating follows the signals, or
        ``fit``, which tries up to the longest on training rows.
    segment, step, baseline : float | str, float, str | None
        As ``Segmenting`` has them.
    folds : int | None
        None: ten, fewer where there are fewer units, equal for the run's protocols.
    subjects : tuple of str
        Empty takes all.
    recipe : str
        From which other settings were taken.
    control : str
        ``none``; ``shuffled-labels``: ratings are permuted over the trials of each
        subject before anything is trained; ``noise``: signals are noise with the
        subject's average spectrum, faces are those of unrelated seconds. A score above
        chance then has another cause than affect.
    permutations : int
        How often the whole run is done again with ratings exchanged, by all learners;
        ``AUTOMATIC``; 0: never. Predictions do not depend on it, so that a run may
        be given more of them.

    Examples
    --------
    >>> EvaluateSettings(protocols=("trial", "subject")).label_rule
    '>=5'
    """

    protocols: tuple[str, ...] = ("paper", "trial-matched", "trial")
    targets: Targets = ("valence", "arousal")
    task: TaskAsked = "high-low"
    classes: ClassBounds = "<4,4-6,>6"
    lag: Lag = FIT_LAG
    longest_lag: LongestLag = 6.0
    streams: tuple[str, ...] = ("face+bio",)
    learners: tuple[str, ...] = ("network",)
    label_rule: LabelRule = ">=5"
    segment: SegmentLength = Segmenting.segment_s
    step: Step = Segmenting.step_s
    baseline: BaselineOrUsual = Segmenting.baseline
    folds: Annotated[
        int | None,
        About("Folds.", least=2, shown="10, fewer where there are fewer units"),
    ] = None
    seeds: Annotated[tuple[int, ...], About("One or several, as 0,1,2.", least=0)] = (
        0,
    )
    subjects: Subjects = ()
    control: Annotated[
        Control,
        About(
            "none; shuffled-labels permutes each subject's ratings over its trials; "
            "noise takes the signals and faces away. What scores then is not affect.",
            metavar="NAME",
        ),
    ] = "none"
    recipe: Recipe = "default"
    permutations: Annotated[
        int,
        About(
            "Repeat the whole run so often with the clips' ratings exchanged, for "
            "p-values; 0: never.",
            least=AUTOMATIC,
            shown="as many as needed, of learners that take about a minute",
            metavar="B",
        ),
    ] = AUTOMATIC
    network: NetworkSettings = field(default_factory=NetworkSettings)

    @property
    def segmenting(self) -> Segmenting:
        """How trials are cut into segments."""
        return Segmenting(self.segment, self.step, self.baseline)


@dataclass(frozen=True)
class TrainSettings(CheckedSettings):
    """What goes into a bundle.

    Attributes
    ----------
    segment, step, baseline : float | str, float, str | None
        As ``Segmenting`` has them.
    cross_validate : bool
        Whether the number of epochs is chosen, and probabilities are calibrated, by
        a cross-validation; else there are ``network.epochs`` epochs.
    folds : int | None
        Of the cross-validation; None: five, fewer where there are fewer units.
    learner : str
        What is fitted; ``stream_dropout`` is for the network only.
    recipe : str
        From which other settings were taken; bundles of older versions do not say it.
    stream_dropout : float
        Above 0: one network for all streams, which loses each of them in training
        with this probability, and answers from any of them.

    Examples
    --------
    >>> TrainSettings(learner="trial-logistic").cross_validate
    True
    """

    targets: Targets = ("valence", "arousal")
    task: Annotated[TaskAsked, MAY_LACK] = "high-low"
    classes: Annotated[ClassBounds, MAY_LACK] = EvaluateSettings.classes
    lag: Annotated[Lag, MAY_LACK] = EvaluateSettings.lag
    longest_lag: Annotated[LongestLag, MAY_LACK] = EvaluateSettings.longest_lag
    streams: Annotated[
        tuple[str, ...], About("Stream sets; one fitted learner for each.")
    ] = (
        "face",
        "bio",
        "face+bio",
    )
    label_rule: LabelRule = ">=5"
    segment: SegmentLength = Segmenting.segment_s
    step: Step = Segmenting.step_s
    baseline: BaselineOrUsual = Segmenting.baseline
    seed: Seed = 0
    subjects: Subjects = ()
    cross_validate: Annotated[
        bool,
        About(
            "Train on parts first: that chooses the steps, up to those of the epochs, "
            "calibrates, and says how good it is; up to eight times the work."
        ),
    ] = True
    folds: Annotated[
        int | None,
        About(
            "Folds of the cross-validation.",
            least=2,
            shown="5, fewer where there are fewer trials",
        ),
        MAY_LACK,
    ] = None
    learner: Annotated[str, About("What is fitted, one of those of `evaluate`.")] = (
        "network"
    )
    stream_dropout: Annotated[
        float,
        About(
            "One network for all streams that loses each with this probability in "
            "training, so that it answers from any of them.",
            least=0,
            most=1,
            shown="0: a network a stream set",
        ),
    ] = 0.0
    recipe: Annotated[Recipe, MAY_LACK] = "default"
    network: NetworkSettings = field(default_factory=NetworkSettings)

    @property
    def segmenting(self) -> Segmenting:
        """How trials are cut into segments."""
        return Segmenting(self.segment, self.step, self.baseline)


@dataclass(frozen=True)
class SynthSettings(CheckedSettings):
    """What is written as synthetic recordings.

    Attributes
    ----------
    seconds : int | None
        Of a trial; None: the usual length of the data set.
    effect, stimulus_effect, subject_effect : float
        How strongly ratings, stimuli and subjects show.
    n_with_video : int | None
        Subjects of DEAP who have videos.
    nested : bool
        Whether AFEW-VA's clips lie in a folder for each zip.
    """

    n_subjects: Annotated[int, About("Subjects, or the actors of afew-va.")] = 4
    n_trials: Annotated[
        int, About("Trials of each subject, or clips of each actor.")
    ] = 8
    seconds: Annotated[
        int | None,
        About(
            "Length of a trial or clip; the median where lengths differ.",
            shown="60, for afew-va 2",
        ),
    ] = None
    effect: Annotated[
        float,
        About(
            "How strongly a subject's own rating shows in signals and face.", least=0
        ),
    ] = 1.0
    stimulus_effect: Annotated[
        float,
        About(
            "How much all subjects agree on a clip, and how much the clip shows.",
            least=0,
        ),
    ] = 0.5
    subject_effect: Annotated[
        float, About("How much some subjects rate higher.", least=0)
    ] = 0.3
    n_with_video: Annotated[
        int | None, About("Subjects of DEAP who have videos.", shown="22, the first")
    ] = None
    nested: Annotated[bool, About("AFEW-VA's clips in a folder for each zip.")] = False
    seed: Seed = 0


@dataclass(frozen=True)
class CompareSettings(CheckedSettings):
    """How two sides of a run are compared.

    Attributes
    ----------
    unit : str
        ``subject``, or ``fold``, which describes one subject's folds by a t-test that
        knows that their training rows overlap, and judges nothing.
    seed : int
        Of the signs that are flipped.
    """

    metric: Annotated[
        Metric | None,
        About(
            "What is compared, one of the run's task.",
            shown="balanced_accuracy, or ccc of ratings",
        ),
    ] = None
    level: Annotated[Level, About("What is scored.")] = "trial"
    unit: Annotated[Unit, About("subject, or fold where there is one subject.")] = (
        "subject"
    )
    seed: Seed = 0


@dataclass(frozen=True)
class ReportSettings(CheckedSettings):
    """How large the figures of a report are, and which groups are scored apart.

    Attributes
    ----------
    figure_width : float | None
        In millimetres; None: as wide as each needs.
    font_size : float
        In points, unless a figure has to be made smaller for its width.
    group : tuple of str
        Columns of trials with one value a subject.
    """

    figure_width: Annotated[
        float | None,
        About(
            "Widest figure in mm, as a journal's column; wider ones are made smaller, "
            "with their letters.",
            least=60,
            most=600,
            shown="as wide as each needs",
        ),
    ] = None
    font_size: Annotated[
        float, About("Letters of figures, in points.", least=5, most=24)
    ] = 8.0
    group: Group = ()


@dataclass(frozen=True)
class ReproduceSettings(CheckedSettings):
    """How much of the paper is made, and how.

    Attributes
    ----------
    part : str
        What of the paper.
    systems : tuple of str
        Which of the other studies' systems are run: ``all``, ``none``, or names
        of learners.
    budget : float | None
        Hours of one process; what does not fit, the cheapest first, is left out.
    segment, step, baseline : float | str, float, str | None
        As ``Segmenting`` has them.
    precision, device : str
        As in ``NetworkSettings``.
    """

    part: Annotated[PaperPart, About("What of the paper.")] = "all"
    size: Annotated[
        SizeName,
        About(
            "full: as published, thousands of hours; small: a few subjects, 2 epochs, "
            "3 folds, to see that it works."
        ),
    ] = "full"
    systems: Annotated[
        tuple[str, ...],
        About(
            "Other studies' systems of Table 2 that are run: all, none, or names, as "
            "yang2018,huang2019.",
            metavar="NAMES",
        ),
    ] = ("all",)
    budget: Annotated[
        float | None,
        About(
            "Hours of one process, the cheapest runs first; tables say what is left "
            "out.",
            least=0,
            metavar="HOURS",
            shown="none",
        ),
    ] = None
    segment: SegmentLength = Segmenting.segment_s
    step: Step = Segmenting.step_s
    baseline: BaselineOrUsual = Segmenting.baseline
    seed: Seed = 0
    precision: Precision = NetworkSettings.precision
    device: Device = NetworkSettings.device

    @property
    def segmenting(self) -> Segmenting:
        """How trials are cut into segments."""
        return Segmenting(self.segment, self.step, self.baseline)


@dataclass(frozen=True)
class Execution(CheckedSettings):
    """Where and how work runs; results do not depend on it.

    Attributes
    ----------
    jobs : int
        Tasks side by side on this machine.
    executor : str
        ``local``: processes of this machine; ``ray``: a Ray cluster.
    address : str
        Of the cluster; empty: one of this machine alone is started, and ended.
    gpus_per_task : float
        Share of a GPU that a cluster keeps for a task.

    Examples
    --------
    >>> Execution(jobs=2).executor
    'local'
    """

    jobs: Annotated[
        int,
        About(
            "Processes side by side. Results do not depend on it.",
            least=1,
            metavar="N",
        ),
    ] = 1
    progress: bool = False
    executor: Annotated[
        ExecutorName,
        About("local: processes of this machine; ray: also of other machines."),
    ] = "local"
    address: Annotated[
        str,
        About(
            "Head of the Ray cluster.",
            shown="none: processes of this machine",
            metavar="HOST:PORT",
        ),
    ] = ""
    gpus_per_task: Annotated[
        float, About("Share of a GPU that Ray keeps for a task.", least=0)
    ] = 0.0


def suggest_jobs() -> int:
    """Return how many processes the cores and the memory of this machine can feed."""
    if not hasattr(os, "sched_getaffinity"):  # macOS, Windows
        return os.cpu_count() or 1
    n_cores = len(os.sched_getaffinity(0))
    memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return max(1, min(n_cores, memory // MEMORY_OF_A_JOB))


def to_dict(settings: Any) -> dict[str, Any]:
    """Return a settings dataclass as plain values without its Nones."""
    return _walk(dataclasses.asdict(settings))


def _walk(values: Mapping[str, Any]) -> dict[str, Any]:
    return {
        key: _walk(value)
        if isinstance(value, Mapping)
        else list(value)
        if isinstance(value, tuple)
        else value
        for key, value in values.items()
        if value is not None
    }


S = TypeVar("S", bound=CheckedSettings)


def from_dict(kind: type[S], values: Any) -> S:
    """Read what ``to_dict`` made of settings; only what may be None may be absent.

    Raises
    ------
    UserError
        When a name is no setting, a value none of it, or a setting is missing.
    """
    hints = list_hints(kind)
    if not isinstance(values, Mapping):
        raise UserError(f"needs a table of settings, got {values!r}")
    for name in values:
        if name not in hints:
            hint = say_nearest(name, list(hints))
            raise UserError(f"there is no such setting{hint}", field=name)
    for name in hints:
        if name not in values and getattr(kind, name, "") is not None:
            raise UserError("is missing", field=name)
    return kind(**{name: _from_plain(hints[name], v) for name, v in values.items()})


def _from_plain(hint: Any, value: Any) -> Any:
    if isinstance(value, list):
        return tuple(value)
    if isinstance(value, Mapping) and isinstance(hint, type):
        return from_dict(hint, value)
    return value


def digest(value: Any) -> str:
    """Return a short name for plain values, the same in every process."""
    text = json.dumps(value, sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def write_toml(path: Path, values: Mapping[str, Any]) -> None:
    """Write plain values as TOML."""
    write_text(path, tomli_w.dumps(values))


def read_toml(path: Path) -> dict[str, Any]:
    """Read TOML, or raise ``UserError``.

    Raises
    ------
    UserError
        When the file cannot be read, or is not TOML.
    """
    try:
        return tomllib.loads(path.read_text())
    except (OSError, ValueError, RecursionError) as error:
        raise UserError(f"{path}: cannot be read: {error}") from None


def claim_folder(
    folder: Path,
    described: Mapping[str, Any],
    *,
    what: str,
    free: Mapping[str, Any] | None = None,
    read: Callable[[Path], Mapping[str, Any]] = read_toml,
) -> None:
    """Write ``settings.toml`` into a folder, or refuse one of other settings.

    Parameters
    ----------
    folder : Path
        The folder.
    described : mapping
        Plain values, as TOML can hold them.
    what : str
        What the folder holds, for the sentence.
    free : mapping, optional
        Values that are written too, and may have been others before.
    read : callable
        What reads the file that is there.

    Raises
    ------
    UserError
        When the folder was made with other settings; the first one is named.
    """
    file, free = folder / "settings.toml", free or {}
    if file.is_file():
        there = {name: value for name, value in read(file).items() if name not in free}
        refuse_difference(folder, there, described, what=what)
    write_toml(file, {**free, **described})


def refuse_difference(folder: Path, there: Any, asked: Any, *, what: str) -> None:
    """Raise ``UserError`` for the first setting that is another than before.

    Parameters
    ----------
    folder : Path
        The folder, for the message.
    there, asked : mapping
        Plain values: those that the folder was made with, and those asked for now.
    what : str
        What the folder holds, for the message.

    Raises
    ------
    UserError
        When a value differs, or only one side has it.
    """
    found = _find_difference(there, asked, what)
    if found:
        raise UserError(
            f"{folder}: this {what} was made with other settings ({found}); "
            "choose another folder"
        )


def _find_difference(there: Any, asked: Any, name: str) -> str:
    if isinstance(there, Mapping) and isinstance(asked, Mapping):
        pairs = ((there.get(key), asked.get(key), key) for key in {**there, **asked})
        return next(filter(None, (_find_difference(*pair) for pair in pairs)), "")
    return "" if there == asked else f"{name} is {there!r} there, got {asked!r}"
