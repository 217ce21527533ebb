"""What the systems of whole trials find, leave out, save, and share."""

from dataclasses import replace

import numpy as np
import pytest
from whole_trials import write_known_store

from deepvanet.config import EvaluateSettings, NetworkSettings
from deepvanet.evaluation.parts import cut_parts
from deepvanet.evaluation.statement import state_sharing
from deepvanet.learners.known import find_record
from deepvanet.learners.making import find_learner, load_learner
from deepvanet.learners.published_systems import SYSTEMS
from deepvanet.schema import STREAM_SETS, Channel, ChannelType, Goal, Stream, UserError
from deepvanet.systems import trial_table
from deepvanet.systems.soleymani2012 import AS_PUBLISHED
from deepvanet.systems.unit_range import UnitRange
from small_store import hold, rate, take_rows

NAMES = ("koelstra2012", "soleymani2012", "after-wiem2017")
SMALL = NetworkSettings(size="small")


def make(name, settings=SMALL):
    return find_learner(name)(settings, 0)


@pytest.fixture(scope="module")
def rows(tiny_store, tmp_path_factory):
    """Three subjects of bio, ten trials of six seconds each."""
    path = tmp_path_factory.mktemp("systems") / "store"
    store = tiny_store(path, n_subjects=3, n_trials=10, n_segments=6, effect=0.05)
    return take_rows(store, STREAM_SETS["bio"])


def read(rows, name):
    """Return the rows with the streams that a learner reads."""
    return replace(rows, streams=make(name).traits.streams)


def split(rows):
    is_new = (rows.table["subject"] == rows.table["subject"].max()).to_numpy()
    return rows.take(~is_new), rows.take(is_new)


@pytest.mark.parametrize("name", NAMES)
def test_each_row_gets_its_trial_s_score_in_whatever_order_rows_come(rows, name):
    train, test = split(read(rows, name))
    fitted = make(name).fit(train, unit="subject")

    scores = fitted.score(test)

    by_trial = [set(scores[test.trial == trial]) for trial in range(10)]
    assert all(len(some) == 1 for some in by_trial)
    mixed = np.random.default_rng(0).permutation(len(test))
    np.testing.assert_allclose(fitted.score(test.take(mixed)), scores[mixed])


@pytest.mark.parametrize("name", NAMES)
def test_a_trial_is_what_is_handed_in_of_it(rows, name):
    train, test = split(read(rows, name))
    half = test.take((test.table["segment"] < 3).to_numpy())
    fitted = make(name).fit(train)

    found = fitted.score(half)

    arrays = {s: half.read(s, np.flatnonzero(half.trial == 0)) for s in half.streams}
    np.testing.assert_allclose(found[:3], fitted.score(hold(arrays)), rtol=1e-9)
    assert make(name).traits.joins_rows
    assert not make(name).traits.spans_trial


@pytest.mark.parametrize("name", [*NAMES, AS_PUBLISHED])
@pytest.mark.parametrize("kind", ["high-low", "classes", "rating"])
def test_what_predicts_any_goal_is_saved_and_loaded(rows, name, kind, tmp_path):
    mine = read(rows, name)
    if kind == "rating":
        mine = rate(mine)
    elif kind == "classes":
        goal = Goal("classes", ("low", "middle", "high"))
        mine = replace(mine, label=np.repeat(np.arange(30) % 3, 6), goal=goal)
    if not make(name).traits.can_predict(mine.goal):
        assert (name, kind) == ("koelstra2012", "rating")
        return
    train, test = split(mine)
    fitted = make(name).fit(train, unit="subject")

    fitted.save(tmp_path / "fitted")
    loaded = load_learner(name, tmp_path / "fitted")

    scores = fitted.score(test)
    assert loaded.score(test).tobytes() == scores.tobytes()
    assert scores.shape == ((len(test), 3) if kind == "classes" else (len(test),))
    if kind == "classes":
        np.testing.assert_allclose(scores.sum(axis=1), 1)
    assert loaded.choices == fitted.choices


