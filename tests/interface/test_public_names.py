"""The public interface: what it has, what importing it costs, how it looks."""

import ast
import inspect
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import deepvanet
from deepvanet.config import EvaluateSettings, Segmenting
from deepvanet.schema import UserError

ROOT = Path(__file__).parents[2]
HEAVY = ["numpy", "pandas", "torch", "mne", "sklearn", "scipy", "cv2", "matplotlib"]


def run_python(code):
    return subprocess.run(
        [sys.executable, "-c", code], check=True, capture_output=True, text=True
    ).stdout


def test_every_public_name_is_there_and_has_a_docstring():
    assert sorted(deepvanet.__all__) == dir(deepvanet)
    for name in deepvanet.__all__:
        found = getattr(deepvanet, name)
        if inspect.isclass(found) or inspect.isfunction(found):
            assert inspect.getdoc(found), name


def test_editors_are_given_the_names_that_python_is_given():
    stub = ast.parse((ROOT / "src/deepvanet/__init__.pyi").read_text())

    imported = {
        alias.name: node.module
        for node in stub.body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    assert sorted([*imported, "__version__"]) == sorted(deepvanet.__all__)
    for name, module in imported.items():
        assert f"deepvanet.{deepvanet._MODULES[name]}" == module, name


def test_importing_loads_no_array_library():
    heavy = f"print([n for n in {HEAVY} if n in sys.modules])"

    assert run_python(f"import sys, deepvanet; dir(deepvanet); {heavy}") == "[]\n"
    assert run_python(f"import sys, deepvanet.cli; {heavy}") == "[]\n"


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no attribute 'evaluated'"):
        _ = deepvanet.evaluated


@pytest.mark.parametrize("name", [n for n in deepvanet.__all__ if n[0].islower()])
def test_every_public_function_has_an_example(name):
    doc = inspect.getdoc(getattr(deepvanet, name))

    assert "Examples\n--------" in doc


def test_the_page_on_python_names_every_public_name():
    page = (ROOT / "docs/api.md").read_text()

    for name in deepvanet.__all__:
        if name != "__version__":
            assert f"   {name}\n" in page, name


def test_a_store_says_what_it_holds(tiny_store, tmp_path):
    tiny_store(tmp_path / "store", n_trials=3, n_segments=4)

    store = deepvanet.open_store(str(tmp_path / "store"))

    segments = store.cut(deepvanet.Segmenting(segment_s=2, step_s=1))
    assert len(store) == 6
    assert len(segments) == 18
    assert repr(store) == (
        f"<TrialStore {tmp_path / 'store'}: deap, 2 subjects, 6 trials, face, eeg (3), "
        "peripheral (2)>"
    )
    assert repr(segments) == (
        f"<SegmentStore {tmp_path / 'store'}: 18 segments, 2 s each 1 s, "
        "baseline: mean, face, eeg (3), peripheral (2)>"
    )


def test_rows_are_those_that_evaluate_learns_from(tiny_store, tmp_path):
    cut = tiny_store(tmp_path / "store", n_trials=4, n_segments=2)

    rows = deepvanet.select_rows(tmp_path / "store", targets="arousal", streams="eeg")

    eeg = deepvanet.Stream.EEG
    assert repr(rows) == "<Rows: 16 of eeg, high-low>"
    np.testing.assert_array_equal(rows.read(eeg), cut.read(eeg, np.arange(16)))
    np.testing.assert_array_equal(rows.label, cut.table["arousal"] >= 5)


def test_rows_of_several_targets_or_streams_are_refused(tiny_store, tmp_path):
    tiny_store(tmp_path / "store", n_trials=2, n_segments=1)

    with pytest.raises(UserError, match="targets: needs one, got valence, arousal"):
        deepvanet.select_rows(tmp_path / "store", targets="valence,arousal")
    with pytest.raises(UserError, match="streams: needs one, got eeg, face"):
        deepvanet.select_rows(tmp_path / "store", streams=["eeg", "face"])
    with pytest.raises(UserError, match="unknown stream 'egg', did you mean 'eeg'"):
        deepvanet.select_rows(tmp_path / "store", streams="egg")


@pytest.fixture(scope="module")
def priors_run(tiny_store, tmp_path_factory):
    """A run of a quick learner, and the store of it."""
    folder = tmp_path_factory.mktemp("run")
    tiny_store(folder / "store", n_trials=8, n_segments=2)
    run = deepvanet.evaluate(
        folder / "store",
        str(folder / "run"),
        protocols=("trial",),
        targets="valence",
        streams=["eeg", "peripheral"],
        learners="bandpower-logistic",
        folds=2,
        permutations=0,
    )
    return run, folder


def test_a_run_is_asked_for_by_keywords(priors_run):
    run, folder = priors_run

    settings = run.settings["evaluate"]
    assert settings["protocols"] == ["trial"]
    assert settings["learners"] == ["bandpower-logistic"]
    assert settings["network"]["scale"] == EvaluateSettings().network.scale
    assert len(run) == len(run.predictions) == 4 * 16 * 5
    assert repr(run).startswith(
        f"<Run {folder / 'run'}: 320 predictions; trial; valence; eeg, peripheral; "
        "bandpower-logistic, majority"
    )


def test_settings_and_keywords_ask_for_the_same_run(priors_run):
    run, folder = priors_run
    settings = EvaluateSettings(
        targets=("valence",),
        streams=("eeg", "peripheral"),
        learners=("bandpower-logistic",),
        folds=3,
        permutations=0,
    )

    again = deepvanet.evaluate(
        folder / "store",
        folder / "run",
        settings=settings,
        protocols=["trial"],
        folds=2,
        jobs=1,
    )

    assert again.predictions.equals(run.predictions)


def test_scores_report_comparison_and_audit_take_a_run_or_its_folder(
    filmed_run, tmp_path
):
    run = deepvanet.open_run(filmed_run)

    scores = deepvanet.tabulate_scores(run)
    page = deepvanet.report([run], str(tmp_path / "report"))
    compared = deepvanet.compare(run, "network", "majority", metric="accuracy")
    audited = deepvanet.audit(filmed_run)

    assert set(scores["learner"]) == set(run.predictions["learner"])
    assert page == tmp_path / "report" / "index.html"
    assert page.is_file()
    assert set(compared.table["metric"]) == {"accuracy"}
    assert audited.lines()


def test_a_recipe_sets_what_is_not_asked_for():
    from deepvanet.interface.asking import settle_asked

    made = settle_asked(
        None, EvaluateSettings, {"recipe": "code", "epochs": 3, "seeds": 4}
    )

    assert made.label_rule == ">=5"
    assert (made.baseline, made.network.scale) == ("waveform", "none")
    assert (made.network.epochs, made.seeds) == (3, (4,))


@pytest.mark.parametrize(
    ("asked", "sentence"),
    [
        ({"protocol": "trial"}, "protocol: there is no such setting.*did you mean"),
        ({"protocols": "trail"}, "unknown protocol 'trail', did you mean 'trial'"),
        ({"epochs": "many"}, "epochs: needs a whole number, got 'many'"),
        ({"learners": "svm"}, "unknown learner 'svm'"),
        ({"task": "happy"}, "task: unknown 'happy'"),
        ({"jobs": 0}, "jobs: must be 1 or more"),
        ({"settings": Segmenting()}, "settings: needs EvaluateSettings, got Segment"),
        (
            {"settings": EvaluateSettings(), "recipe": "code"},
            "recipe: cannot be given beside settings",
        ),
    ],
)
def test_what_cannot_be_had_is_a_sentence(tiny_store, tmp_path, asked, sentence):
    tiny_store(tmp_path / "store", n_trials=2, n_segments=1)

    with pytest.raises(UserError, match=sentence):
        deepvanet.evaluate(tmp_path / "store", tmp_path / "run", **asked)


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (lambda: deepvanet.open_store("missing"), "missing: no store here"),
        (lambda: deepvanet.open_store(3), "path: needs a path .* got a int"),
        (lambda: deepvanet.open_run(" "), "path: needs a file or folder, got ' '"),
        (lambda: deepvanet.load("missing"), "missing: no bundle here"),
        (lambda: deepvanet.predict("m", movie="x"), "movie: there is no such part"),
        (lambda: deepvanet.synth("deep", "x"), "unknown data set 'deep', did you mean"),
        (
            lambda: deepvanet.synth("deap", "x", n_subject=1),
            "did you mean 'n_subjects'",
        ),
        (lambda: deepvanet.check("deap", "missing"), "missing"),
        (lambda: deepvanet.prepare("recordings", "missing.csv", "out"), "missing.csv"),
        (lambda: deepvanet.report([], "out"), "report: no run was named"),
    ],
)
def test_a_wrong_argument_is_a_sentence(call, sentence, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    with pytest.raises(UserError, match=sentence):
        call()


def test_a_folder_that_cannot_be_written_is_a_sentence(tiny_store, tmp_path):
    tiny_store(tmp_path / "store", n_trials=4, n_segments=1)
    (tmp_path / "file").write_text("")

    with pytest.raises(UserError, match="file"):
        deepvanet.evaluate(
            tmp_path / "store",
            tmp_path / "file" / "run",
            protocols="trial",
            streams="eeg",
            learners="bandpower-logistic",
        )


def test_what_a_learner_cannot_read_is_a_warning(tiny_store, tmp_path, caplog):
    tiny_store(tmp_path / "store", n_trials=8, n_segments=1)

    deepvanet.evaluate(
        tmp_path / "store",
        tmp_path / "run",
        protocols="trial",
        targets="valence",
        streams="face,eeg",
        learners="bandpower-logistic",
        folds=2,
        permutations=0,
    )

    said = [record.message for record in caplog.records]
    assert "learner bandpower-logistic cannot read face: left out" in said
    assert {record.levelname for record in caplog.records} == {"WARNING"}


@pytest.mark.long
def test_a_way_through_the_package_from_recordings_to_a_prediction(tmp_path):
    said = deepvanet.synth(
        "dreamer", tmp_path / "DREAMER", n_subjects=2, n_trials=8, seconds=4
    )
    store = deepvanet.prepare(
        "dreamer", tmp_path / "DREAMER", tmp_path / "store", artefacts="none"
    )
    model = deepvanet.train(
        store,
        tmp_path / "model",
        targets="valence",
        streams="eeg",
        learner="bandpower-logistic",
        cross_validate=False,
    )
    mat = next((tmp_path / "DREAMER").glob("*.mat"))
    out = tmp_path / "timeline.csv"
    timeline = deepvanet.predict(model, out=out, bio=mat, trial="01/01")

    assert said.startswith("2 subjects")
    assert len(store) == 16
    assert repr(model).startswith(f"<Model bundle: {tmp_path / 'model'}")
    assert out.is_file()
    assert timeline.table["valence"].notna().any()
