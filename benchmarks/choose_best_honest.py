"""Select the configuration of ``best-honest`` on stores whose effects are known.

``select`` scores all candidates on development stores and prints the table that
``docs/best-honest.md`` shows as *selected here*; ``veto`` asks real EEG about the parts
that read EEG; ``confirm`` evaluates the frozen learner on stores that had no part in
the selection, beside other learners and the priors. Scores are balanced accuracies of
trials, the mean over subjects. What is done is kept in ``--work`` and not done again::

    nice .venv/bin/python benchmarks/choose_best_honest.py select --work /tmp/honest
"""

import argparse
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import asdict, replace
from itertools import product
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pandas as pd
from planted import KINDS, PlantedStore, tabulate, write_planted_store
from sklearn.metrics import balanced_accuracy_score

from deepvanet import results
from deepvanet.config import (
    EvaluateSettings,
    Execution,
    NetworkSettings,
    PrepareSettings,
    digest,
    to_dict,
)
from deepvanet.evaluation import evaluate
from deepvanet.evaluation.parts import Part, cut_parts
from deepvanet.learners.best_honest import (
    CONFIGURATION,
    Configuration,
    FittedMember,
    Trials,
    fit_member,
    fit_pool,
    gather_trials,
    measure_member,
    pool,
)
from deepvanet.learners.classifiers import Scaler
from deepvanet.learners.families import find_classifier
from deepvanet.learners.trial_features import list_trials
from deepvanet.metrics import score_subjects
from deepvanet.schema import PAPER_STREAMS, PRIORS, Channel, ChannelType, Stream, Target
from deepvanet.store import (
    Manifest,
    Rows,
    SegmentStore,
    TrialBlock,
    open_store,
    write_subject,
)

SEEDS, CONFIRM_SEEDS = range(5), range(5, 8)
EFFECTS = {"eeg": 3.0, "peripheral": 3.0, "face": 3.0, "mixed": 1.5}
CONFIRM_EFFECTS = {"eeg": 2.0, "peripheral": 2.0, "face": 2.0, "mixed": 1.0}
PROTOCOLS = ("trial", "subject")
FOLDS, CONFIRM_FOLDS = 3, 4

_PLAIN = {"eeg-bands": ("bands",), "peripheral": ("sensors",), "face": ("picture",)}
_RELATIVE = {
    "eeg-bands": ("bands", "bands-from-rest"),
    "peripheral": ("sensors", "sensors-from-rest"),
    "face": ("picture", "picture-from-onset"),
}
_COVARIANCE = {"eeg-covariance": ("covariance", "covariance-from-rest")}
_IN_PLACE = {**_COVARIANCE, **{k: v for k, v in _RELATIVE.items() if k != "eeg-bands"}}
_BOTH = {**_RELATIVE, **_COVARIANCE}


def _join(members: Mapping[str, tuple[str, ...]]) -> dict[str, tuple[str, ...]]:
    return {"all": tuple(part for parts in members.values() for part in parts)}


CANDIDATES: Mapping[str, Configuration] = {
    "plain, mean": Configuration(_PLAIN, "mean"),
    "plain, stack": Configuration(_PLAIN, "stack"),
    "relative, one classifier": Configuration(_join(_RELATIVE), "mean"),
    "relative, mean": Configuration(_RELATIVE, "mean"),
    "relative, stack": Configuration(_RELATIVE, "stack"),
    "covariance in place of bands, mean": Configuration(_IN_PLACE, "mean"),
    "covariance in place of bands, stack": Configuration(_IN_PLACE, "stack"),
    "relative and covariance, one classifier": Configuration(_join(_BOTH), "mean"),
    "relative and covariance, mean": Configuration(_BOTH, "mean"),
    "relative and covariance, stack": Configuration(_BOTH, "stack"),
}
"""Written down before any was scored, the simpler first: of those within one standard
error of the best (of paired differences over stores) the first is taken."""

CONFIRMED = {
    "face+bio": ("best-honest",),
    "bio": ("best-honest", "trial-logistic", "bandpower-svm"),
    "eeg": ("best-honest", "riemann"),
}


def score_candidates(store: SegmentStore) -> list[dict[str, object]]:
    """Return the score of each candidate and of the base rate under each protocol."""
    asked = EvaluateSettings(
        protocols=PROTOCOLS, targets=("valence",), streams=("face+bio",), folds=FOLDS
    )
    tables: dict[tuple[str, str], list[pd.DataFrame]] = {}
    for part in cut_parts(store, asked):
        for fold in part.folds:
            train, test = (
                Rows(store, part.numbers[i], PAPER_STREAMS, part.rows.label[i])
                for i in (fold.train, fold.test)
            )
            for name, found in _score_fold(train, test, part):
                tables.setdefault((part.protocols[0].name, name), []).append(found)
    return [
        {"protocol": protocol, "name": name, "score": _balance(pd.concat(parts))}
        for (protocol, name), parts in tables.items()
    ]


