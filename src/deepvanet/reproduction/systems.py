"""The eleven systems of Table 2: which runs they need, one for each column.

Every system is run on each store that was given, also where Table 2 has no number of
it. Columns whose settings are equal share a run::

    OUT/runs/yang2018-authors-deap    under the nearest protocol to its authors'
             yang2018-trial-deap      under an honest one
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from deepvanet.config import EvaluateSettings, NetworkSettings, Segmenting
from deepvanet.learners import LEARNERS
from deepvanet.learners.published_systems import SYSTEMS, SystemRecord
from deepvanet.protocols import PROTOCOLS, columns_of, name_prior
from deepvanet.reproduction.given import StoreOfPaper
from deepvanet.reproduction.plans import RunPlan, Size, find_obstacle
from deepvanet.reproduction.published import TABLE_2, PublishedRow
from deepvanet.schema import Target, UserError, parse_streams, pick
from deepvanet.store import SegmentStore, open_store

AUTHORS = "authors"
HONEST = ("trial", "subject", "subject-stimulus")
COLUMNS = (AUTHORS, *HONEST)
"""Columns of ours: the authors' protocol, then honest ones, by their names."""

ALL, NONE = "all", "none"

ABSENT = "its learner is not installed"


@dataclass(frozen=True)
class SystemRun:
    """One system on one store, in one column of the tables.

    Attributes
    ----------
    key : str
        Of ``DATASETS``.
    column, protocol : str
        Of ``COLUMNS``, and the protocol that it is there.
    n_folds : int | None
        None: as many as the protocol has.
    plan : RunPlan | None
        The run that has the score; None where there is no learner.
    why : str
        Why there is no run; empty where there is one.
    """

    record: SystemRecord
    key: str
    column: str
    protocol: str
    n_folds: int | None
    plan: RunPlan | None
    why: str = ""

    @property
    def prior(self) -> str:
        """The prior that knows what training and test share."""
        facts = PROTOCOLS[self.protocol]
        return facts.prior or name_prior(facts.shares)

    @property
    def is_assumed(self) -> bool:
        """Whether no text or code of its authors says that this was the protocol."""
        return self.column == AUTHORS and self.record.is_assumed


def pick_systems(asked: Sequence[str]) -> list[SystemRecord]:
    """Return the systems that are run, in the order of their records.

    Parameters
    ----------
    asked : sequence of str
        ``all``, ``none``, or names of learners.

    Raises
    ------
    UserError
        When a name is none of a system.

    Examples
    --------
    >>> [record.study for record in pick_systems(["yang2018"])]
    ['Yang et al. [36]']
    """
    words = (ALL, NONE)
    if len(asked) == 1 and asked[0] in words:
        return list(SYSTEMS.values()) if asked[0] == ALL else []
    if not asked or set(asked).intersection(words):
        said = ",".join(asked) or "nothing"
        raise UserError(
            f"needs all, none, or names of systems alone, got {said}", field="systems"
        )
    try:
        names = {pick("system", name, SYSTEMS) for name in asked}
    except UserError as error:
        raise UserError(error.sentence, field="systems") from None
    return [record for name, record in SYSTEMS.items() if name in names]


def plan_systems(
    asked: Iterable[SystemRecord],
    given: Iterable[StoreOfPaper],
    *,
    size: Size,
    seed: int,
) -> list[SystemRun]:
    """List what stands in each cell of the tables of systems.

    Parameters
    ----------
    asked : iterable of SystemRecord
        Those that are run; the others say that they were not asked for.
    given : iterable of StoreOfPaper
        Stores of the paper's data sets.
    size : Size
        How much of the experiments is run.
    seed : int
        Of folds and fits.

    Returns
    -------
    list of SystemRun
        By store, system and column, also those that cannot be had.
    """
    wanted = {record.learner for record in asked}
    runs = []
    for store in given:
        for record in SYSTEMS.values():
            is_wanted = record.learner in wanted
            runs += _plan_columns(record, store, size, seed, is_wanted=is_wanted)
    return runs


def _plan_columns(
    record: SystemRecord, given: StoreOfPaper, size: Size, seed: int, *, is_wanted: bool
) -> list[SystemRun]:
    why = "" if is_wanted else "not asked for"
    if is_wanted and record.learner not in LEARNERS:
        why = ABSENT
    made: dict[EvaluateSettings, RunPlan] = {}
    runs: dict[str, SystemRun] = {}
    for column in (*HONEST, AUTHORS):  # who has equal settings takes an honest run
        protocol = record.authors_protocol if column == AUTHORS else column
        settings = settle_system(record, given, column, size, seed)
        plan = None
        if not why:
            name = f"{record.learner}-{column}-{given.key}"
            if settings not in made:
                made[settings] = make_plan(name, given, settings)
            plan = made[settings]
        runs[column] = SystemRun(
            record, given.key, column, protocol, settings.folds, plan, why
        )
    return [runs[column] for column in COLUMNS]


