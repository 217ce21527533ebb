"""A person's own learner: a file of code, an object, what makes one."""

from pathlib import Path

import numpy as np
import pytest

import deepvanet
from deepvanet.cli import main
from deepvanet.config import NetworkSettings
from deepvanet.learners.making import find_learner, load_learner
from deepvanet.learners.own_sources import describe_object, register
from deepvanet.schema import UserError
from shown_code import ROOT, read_blocks

CODE, *_ = read_blocks(ROOT / "docs" / "own-learner.md", "python")
ASKED = ["--protocol", "trial", "--target", "valence", "--streams", "peripheral"]
ASKED += ["--folds", "2", "--permutations", "0", "--jobs", "1"]
QUICK = {"protocols": "trial", "targets": "valence", "folds": 2, "permutations": 0}


@pytest.fixture(scope="module")
def store(tiny_store, tmp_path_factory):
    path = tmp_path_factory.mktemp("own") / "store"
    tiny_store(path, n_trials=8, n_segments=2, effect=4)
    return path


@pytest.fixture
def skin(tmp_path, monkeypatch):
    """The file of the page, in the current folder."""
    monkeypatch.chdir(tmp_path)
    Path("skin.py").write_text(CODE)
    return "skin.py:Skin"


EPOCHS = """
import deepvanet

class Skin:
    traits = deepvanet.Traits(has_epochs=True)

    def fit(self, rows):
        pass
"""


class Constant:
    """Gives all rows one score, of a shape that a test chooses."""

    def __init__(self, score=0.5, name="constant", *, shape=None):
        self.score = score
        self.name = name
        self.shape = shape

    def fit(self, _train):
        """Remember nothing."""
        return lambda rows: np.full(self.shape or len(rows), self.score)


def make_constant(settings, seed, /, other=0.25):
    assert isinstance(settings, NetworkSettings)
    return Constant(other + seed, name="unused")


def evaluate(store, out, learners, **asked):
    given = {**QUICK, "streams": "peripheral", **asked}
    return deepvanet.evaluate(store, out, learners=learners, **given)


def evaluate_file(store, out, learner, *more):
    command = ["evaluate", str(store), "--out", str(out), *ASKED, "--learner", learner]
    return main([*command, *more])


def scores_of(run, learner):
    rows = run.predictions
    return rows[rows["learner"] == learner]["score"].to_numpy()


def test_the_file_of_the_page_is_evaluated_by_name(store, skin, tmp_path):
    assert evaluate_file(store, tmp_path / "run", f"{skin},bandpower-logistic") == 0

    scores = deepvanet.tabulate_scores(tmp_path / "run")
    mine = scores[(scores["learner"] == skin) & (scores["metric"] == "auroc")]
    assert (mine["mean"] > 0.9).all()
    assert len(mine) == 2


def test_an_object_scores_as_its_file_does(store, skin, tmp_path):
    space = {}
    exec(compile(CODE, "skin.py", "exec"), space)
    evaluate_file(store, tmp_path / "run", skin)

    run = evaluate(store, tmp_path / "object", [space["Skin"]()])

    file = scores_of(deepvanet.open_run(tmp_path / "run"), skin)
    np.testing.assert_array_equal(scores_of(run, "Skin"), file)


@pytest.mark.slow
def test_several_jobs_score_as_one_does(store, skin, tmp_path):
    space = {"__name__": "__main__"}  # as in a notebook
    exec(compile(CODE, "notebook", "exec"), space)
    asked = [[skin, space["Skin"](2.0)]]
    one, several = (
        evaluate(store, tmp_path / f"{jobs}", *asked, jobs=jobs) for jobs in (1, 2)
    )

    assert {skin, "Skin"} <= set(one.predictions["learner"])
    assert several.predictions.equals(one.predictions)


def test_what_makes_a_learner_is_given_settings_and_seed(store, tmp_path):
    run = evaluate(store, tmp_path / "run", [make_constant], seeds=(0, 0.5 > 1))

    assert set(scores_of(run, "make_constant")) == {0.25}
    register(describe_object(make_constant))
    learner = find_learner("make_constant")(NetworkSettings(), 3)
    assert learner.learner.score == 3.25


