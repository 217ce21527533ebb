"""The whole cross-validation again with ratings exchanged: what chance would score.

Labels permuted against kept predictions are no test: folds share training rows, so
their predictions are not independent even where nothing is to be learnt. So each
permutation exchanges ratings, then cuts folds, chooses and fits again. What is
exchanged:

``clips``
    The names of the clips, the same for all subjects [1]_: ratings that follow the clip
    still follow one clip, and learners that follow the clip do so in each permutation.
    A trial whose new clip its subject did not rate takes no part in that permutation.
``trials``
    Each subject's ratings over its trials, where fewer than eight clips are shared.
    What is found then is said of these stimuli only.
``people``
    The labels of people, where each has one.

Of a rating that moves whole courses are exchanged, from the start of a trial on and cut
to the shorter of both. A trial whose clip stays, or whose new clip its subject did not
rate, has its own course turned by more than the time after which ratings are no longer
alike. Where fewer than eight clips are shared there is no permutation: too few courses
differ.

A permutation is the same for all learners, stream sets, protocols and targets of a run.
Learners whose run is quick are permuted unasked: where so many permutations fit in
``MOST_WORK``, about a minute of one core. That is counted in rows and fits, not in
seconds, so that it does not depend on the machine.

The folder::

    RUN/permutations/*.npz   scores of a few permutations of one learner, kept when
    interrupted RUN/permutations.csv     all of them

References
----------
.. [1] Ojala and Garriga (2010). Permutation tests for studying classifier
   performance. Journal of Machine Learning Research 11, 1833-1863.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field
from functools import partial
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from jaxtyping import Float, Int
from numpy.typing import NDArray

from deepvanet.config import AUTOMATIC, EvaluateSettings, Execution, digest
from deepvanet.evaluation.controls import NO_CONTROL, list_courses, permute_within
from deepvanet.evaluation.fits import (
    find_traits,
    fit_one,
    open_once,
    plan_task,
    settle_lag,
)
from deepvanet.evaluation.gap import find_gap
from deepvanet.evaluation.parts import (
    Part,
    cut_part,
    open_task,
    read_epoch,
    read_ratings,
)
from deepvanet.evaluation.tables import tabulate_predictions
from deepvanet.execution import FAILURES, run_tasks
from deepvanet.files import make_folder, remove_unfinished, whole_file
from deepvanet.findings import say_count
from deepvanet.learners.lag import FoundLag
from deepvanet.learners.own import carry_own
from deepvanet.learners.repeatable import use_one_thread
from deepvanet.metrics import (
    LEAST_CLIPS,
    TASK_SCORES,
    count_permutations,
    find_means,
    permutation_columns,
)
from deepvanet.protocols import PROTOCOLS, Protocol, columns_of
from deepvanet.protocols.sharing import belong_to_people
from deepvanet.schema import KEY_COLUMNS, PRIORS, ScoreKey, UserError
from deepvanet.store import SegmentStore
from deepvanet.tasks import (
    MovingRating,
    Task,
    split_outputs,
    split_target,
    split_task,
)

MOST_WORK = 6_000_000
"""Training rows of all fits of one learner that take about a minute on one core."""

WORK_OF_A_FIT = 1_000
"""Rows that take as long as the fixed part of a fit: folds, tables, scores."""

LEAST_FILLED = 0.5
"""Share of subjects x clips that must be rated for clips to be exchanged."""

PERMUTATIONS_AT_ONCE = 10
"""Of a quick learner, in one file; others have a file for each permutation."""

_FOLDER = "permutations"
_SEED = 0x5EED  # keeps these random numbers apart from those of controls


@dataclass(frozen=True)
class PermutationTask:
    """Some permutations of a learner under a protocol, of a target and stream set.

    Attributes
    ----------
    key : ScoreKey
        Its target is what was asked: several, joined by ``+``, are fitted at once.
    """

    key: ScoreKey
    exchanged: str
    numbers: tuple[int, ...]
    file: Path

    def __str__(self) -> str:
        return (
            f"{' '.join(self.key)} permutations {self.numbers[0]} to {self.numbers[-1]}"
        )


@dataclass(frozen=True)
class PermutationPlan:
    """What is permuted in a run.

    Attributes
    ----------
    tests : tuple of ScoreKey
        All that has a p-value: honest, and no prior.
    permuted : mapping
        Those that are permuted, and what exchanges its ratings.
    asked : mapping
        What was asked for those of several targets at once, as ``PermutationTask`` has
        it.
    """

    n_permutations: int
    tests: tuple[ScoreKey, ...]
    permuted: Mapping[ScoreKey, str]
    asked: Mapping[ScoreKey, ScoreKey] = field(default_factory=dict)

    def ask(self, key: ScoreKey) -> ScoreKey:
        """Return what is fitted for a test: its target, or several at once."""
        return self.asked.get(key, key)

    def lines(self) -> list[str]:
        """Say what was permuted, and what was not."""
        if not self.tests:
            return []
        said = []
        if self.permuted:
            learners = ", ".join(dict.fromkeys(key[3] for key in self.permuted))
            said.append(
                f"permutations: {self.n_permutations} of {learners}, for "
                f"{_count_tests(self.tests)}; no p-value below "
                f"{1 / (1 + self.n_permutations):.4f} can be reached"
            )
        if "trials" in self.permuted.values():
            said.append(
                f"permutations: fewer than {LEAST_CLIPS} clips are shared, so ratings "
                "were exchanged within subjects: p-values are about these stimuli only"
            )
        others = dict.fromkeys(key[3] for key in self.tests if key not in self.permuted)
        if others:
            said.append(
                f"not permuted, so that p-values are those of a t-test: "
                f"{', '.join(others)} (--permutations "
                f"{count_permutations(len(self.tests))} permutes them)"
            )
        return said


def _count_tests(tests: Sequence[ScoreKey]) -> str:
    return say_count(len(tests), "test")


def plan_permutations(
    parts: Sequence[Part],
    leakage: Sequence[Mapping[str, Any]],
    settings: EvaluateSettings,
) -> PermutationPlan:
    """Say which learners are permuted how often.

    Raises
    ------
    UserError
        When fewer permutations were asked for than so many tests need.
    """
    tests = [
        key
        for part in leakage
        for key in [ScoreKey(*(part[name] for name in KEY_COLUMNS))]
        if part["leaks"] == "none"
        and key[3] not in PRIORS
        and PROTOCOLS[key[0]].kind != "control"
    ]
    asked = settings.permutations
    least = count_permutations(len(tests))
    if asked > 0 and settings.control != NO_CONTROL:
        raise UserError(
            f"a run of {settings.control} tests nothing", field="permutations"
        )
    if 0 < asked < least:
        raise UserError(
            f"for {_count_tests(tests)} at least {least} are needed, got {asked}",
            field="permutations",
        )
    n_permutations = least if asked == AUTOMATIC else asked
    if n_permutations == 0 or settings.control != NO_CONTROL:
        return PermutationPlan(0, tuple(tests), {})
    held: dict[tuple[str, str, str], list[Part]] = {}
    for part in parts:
        for protocol, one in product(part.protocols, part.split()):
            key = protocol.name, str(one.target), part.streams
            held.setdefault(key, []).append(part)
    learners = dict.fromkeys(key[3] for key in tests)
    quick = {
        learner
        for learner in learners
        if (traits := find_traits(learner, settings)).is_quick
        and n_permutations
        * traits.n_fits
        * sum(_count_work(held[k[:3]]) for k in tests if k[3] == learner)
        <= MOST_WORK
    }
    whole = {key: held[key[:3]][0] for key in tests if asked > 0 or key[3] in quick}
    return PermutationPlan(
        n_permutations,
        tuple(tests),
        {
            key: exchanged
            for key, part in whole.items()
            if (exchanged := choose_exchange(part))
        },
        {
            key: key._replace(target=part.target)
            for key, part in whole.items()
            if part.task.goal.parts
        },
    )


def _count_work(parts: Iterable[Part]) -> int:
    """Return the work of one run, in rows."""
    return sum(WORK_OF_A_FIT + len(fold.train) for part in parts for fold in part.folds)


def choose_exchange(part: Part) -> str:
    """Return what exchanges its ratings: ``clips``, ``trials`` or ``people``.

    Empty where too few clips are shared for ratings that move.
    """
    if part.task.goal.moves:
        return "clips" if part.table["stimulus"].nunique() >= LEAST_CLIPS else ""
    labels = (one.rows.label for one in part.split())
    if all(belong_to_people(part.table.assign(label=label)) for label in labels):
        return "people"
    cells = part.table[["subject", "stimulus"]].drop_duplicates()
    n_subjects, n_clips = cells.nunique()
    is_filled = len(cells) >= LEAST_FILLED * n_subjects * n_clips
    if n_subjects > 1 and n_clips >= LEAST_CLIPS and is_filled:
        return "clips"
    return "trials"


def permute(
    store: SegmentStore,
    out: Path,
    plan: PermutationPlan,
    settings: EvaluateSettings,
    *,
    run: str,
    execution: Execution,
    face_weights: Path | None = None,
) -> pd.DataFrame:
    """Score all permutations, or complete them.

    Parameters
    ----------
    store : SegmentStore
        The store of the run.
    out : Path
        Folder of the run; scores go to ``permutations`` in it.
    plan : PermutationPlan
        What is permuted, and how often.
    settings : EvaluateSettings
        Settings of the run.
    run : str
        The run's digest: permutations of other settings have other files.
    execution : Execution
        How permutations are scored in parallel.
    face_weights : Path | None
        What the face trunk starts from; None: random weights.

    Returns
    -------
    DataFrame
        Columns ``permutation_columns`` of the task.
    """
    tasks = list(_list_tasks(plan, settings, out / _FOLDER, run))
    if tasks:
        make_folder(out / _FOLDER)
        remove_unfinished(out / _FOLDER)
    work = carry_own(
        partial(_score_permutations, store.path, settings, face_weights),
        settings.learners,
        execution=execution,
    )
    for _ in run_tasks(
        work,
        [task for task in tasks if not task.file.is_file()],
        execution=execution,
        what="permutations",
        threads=settings.network.threads,
        failures=out / FAILURES,
    ):
        pass
    tables = [_read(task, key, settings.task) for task, key in _walk(plan, tasks)]
    if not tables:
        return pd.DataFrame(columns=list(permutation_columns(settings.task)))
    return pd.concat(tables, ignore_index=True)


def _list_tasks(
    plan: PermutationPlan, settings: EvaluateSettings, folder: Path, run: str
) -> Iterable[PermutationTask]:
    asked = {plan.ask(key): exchanged for key, exchanged in plan.permuted.items()}
    for key, exchanged in asked.items():
        at_once = PERMUTATIONS_AT_ONCE if find_traits(key[3], settings).is_quick else 1
        for start in range(0, plan.n_permutations, at_once):
            numbers = tuple(range(start, min(start + at_once, plan.n_permutations)))
            name = digest({"run": run, "part": key, "numbers": numbers})
            yield PermutationTask(key, exchanged, numbers, folder / f"{name}.npz")


def _score_permutations(
    store_path: Path,
    settings: EvaluateSettings,
    face_weights: Path | None,
    task: PermutationTask,
) -> None:
    store = open_once(store_path, settings.segmenting)
    is_quick = find_traits(task.key[3], settings).is_quick
    asked = open_task(store, settings, task.key.target)
    exchange = _open_exchange(store, asked, task.exchanged)
    with use_one_thread() if is_quick else nullcontext():
        scores = [
            _score(store, settings, face_weights, task.key, asked, exchange(number))
            for number in task.numbers
        ]
    with whole_file(task.file) as unfinished, unfinished.open("wb") as stream:
        np.savez(stream, allow_pickle=False, scores=np.array(scores))


def _open_exchange(
    store: SegmentStore, asked: Task, how: str
) -> Callable[[int], Float[np.ndarray, "row column"]]:
    """Return what gives the ratings of a permutation by its number."""
    own = read_ratings(store, asked)
    if isinstance(asked, MovingRating):
        turn_s = find_gap(store, asked).decorrelation_s
        return lambda number: exchange_courses(
            store.table, own, number=number, least_turn_s=turn_s
        )
    return lambda number: exchange_columns(store.table, own, how=how, number=number)


def _score(
    store: SegmentStore,
    settings: EvaluateSettings,
    face_weights: Path | None,
    key: ScoreKey,
    asked: Task,
    ratings: Float[np.ndarray, "row column"],
) -> list[float]:
    """Do all folds of all seeds again on exchanged ratings; return the metrics.

    Of several targets those of each follow each other.
    """
    protocol, target, streams, learner = key
    metrics = TASK_SCORES[settings.task].metrics
    predictions: dict[str, list[pd.DataFrame]] = {}
    for seed in settings.seeds:
        try:
            part = cut_part(
                store,
                settings,
                (PROTOCOLS[protocol],),
                target,
                streams,
                seed,
                ratings=ratings,
            )
        except UserError:
            # too many trials dropped out for so many folds: there is no score
            return [float("nan")] * len(metrics) * len(split_task(asked))
        for table in _predict(store, settings, face_weights, part, learner):
            predictions.setdefault(str(table["target"].iloc[0]), []).append(table)
    found = [
        find_means(pd.concat(tables, ignore_index=True), "trial")
        for tables in predictions.values()
    ]
    return [means[metric] for means in found for metric in metrics]


def _predict(
    store: SegmentStore,
    settings: EvaluateSettings,
    face_weights: Path | None,
    part: Part,
    learner: str,
) -> Iterator[pd.DataFrame]:
    """Fit and score all folds of a part; yield the predictions of each target."""
    [protocol] = part.protocols
    scores, lags = [], []
    for fold in part.folds:
        task = settle_lag(store, plan_task(part, fold, Path(), settings, run=""))
        fit = fit_one(store, settings, face_weights, task, learner)
        scores.append(split_outputs(fit[read_epoch(protocol)], part.task.goal))
        lags.append(task.lag)
    for one, of_one in zip(part.split(), zip(*scores, strict=True), strict=True):
        yield _tabulate(one, protocol, learner, of_one, lags)


def _tabulate(
    part: Part,
    protocol: Protocol,
    learner: str,
    scores: Sequence[Float[np.ndarray, "_ ..."]],
    lags: Sequence[FoundLag | None],
) -> pd.DataFrame:
    """Return the predictions of all folds of one target."""
    made = [
        tabulate_predictions(
            part.task.goal, part.label_in(fold, lag)[fold.test], score, lag
        )
        for fold, score, lag in zip(part.folds, scores, lags, strict=True)
    ]
    tested = np.concatenate([fold.test for fold in part.folds])
    numbers = np.repeat(
        [fold.number for fold in part.folds], [len(fold.test) for fold in part.folds]
    )
    units = part.table[["subject", "trial", "stimulus"]].iloc[tested]
    return units.assign(
        protocol=protocol.name,
        target=str(part.target),
        streams=part.streams,
        learner=learner,
        seed=part.seed,
        fold=numbers,
        **{name: np.concatenate([of[name] for of in made]) for name in made[0]},
    )


def exchange_courses(
    table: pd.DataFrame,
    ratings: Float[np.ndarray, "row lag"],
    *,
    number: int,
    least_turn_s: float,
) -> Float[np.ndarray, "row lag"]:
    """Exchange the courses of ratings that move by one permutation of clips for all.

    Parameters
    ----------
    table : DataFrame
        Of a store, with all its subjects, in the order of trials and segments.
    ratings : array, shape (row, lag)
        Of its rows.
    number : int
        Of the permutation, from 0.
    least_turn_s : float
        By how much at least the course of a trial is turned whose clip has no partner.

    Returns
    -------
    array, shape (row, lag)
        NaN beyond the end of the course that was put there.
    """
    names = np.array(sorted(table["stimulus"].unique()), dtype=object)
    rng = np.random.default_rng([_SEED, number])
    partner = dict(zip(names, names[rng.permutation(len(names))], strict=True))
    held: dict[tuple[str, str], list[Int[np.ndarray, " item"]]] = {}
    for rows in list_courses(table):
        subject, clip = table[["subject", "stimulus"]].iloc[rows[0]]
        held.setdefault((str(subject), str(clip)), []).append(rows)
    exchanged = np.full_like(ratings, np.nan)
    for (subject, clip), trials in sorted(held.items(), key=lambda item: item[0]):
        others = held.get((subject, str(partner[clip])), [])
        for place, rows in enumerate(trials):
            if partner[clip] == clip or place >= len(others):
                exchanged[rows] = _turn(table, ratings, rows, least_turn_s, rng)
                continue
            n = min(len(rows), len(others[place]))
            exchanged[rows[:n]] = ratings[others[place][:n]]
    return exchanged


def _turn(
    table: pd.DataFrame,
    ratings: Float[np.ndarray, "row lag"],
    rows: Int[np.ndarray, " item"],
    least_turn_s: float,
    rng: np.random.Generator,
) -> Float[np.ndarray, "item lag"]:
    """Return the course of a trial, turned; none where it is too short for that.

    Rows at its end, which are not rated at all lags, stay where they are.
    """
    own = ratings[rows]
    known = np.flatnonzero(np.isfinite(own).all(axis=1))
    start = table["start_s"].to_numpy(dtype=float)[rows[:2]]
    step_s = float(np.diff(start)[0]) if len(start) > 1 else np.inf
    least = max(1, int(np.ceil(least_turn_s / step_s)))
    turned = np.full_like(own, np.nan)
    if len(known) >= 2 * least:
        by = int(rng.integers(least, len(known) - least + 1))
        turned[known] = np.roll(own[known], by, axis=0)
    return np.asarray(turned)


def exchange_columns(
    table: pd.DataFrame,
    ratings: Float[np.ndarray, "row column"],
    *,
    how: str,
    number: int,
) -> Float[np.ndarray, "row column"]:
    """Exchange each column of ratings alike.

    Parameters
    ----------
    table : DataFrame
        Of a store, with all its subjects.
    ratings : array, shape (row, column)
        Of its rows.
    how : str
        As ``exchange_ratings`` takes it.
    number : int
        Of the permutation, from 0.

    Returns
    -------
    array, shape (row, column)
        As ``exchange_ratings`` returns each.
    """
    columns = [
        exchange_ratings(table.assign(rating=column), "rating", how=how, number=number)
        for column in ratings.T
    ]
    return np.stack(columns, axis=1)


def exchange_ratings(
    table: pd.DataFrame, target: str, *, how: str, number: int
) -> Float[np.ndarray, " row"]:
    """Return the ratings of one permutation, NaN where a trial drops out.

    Parameters
    ----------
    table : DataFrame
        Of a store, with all its subjects: a permutation is that of the store.
    target : str
        The column of ratings.
    how : str
        ``clips``, ``trials`` or ``people``, as the module says.
    number : int
        Of the permutation, from 0.

    Returns
    -------
    array, shape (row,)
        A rating for each row of the table.
    """
    if how == "trials":
        return permute_within(table, target, seed=_SEED + number)
    unit = "stimulus" if how == "clips" else "subject"
    names = np.array(sorted(table[unit].unique()), dtype=object)
    order = np.random.default_rng([_SEED, number]).permutation(len(names))
    partner = dict(zip(names, names[order], strict=True))
    trials = table.drop_duplicates(columns_of("trial")).sort_values(columns_of("trial"))
    if how == "people":
        rating = trials.dropna(subset=[target]).groupby("subject")[target].first()
        return _look_up(rating, table["subject"].map(partner))
    # a clip that a subject saw twice has a first and a second rating
    place = trials.groupby(["subject", "stimulus"], observed=True).cumcount()
    trials = trials.assign(place=place)
    rating = trials.set_index(["subject", "stimulus", "place"])[target]
    asked = trials.assign(stimulus=trials["stimulus"].map(partner))
    found = _look_up(rating, pd.MultiIndex.from_frame(asked[rating.index.names]))
    of_trial = pd.Series(found, index=pd.MultiIndex.from_frame(trials[_TRIAL]))
    return _look_up(of_trial, pd.MultiIndex.from_frame(table[_TRIAL]))


_TRIAL = columns_of("trial")


def _look_up(values: pd.Series, names: Any) -> Float[np.ndarray, " row"]:
    """Return the values of names, NaN for those that have none."""
    return values.reindex(names).to_numpy(dtype=float)


def _walk(
    plan: PermutationPlan, tasks: Iterable[PermutationTask]
) -> Iterator[tuple[PermutationTask, ScoreKey]]:
    """Yield every task with each test that it answers, test after test."""
    of_asked: dict[ScoreKey, list[PermutationTask]] = {}
    for task in tasks:
        of_asked.setdefault(task.key, []).append(task)
    for key in plan.permuted:
        for task in of_asked[plan.ask(key)]:
            yield task, key


def _read(task: PermutationTask, key: ScoreKey, asked: str) -> pd.DataFrame:
    metrics = list(TASK_SCORES[asked].metrics)
    targets = [key.target]
    if key != task.key:
        targets = list(split_target(asked, task.key.target))
    with np.load(task.file, allow_pickle=False) as held:
        scores: NDArray[Any] = held["scores"]
    start = targets.index(key.target) * len(metrics)
    table = pd.DataFrame(scores[:, start : start + len(metrics)], columns=metrics)
    table = table.assign(
        **key._asdict(), exchanged=task.exchanged, permutation=list(task.numbers)
    )
    return table[list(permutation_columns(asked))]