@pytest.mark.parametrize(
    ("name", "change", "message"),
    [
        ("koelstra2012", {"eeg_weight": np.array(1.5)}, "eeg_weight needs 0 to 1"),
        ("koelstra2012", {"eeg/chosen": np.ones(2, bool)}, "chosen needs length"),
        ("soleymani2012", {"eeg/gamma": np.array(np.nan)}, "gamma holds numbers that"),
        ("soleymani2012", {"peripheral/support": np.ones((2, 2))}, "needs length"),
        (AS_PUBLISHED, {"eeg/range_low": np.ones((2, 3))}, "range_low needs length"),
    ],
)
def test_numbers_that_no_fit_gives_are_not_loaded(
    rows, name, change, message, tmp_path
):
    fitted = make(name).fit(rows)
    replace(fitted, numbers={**fitted.numbers, **change}).save(tmp_path / "fitted")

    with pytest.raises(UserError, match=f"not a saved learner: .*{message}"):
        load_learner(name, tmp_path / "fitted")


@pytest.mark.parametrize("name", NAMES)
def test_features_that_no_training_trial_has_are_left_out_and_named(rows, name, caplog):
    trial_table.clear_cache()
    mine = replace(rows, streams=(Stream.PERIPHERAL,))

    fitted = make(name).fit(mine)
    make(name).fit(mine)

    names, kept = fitted.numbers["peripheral/names"], fitted.numbers["peripheral/kept"]
    n_out = fitted.choices["features_left_out"]
    assert n_out >= 5
    assert (~kept).sum() >= n_out
    assert "GSR power 0.00-0.24 Hz" in names[~kept] or name == "soleymani2012"
    said = [record.message for record in caplog.records]
    assert len(said) == 1
    assert f"{name}: {n_out:g} features of {len(names)} left out, since" in said[0]
    assert "GSR" in said[0]


@pytest.mark.parametrize("name", NAMES[1:])  # koelstra2012 reads all that there are
def test_peripheral_channels_that_are_none_of_its_own_are_named(name):
    muscle = (Channel("ACC", ChannelType.EMG, "uV"),)
    arrays = {Stream.PERIPHERAL: np.random.default_rng(0).normal(size=(4, 1, 128))}
    held = hold(arrays, muscle)
    with pytest.raises(UserError, match=rf"{name}: reads none of .* ACC \(emg\)"):
        make(name).fit(held)


def find_leaks(rows, name, protocol, **network):
    settings = EvaluateSettings(
        protocols=(protocol,),
        targets=("valence",),
        streams=("peripheral",),
        learners=(name,),
        folds=3,
        network=NetworkSettings(**network),
    )
    stated = state_sharing(cut_parts(rows.store, settings), settings, artefacts="none")
    return next(entry["leaks"] for entry in stated if entry["learner"] == name)


@pytest.mark.parametrize("name", NAMES)
def test_signals_of_the_test_take_part_only_where_that_was_asked_for(rows, name):
    assert find_leaks(rows, name, "subject") == "none"
    assert find_leaks(rows, name, "trial") == "none"
    assert find_leaks(rows, name, "subject", normalise="subject") == "unlabelled"
    assert find_leaks(rows, name, "paper") == "trial"


def test_scaling_within_participants_as_published_sees_the_one_left_out(rows):
    train, test = split(rows)
    fitted = make(AS_PUBLISHED).fit(train, unit="subject")

    alone = fitted.score(test.take(test.trial < 5))

    together = fitted.score(test)[test.trial < 5]
    assert not np.allclose(alone, together, rtol=0, atol=1e-6)
    assert find_leaks(rows, AS_PUBLISHED, "subject") == "unlabelled"
    assert find_leaks(rows, AS_PUBLISHED, "trial-pooled") == "none"
    plain = make("soleymani2012").fit(train, unit="subject")
    np.testing.assert_allclose(
        plain.score(test.take(test.trial < 5)), plain.score(test)[test.trial < 5]
    )