def test_a_fit_leaves_nothing_in_the_object(store, tmp_path):
    class Counts:
        n_fits = 0

        def fit(self, _train):
            self.n_fits += 1
            share = self.n_fits / 10
            return lambda rows: np.full(len(rows), share)

    counts = Counts()

    run = evaluate(store, tmp_path / "run", [counts])

    assert counts.n_fits == 0
    assert set(scores_of(run, "Counts")) == {0.1}


def test_a_run_is_not_completed_with_other_code(store, skin, tmp_path, capsys):
    evaluate_file(store, tmp_path / "run", skin)
    Path("skin.py").write_text(CODE.replace("spread=1.0", "spread=2.0"))

    status = evaluate_file(store, tmp_path / "run", skin)

    assert status == 2
    assert f"made with other settings ({skin} is " in capsys.readouterr().err
    settings = deepvanet.open_run(tmp_path / "run").settings
    assert list(settings["own_learners"]) == [skin]


def test_a_run_is_not_completed_with_another_object(store, tmp_path):
    evaluate(store, tmp_path / "run", [Constant(0.5)])
    evaluate(store, tmp_path / "run", [Constant(0.5)])

    with pytest.raises(UserError, match=r"made with other settings .*constant is"):
        evaluate(store, tmp_path / "run", [Constant(0.6)])


def test_a_run_of_a_file_is_made_again_from_its_settings(
    store, skin, tmp_path, monkeypatch, capsys
):
    evaluate_file(store, tmp_path / "run", skin)
    settings = ["--settings", str(tmp_path / "run" / "settings.toml"), "--jobs", "1"]
    again = ["evaluate", str(store), "--out", str(tmp_path / "again"), *settings]

    assert main(again) == 0

    both = [tmp_path / name / "predictions.csv" for name in ("run", "again")]
    assert both[0].read_bytes() == both[1].read_bytes()
    monkeypatch.chdir("/")
    assert main([*again[:3], str(tmp_path / "third"), *settings]) == 2
    assert "skin.py cannot be read: No such file" in capsys.readouterr().err


def test_a_run_of_an_object_is_not_made_again_from_its_settings(store, tmp_path):
    from deepvanet.evaluation import read_asked
    from deepvanet.learners import own_sources

    evaluate(store, tmp_path / "run", [Constant(name="gone")])
    del own_sources._registered["gone"]

    with pytest.raises(UserError, match="learner gone was an object of Python"):
        read_asked(tmp_path / "run" / "settings.toml", store)


@pytest.mark.parametrize(
    ("code", "name", "sentence"),
    [
        (None, "skin.py:Skin", "skin.py cannot be read: No such file"),
        ("class Other: pass", "skin.py:Skin", "skin.py has no Skin; it has Other"),
        ("import nothing_of_that", "skin.py:Skin", "skin.py cannot be run: ModuleNot"),
        ("def f(:", "skin.py:Skin", "skin.py cannot be run: SyntaxError"),
        ("raise SystemExit(3)", "skin.py:Skin", "cannot be run: SystemExit: 3"),
        ("class Skin: pass", "skin.py:Skin", "a Skin has no method fit"),
        ("Skin = 3", "skin.py:Skin", "is a int, not a class or a function"),
        (
            "class Skin:\n def __init__(self, n): pass",
            "skin.py:Skin",
            "its parameter n has no default; only settings, seed, face_weights are",
        ),
        (
            "class Skin:\n def __init__(self): raise ValueError('no good')",
            "skin.py:Skin",
            "cannot be made: ValueError: no good",
        ),
        (
            "class Skin:\n traits = 'eeg'\n def fit(self, rows): pass",
            "skin.py:Skin",
            "its traits must be deepvanet.Traits, got a str",
        ),
        (
            EPOCHS,
            "skin.py:Skin",
            "it has epochs, so it needs a method refit",
        ),
        ("class Skin: pass", "skin.py", "unknown learner 'skin.py'"),
    ],
)
def test_a_file_that_has_no_learner_ends_in_a_sentence(
    store, tmp_path, monkeypatch, capsys, code, name, sentence
):
    monkeypatch.chdir(tmp_path)
    if code is not None:
        Path("skin.py").write_text(code)

    status = evaluate_file(store, tmp_path / "run", name)

    said = capsys.readouterr().err
    assert status == 2
    assert sentence in said
    assert said.count("\n") == 1
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("learner", "sentence"),
    [
        (Constant(shape=3), r"an array of shape \(8,\), got \(3,\)"),
        (Constant(np.nan), "finite numbers, got 8 others"),
        (Constant(-1.5), "probabilities from 0 to 1, got -1.5 to -1.5"),
        (Constant("high"), "numbers, got a ndarray"),
    ],
)
def test_scores_of_another_kind_are_refused(store, tmp_path, learner, sentence):
    with pytest.raises(UserError, match=f"constant: score must return {sentence}"):
        evaluate(store, tmp_path / "run", [learner], streams="peripheral")