def _score_fold(
    train: Rows, test: Rows, part: Part
) -> Iterator[tuple[str, pd.DataFrame]]:
    """Yield what each candidate says of the trials of a test, members fitted once."""
    asked = _take_first(test)
    unit = part.protocols[0].inner_unit
    trials = gather_trials(train, NetworkSettings(), unit=unit, seed=0)
    known: dict[tuple[str, ...], tuple[FittedMember, np.ndarray]] = {}
    base = asked.table[["subject"]].assign(label=asked.label)
    yield "(base rate)", base.assign(high=trials.samples.label.mean() > 0.5)
    for name, configuration in CANDIDATES.items():
        members = []
        for parts in configuration.choose_members(train.streams).values():
            if parts not in known:
                known[parts] = _fit(parts, train, test, trials, configuration)
            members.append(known[parts])
        weight = fit_pool([member for member, _ in members], trials, configuration)
        found = pool(np.stack([said for _, said in members]), weight, train.goal, 0.0)
        yield name, base.assign(high=found > 0.5)


def _fit(
    parts: tuple[str, ...],
    train: Rows,
    test: Rows,
    trials: Trials,
    configuration: Configuration,
) -> tuple[FittedMember, np.ndarray]:
    """Return a member, and what it says of the trials of a test."""
    fitted = fit_member(
        measure_member(parts, train), trials, penalties=configuration.penalties
    )
    scaler = Scaler.from_arrays(fitted.numbers)
    predict = find_classifier("logistic", train.goal).open(fitted.numbers)
    subject = _take_first(test).table["subject"].to_numpy(dtype=object)
    return fitted, predict(scaler.apply(measure_member(parts, test), subject))


def _take_first(rows: Rows) -> Rows:
    return rows.take(np.array([index[0] for index in list_trials(rows)]))


def _balance(table: pd.DataFrame) -> float:
    """Return the balanced accuracy over trials, the mean over subjects."""
    return float(
        np.mean(
            [
                balanced_accuracy_score(part["label"], part["high"])
                for _, part in table.groupby("subject")
            ]
        )
    )


def select(work: Path) -> None:
    """Score the candidates on development stores, and say which is taken."""
    scores = pd.concat(
        _recall(work / f"select-{kind}-{seed}.csv", _make_selection(kind, seed))
        for kind, seed in product(KINDS, SEEDS)
    )
    print(f"{len(CANDIDATES)} candidates, {len(KINDS) * len(SEEDS)} stores\n")
    scores["column"] = scores["kind"] + ", " + scores["protocol"]
    every = scores.assign(column="mean of all")
    print(tabulate(pd.concat([scores, every]), "column"), "\n")
    stores = scores.pivot_table(index="name", columns=["kind", "seed"], values="score")
    stores = stores.loc[list(CANDIDATES)]
    best = stores.mean(axis=1).idxmax()
    for name in CANDIDATES:
        behind = stores.loc[best] - stores.loc[name]
        error = behind.std(ddof=1) / np.sqrt(len(behind))
        print(f"{name}: {behind.mean():.4f} behind {best}, standard error {error:.4f}")
    taken = next(name for name in CANDIDATES if _is_near(stores, best, name))
    print(f"taken: {taken}")


def _is_near(stores: pd.DataFrame, best: str, name: str) -> bool:
    behind = stores.loc[best] - stores.loc[name]
    error = behind.std(ddof=1) / np.sqrt(len(behind))
    return name == best or bool(behind.mean() <= error)


def _make_selection(kind: str, seed: int) -> Callable[[], pd.DataFrame]:
    def make() -> pd.DataFrame:
        with TemporaryDirectory() as folder:
            plan = PlantedStore(kind, EFFECTS[kind], seed)
            store = write_planted_store(Path(folder) / "store", plan)
            found = pd.DataFrame(score_candidates(store))
        return found.assign(kind=kind, seed=seed)

    return make


def confirm(work: Path, seeds: Iterable[int]) -> None:
    """Evaluate the frozen learner on other stores, beside others and the priors."""
    scores = pd.concat(
        _recall(work / f"confirm-{kind}-{seed}.csv", _make_confirmation(kind, seed))
        for kind, seed in product(KINDS, seeds)
    )
    print(f"digest {CONFIGURATION.digest()}\n")
    scores["column"] = scores["kind"] + ", " + scores["protocol"]
    print(tabulate(scores, "column"))