def test_ranges_bring_each_subject_to_0_to_1():
    values = np.array([[1.0, 7], [3, 7], [2, 7], [10, np.nan], [20, 8], [15, 9]])
    subject = np.array(list("aaabbb"), dtype=object)
    known = UnitRange.fit(values[:3], subject[:3])

    found = known.apply(values, subject)

    assert found[:, 0].tolist() == [0, 1, 0.5, 0, 1, 0.5]
    assert found[:3, 1].tolist() == [0.5, 0.5, 0.5]
    np.testing.assert_array_equal(found[3:, 1], [np.nan, 0, 1])
    beyond = known.apply(np.array([[5.0, 7]]), subject[:1])
    assert beyond.tolist() == [[2.0, 0.5]]


def test_the_size_of_the_grid_is_a_setting():
    for name in ("soleymani2012", "after-wiem2017"):
        n_fits = [
            make(name, NetworkSettings(size=size)).traits.n_fits
            for size in ("small", "full")
        ]
        assert n_fits == [1 + 3 * 9, 1 + 3 * 25]


@pytest.mark.parametrize("name", NAMES)
def test_a_record_says_what_was_taken_and_what_was_chosen(name):
    record = SYSTEMS[name]

    tags = {fact.tag for fact in record.facts}
    assert "choice" in tags
    assert tags & {"paper", "abstract", "memory"}
    assert not [f for f in record.facts if '"' in f.text or "paper says" in f.text]
    assert find_record(name).kind == "features"
    assert record.is_after == name.startswith("after-")


FOUND = [
    ("koelstra2012", "eeg", "band power"),
    ("koelstra2012", "eeg", "asymmetry"),
    ("koelstra2012", "peripheral", "heart rate"),
    ("koelstra2012", "bio", "skin"),
    ("soleymani2012", "eeg", "band power"),
    ("soleymani2012", "eeg", "asymmetry"),
    ("soleymani2012", "peripheral", "heart rate"),
    ("soleymani2012", "bio", "skin"),
    ("after-wiem2017", "peripheral", "heart rate"),
    ("after-wiem2017", "peripheral", "skin"),
]


@pytest.fixture(scope="module")
def known(tmp_path_factory):
    """Return rows of each store in which one thing tells high from low."""
    root = tmp_path_factory.mktemp("known")
    held = {}

    def find(kind):
        if kind not in held:
            held[kind] = write_known_store(root / kind.replace(" ", "-"), kind)
        return held[kind]

    return find


def score(name, rows, settings=SMALL):
    """Return the share of hits over trials of subjects that were left out."""
    hits = []
    for subject in np.unique(rows.table["subject"]):
        is_new = (rows.table["subject"] == subject).to_numpy()
        fitted = make(name, settings).fit(rows.take(~is_new), unit="subject")
        test = rows.take(is_new)
        hits.append(((fitted.score(test) > 0.5) == test.label).mean())
    return float(np.mean(hits))


@pytest.mark.long
@pytest.mark.parametrize(("name", "streams", "kind"), FOUND)
def test_what_a_method_reads_is_found_in_subjects_never_seen(
    known, name, streams, kind
):
    rows = replace(known(kind), streams=STREAM_SETS[streams])

    assert score(name, rows) > 0.8


@pytest.mark.long
@pytest.mark.parametrize("name", NAMES)
def test_labels_at_random_are_not_found(known, name):
    rng = np.random.default_rng(7)
    rows = read(known("heart rate"), name)
    found = []
    for _ in range(20):
        label = np.concatenate([rng.permutation(12) % 2 for _ in range(3)])
        found.append(score(name, replace(rows, label=label[rows.trial])))

    # 20 x 36 trials: a standard error of 0.02, more as the same trials come again
    assert abs(np.mean(found) - 0.5) < 0.06