@pytest.mark.parametrize(
    ("learners", "sentence"),
    [
        ([3], "learners: needs names, objects with a method fit"),
        ([Constant(name="two words")], "needs a name of letters"),
        ([lambda: Constant()], "needs a name of letters"),
        ([Constant(name="network")], "the name network is that of another learner"),
        ([Constant(name="network:4x8")], "needs a name of letters"),
        ([Constant(), Constant(0.6)], "two are called constant"),
    ],
)
def test_objects_that_cannot_be_named_are_refused(store, tmp_path, learners, sentence):
    with pytest.raises(UserError, match=sentence):
        evaluate(store, tmp_path / "run", learners)


def test_what_fit_returns_must_score(store, tmp_path):
    class Nothing:
        def fit(self, _train):
            return None

    with pytest.raises(UserError, match="fit must return a function of rows, or an"):
        evaluate(store, tmp_path / "run", [Nothing()])


def test_an_own_learner_stays_on_this_machine_and_out_of_bundles(store, tmp_path):
    with pytest.raises(UserError, match="which others of a cluster do not have"):
        evaluate(store, tmp_path / "run", [Constant()], executor="ray")
    with pytest.raises(UserError, match="cannot be sent to other processes"):
        held = Constant()
        held.file = (tmp_path / "open").open("w")
        held.__deepcopy__ = lambda _: Constant()  # a copy of it is no file
        try:
            evaluate(store, tmp_path / "other", [held], jobs=2)
        finally:
            held.file.close()
    with pytest.raises(UserError, match=r"constant: comes from an object of Python, a"):
        deepvanet.train(store, tmp_path / "model", learner="constant", streams="eeg")
    with pytest.raises(UserError, match=r"a bundle runs no code when it is loaded"):
        load_learner("constant", tmp_path)


def test_classes_and_ratings_are_checked_in_their_shapes(tiny_store, tmp_path):
    tiny_store(tmp_path / "store", n_trials=9, n_segments=1, graded=True)
    anything = deepvanet.Traits(goals=("high-low", "classes", "rating"))
    thirds, number = Constant(1 / 3, "thirds"), Constant(6.0, "six")
    thirds.traits = number.traits = anything
    thirds.fit = lambda _train: lambda rows: np.full((len(rows), 3), 1 / 3)

    classes = evaluate(tmp_path / "store", tmp_path / "a", [thirds], task="classes")
    rating = evaluate(tmp_path / "store", tmp_path / "b", [number], task="rating")

    assert set(classes.predictions["learner"]) >= {"thirds"}
    mine = rating.predictions[rating.predictions["learner"] == "six"]
    assert set(mine["prediction"]) == {6.0}
    with pytest.raises(UserError, match=r"six: score must return an array of"):
        evaluate(tmp_path / "store", tmp_path / "c", [number], task="classes")