def _make_confirmation(kind: str, seed: int) -> Callable[[], pd.DataFrame]:
    def make() -> pd.DataFrame:
        with TemporaryDirectory() as folder:
            plan = PlantedStore(kind, CONFIRM_EFFECTS[kind], seed)
            store = write_planted_store(Path(folder) / "store", plan)
            found = [
                _evaluate(store, Path(folder) / streams, streams, learners)
                for streams, learners in CONFIRMED.items()
            ]
        return pd.concat(found).assign(kind=kind, seed=seed)

    return make


def _evaluate(
    store: SegmentStore, out: Path, streams: str, learners: tuple[str, ...]
) -> pd.DataFrame:
    settings = EvaluateSettings(
        protocols=PROTOCOLS,
        targets=("valence",),
        streams=(streams,),
        learners=learners,
        folds=CONFIRM_FOLDS,
        permutations=0,
    )
    evaluate(store.path, out, settings=settings, execution=Execution())
    table = results.read_predictions(out / "predictions.csv")
    rows = []
    for (protocol, name), part in table.groupby(["protocol", "learner"]):
        score = score_subjects(part, "trial")["balanced_accuracy"].mean()
        if name not in PRIORS:
            name = f"`{name}`, {streams}"
        elif streams != "face+bio":
            continue  # the same for all streams
        rows.append({"protocol": protocol, "name": name, "score": score})
    return pd.DataFrame(rows)


def veto(source: Path) -> None:
    """Ask real EEG: what each part finds of arithmetic in people held out."""
    with TemporaryDirectory() as folder:
        store = _write_eegmat(Path(folder) / "store", source)
        rows = Rows(
            store,
            np.arange(len(store.table)),
            (Stream.EEG,),
            (store.table["arousal"].to_numpy() > 5).astype(np.int64),
        )
        trials = gather_trials(rows, NetworkSettings(), unit="subject", seed=0)
        for parts in (("bands",), ("covariance",)):
            features = measure_member(parts, rows)
            fitted = fit_member(features, trials, penalties=CONFIGURATION.penalties)
            score = balanced_accuracy_score(trials.samples.label, fitted.held > 0.5)
            said = "vetoed" if score <= 0.5 else "not vetoed"
            print(f"{parts[0]}: {score:.3f} in {len(features)} trials, {said}")


def _write_eegmat(root: Path, source: Path) -> SegmentStore:
    arrays = np.load(source, allow_pickle=False)
    names = [str(name) for name in arrays["channels"]]
    eeg = [n for n, name in enumerate(names) if "ECG" not in name.upper()]
    channels = tuple(Channel(names[n], ChannelType.EEG, "uV") for n in eeg)
    settings = to_dict(replace(PrepareSettings(), sfreq=float(arrays["fs"])))
    manifest = Manifest("eegmat", False, settings, digest(settings), channels, {})
    (root / "subjects").mkdir(parents=True)
    (root / "manifest.json").write_text(manifest.to_json())
    for person in np.unique(arrays["subject"]):
        blocks = []
        for at in np.flatnonzero(arrays["subject"] == person):
            microvolts = arrays["data"][at] * arrays["scale_uV"][:, None]
            task = int(arrays["task"][at])
            rating = 9.0 if task else 1.0
            row = {
                "subject": f"{person:02d}",
                "trial": str(task + 1),
                "stimulus": str(task),
                "recording": str(task),
                "duration_s": float(microvolts.shape[1] // int(arrays["fs"])),
                **dict.fromkeys(Target, rating),
                **{f"has_{s}": int(s is Stream.EEG) for s in PAPER_STREAMS},
            }
            signals = {Stream.EEG: microvolts[eeg].T.astype(np.float32)}
            blocks.append(TrialBlock(row, signals))
        write_subject(root, f"{person:02d}", parts=iter(blocks), inputs={"inputs": {}})
    return open_store(root).cut()


def _recall(file: Path, make: Callable[[], pd.DataFrame]) -> pd.DataFrame:
    if not file.is_file():
        file.parent.mkdir(parents=True, exist_ok=True)
        make().to_csv(file, index=False)
    return pd.read_csv(file)


def main() -> None:
    """Do what the command line asks."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=["list", "select", "veto", "confirm"])
    parser.add_argument("--work", type=Path, default=Path("best-honest"))
    parser.add_argument("--eegmat", type=Path, help="eegmat_128hz.npz")
    parser.add_argument(
        *("--seeds", "-s"),
        type=int,
        nargs="+",
        default=CONFIRM_SEEDS,
        help="to confirm",
    )
    asked = parser.parse_args()
    if asked.what == "list":
        print(json.dumps({n: asdict(c) for n, c in CANDIDATES.items()}, indent=2))
    elif asked.what == "veto":
        veto(asked.eegmat)
    elif asked.what == "select":
        select(asked.work)
    else:
        confirm(asked.work, asked.seeds)


if __name__ == "__main__":
    main()
