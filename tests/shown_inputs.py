"""What the commands of the documentation read, made small."""

import contextlib
import re
import shlex
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import torch

from deepvanet.cli import main
from pages import write_recording
from shown_code import ROOT, read_blocks
from small_deap_original import list_events
from small_deap_original import write_recording as write_raw
from vgg_tensors import sample_vgg

SMALL = "--subjects 3 --trials 6 --seconds 2"
MAKES: Mapping[str, str] = {
    "DEAP": "synth deap DEAP --subjects 3 --trials 6 --seconds 5",
    "MAHNOB": "synth mahnob MAHNOB --subjects 3 --trials 8 --seconds 4",
    "AMIGOS": f"synth amigos AMIGOS {SMALL}",
    "DREAMER": "synth dreamer DREAMER --subjects 3 --trials 8 --seconds 2",
    "WESAD": "synth wesad WESAD --subjects 3 --seconds 20",
    "CASE": "synth case CASE --subjects 3 --seconds 20",
    "AFEW-VA": "synth afew-va AFEW-VA --subjects 3 --trials 2 --seconds 1",
    "store": "prepare deap DEAP --out store",
    "mahnob-store": "prepare mahnob MAHNOB --out mahnob-store",
    "wesad-store": "prepare wesad WESAD --out wesad-store",
    "case-store": "prepare case CASE --out case-store",
    "run": "evaluate store --out run --streams bio,face+bio "
    "--learner network,bandpower-logistic --epochs 1 --folds 2 --permutations 0",
    "model": "train store --out model --streams all --epochs 1",
    "face.safetensors": "pretrain AFEW-VA --out face.safetensors --epochs 1",
    "mine": "synth recordings mine --subjects 3 --trials 6 --seconds 2",
}
"""The command that makes each file or folder which a page does not make itself."""
KEPT = ("DEAP", "store", "MAHNOB", "mahnob-store", "AFEW-VA", "mine")
"""What is made once, and copied for each page."""


@dataclass(frozen=True)
class Kitchen:
    """Makes what commands read, in the folder of a page.

    Parameters
    ----------
    kept
        A folder for what several pages read.
    """

    kept: Path

    def lay(self, text: str, folder: Path) -> None:
        """Make what a command names and its folder lacks."""
        for name in re.findall(r"[\w./-]+", text):
            self.make(name.partition("/")[0], folder)

    def make(self, name: str, folder: Path) -> None:
        """Make one thing, unless it is there or unknown."""
        if (folder / name).exists():
            return
        if name in KEPT and folder != self.kept:
            self.make(name, self.kept)
            copy(self.kept / name, folder / name)
        elif name in MAKES:
            self.lay(MAKES[name].rpartition("--out")[0], folder)
            run_command(f"deepvanet {MAKES[name]}", folder)
        elif name in WRITES:
            WRITES[name](self, folder)


def copy(source: Path, target: Path) -> None:
    """Copy a file, or a folder and what is in it."""
    if source.is_dir():
        shutil.copytree(source, target, dirs_exist_ok=True)
    else:
        shutil.copy(source, target)


def run_command(line: str, folder: Path) -> None:
    """Run a command in a folder, in this process."""
    _, *arguments = shlex.split(line)
    with contextlib.chdir(folder):
        status = main(arguments)
    assert status == 0, line


def run_program(*command: str, folder: Path) -> str:
    """Run a program in a folder; return what it printed."""
    done = subprocess.run(
        command, cwd=folder, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, f"{shlex.join(command)}\n{done.stdout}{done.stderr}"
    return done.stdout


def write_raw_deap(kitchen: Kitchen, folder: Path) -> None:
    """Add the raw recordings of DEAP's three subjects to its folder."""
    kitchen.make("DEAP", folder)
    for subject in ("01", "02", "03"):
        write_raw(folder / "DEAP", subject, events=list_events(6))


def write_face_and_signals(_kitchen: Kitchen, folder: Path) -> None:
    """Write ``face.mp4`` and ``signals.bdf`` of a person, of DEAP's channels."""
    write_recording(folder)
    shutil.copy(folder / "signals.bdf", folder / "recording.edf")


def lay_recordings(kitchen: Kitchen, folder: Path) -> None:
    """Lay three people's recordings, and the table of their trials, in a folder."""
    kitchen.make("mine", kitchen.kept)
    copy(kitchen.kept / "mine", folder)


def lay_trials(kitchen: Kitchen, folder: Path) -> None:
    """Lay a table of trials: of the person whose signals are there, or of three."""
    if not (folder / "signals.bdf").exists():
        lay_recordings(kitchen, folder)
        return
    rows = ["subject,trial,stimulus,bio,onset_s,duration_s"]
    rows += [f"1,{n},clip{n},signals.bdf,{3 * n - 1},2" for n in (1, 2)]
    (folder / "trials.csv").write_text("\n".join(rows) + "\n")


def write_log(kitchen: Kitchen, folder: Path) -> None:
    """Write ``log.csv`` of PsychoPy, and ``sam.csv``, for the first recording."""
    kitchen.make("mine", kitchen.kept)
    for name in ("s01.bdf", "s01.mp4"):
        shutil.copy(kitchen.kept / "mine" / name, folder)
    clips = range(1, 5)
    log = ["participant,psychopyVersion,trials.thisN,movieFile,movie.started"]
    log[0] += ",movie.stopped"
    log += [
        f"01,2024.2.4,{n - 1},clips/c{n}.mp4,{3 * n}.0,{3 * n + 2}.0" for n in clips
    ]
    (folder / "log.csv").write_text("\n".join(log) + "\n")
    ratings = ["clip,SAM_valence,SAM_arousal"]
    ratings += [f"c{n},{n},{5 - n}" for n in clips]
    (folder / "sam.csv").write_text("\n".join(ratings) + "\n")


def lay_predictions(kitchen: Kitchen, folder: Path) -> None:
    """Lay the tables of a run beside it."""
    kitchen.make("run", folder)
    for name in ("predictions.csv", "segments.csv"):
        shutil.copy(folder / "run" / name, folder)


def lay_face_video(kitchen: Kitchen, folder: Path) -> None:
    """Lay a video of AMIGOS beside its folder."""
    kitchen.make("AMIGOS", folder)
    (video,) = (folder / "AMIGOS").rglob("P1_10_face.mov")
    shutil.copy(video, folder)


def write_vgg(_kitchen: Kitchen, folder: Path) -> None:
    """Write weights under torchvision's names."""
    torch.save(sample_vgg(), folder / "vgg16.pth")


def write_own_learner(_kitchen: Kitchen, folder: Path) -> None:
    """Write the learner that its page shows."""
    code, *_ = read_blocks(ROOT / "docs" / "own-learner.md", "python")
    (folder / "skin.py").write_text(code)


WRITES = {
    "deap-original": write_raw_deap,
    **dict.fromkeys(
        ("face.mp4", "signals.bdf", "recording.edf"), write_face_and_signals
    ),
    "trials.csv": lay_trials,
    **dict.fromkeys(("log.csv", "sam.csv"), write_log),
    **dict.fromkeys(("predictions.csv", "segments.csv"), lay_predictions),
    "P1_10_face.mov": lay_face_video,
    "vgg16.pth": write_vgg,
    "skin.py": write_own_learner,
}
"""What no command makes."""