def make_plan(name: str, given: StoreOfPaper, settings: EvaluateSettings) -> RunPlan:
    """Return the plan of a run on a store, cut as the settings say."""
    try:
        store = cut_again(given, settings.segmenting)
        obstacle = find_obstacle(store, settings)
    except UserError as error:
        obstacle = str(error)
    return RunPlan(name, given, settings, obstacle)


def cut_again(given: StoreOfPaper, segmenting: Segmenting) -> SegmentStore:
    """Return a store cut in another way, or as it is."""
    if segmenting == given.store.segmenting:
        return given.store
    return open_store(given.path).cut(segmenting)


def settle_system(
    record: SystemRecord, given: StoreOfPaper, column: str, size: Size, seed: int
) -> EvaluateSettings:
    """Return the settings of a system's run.

    Under its authors' protocol a system has their number of folds, as far as there are
    units, their segments, no longer than the shortest trial, and their baseline.

    Parameters
    ----------
    record : SystemRecord
        The system.
    given : StoreOfPaper
        Its subjects are taken, or the first of them where the size says so.
    column : str
        Of ``COLUMNS``.
    size : Size
        How much of the experiments is run.
    seed : int
        Of folds and fits.

    Returns
    -------
    EvaluateSettings
        Of one protocol and one learner.
    """
    protocol = record.authors_protocol if column == AUTHORS else column
    is_pooled = PROTOCOLS[protocol].scope == "all"
    subjects = given.subjects[: size.n_pooled if is_pooled else size.n_subjects]
    usual = given.store.segmenting
    settings = EvaluateSettings(
        protocols=(protocol,),
        targets=tuple(map(str, Target)),
        streams=(record.streams,),
        learners=(record.learner,),
        segment=usual.segment_s,
        step=usual.step_s,
        baseline=usual.baseline,
        folds=size.folds,
        seeds=(seed,),
        subjects=subjects,
        permutations=0,
        network=settle_size(size),
    )
    if column != AUTHORS:
        return settings
    length_s = record.authors_segment
    if length_s != usual.segment_s:
        length_s = min(length_s, max(1.0, find_shortest_s(given, subjects) // 1))
        settings = replace(settings, segment=length_s, step=length_s)
    return replace(
        settings,
        folds=_count_folds(record, given, subjects, size),
        baseline=record.authors_baseline or usual.baseline,
    )


def settle_size(size: Size) -> NetworkSettings:
    """Return how a system is built and trained in a size: as it is itself."""
    return replace(size.network, epochs=NetworkSettings.epochs, size=size.systems)


def find_shortest_s(given: StoreOfPaper, subjects: Sequence[str]) -> float:
    """Return how long the shortest trial of some subjects is, in seconds."""
    trials = given.store.trials
    mine = trials[trials["subject"].isin(subjects)]
    return float(mine["duration_s"].min())


def _count_folds(
    record: SystemRecord, given: StoreOfPaper, subjects: Sequence[str], size: Size
) -> int | None:
    """Return the authors' number of folds, of a small size fewer; None: the usual."""
    facts, folds = PROTOCOLS[record.authors_protocol], record.authors_folds
    if size.folds is not None:
        return min(folds or size.folds, size.folds)
    if folds in (None, facts.most_folds[0]) or facts.unit == "segment":
        return None if folds == facts.most_folds[0] else folds
    there = given.store.rows_with(parse_streams(record.streams))
    table = given.store.table.iloc[there]
    table = table[table["subject"].isin(subjects)]
    units = table.drop_duplicates(columns_of(facts.unit))
    counts = (
        units.groupby("subject").size() if facts.scope == "subject" else [len(units)]
    )
    return min(folds, *map(int, counts)) if len(units) else folds


def find_printed(record: SystemRecord, key: str) -> PublishedRow | None:
    """Return what Table 2 says of a system on a data set, None where it has no row."""
    return next(
        (row for row in TABLE_2 if (row.dataset, row.study) == (key, record.study)),
        None,
    )


def find_record(study: str) -> SystemRecord | None:
    """Return the record of a row of Table 2, None of the paper's own network."""
    return next((r for r in SYSTEMS.values() if r.study == study), None)


def list_plans(runs: Iterable[SystemRun]) -> list[RunPlan]:
    """Return the runs of all cells, each once."""
    plans: Mapping[str, RunPlan] = {r.plan.name: r.plan for r in runs if r.plan}
    return list(plans.values())
