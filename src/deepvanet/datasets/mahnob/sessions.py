"""The sessions of MAHNOB-HCI: what each ``session.xml`` says, and what lies beside it.

A session's number says who and what: 130 of them belong to each subject, of which
the first 40 are neutral (odd) and emotional (even) clips in turn.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from xml.etree import ElementTree as ET

from deepvanet.datasets.text_numbers import to_float
from deepvanet.files import is_file
from deepvanet.schema import HIGHEST_RATING, LOWEST_RATING, Target, UserError

SESSIONS_A_SUBJECT = 130
LAST_OF_CLIPS = 40
"""The offset of a subject's last clip; images and tagged videos follow."""
CLIPS = "emotion elicitation"
VIDEO_FPS = 60.9708  # of every session, though the containers say 61
RATINGS: Mapping[Target, str] = {
    Target.VALENCE: "feltVlnc",
    Target.AROUSAL: "feltArsl",
}

FURTHER: Mapping[str, str] = {
    "dominance": "feltCtrl",
    "predictability": "feltPred",
    "emotion": "feltEmo",
}
"""What else was asked, by the column of trials; an emotion is a code."""
PERSON: Mapping[str, str] = {"sex": "gender", "age": "age"}
"""What is said of the subject, by the column of trials; not all copies say it."""
EMOTIONS = (
    *("neutral", "anger", "disgust", "fear", "joy", "sadness", "surprise"),
    *("scream", "bored", "sleepy", "unknown", "amusement", "anxiety"),
)
"""Emotions by their code."""

_LARGEST = 1 << 20  # bytes; a session.xml has some thousand
_BDF = re.compile(r"Part_(\d+)_S_Trial(\d+)_emotion\.bdf", re.IGNORECASE)
_GAZE = re.compile(r".*-All-Data.*\.tsv", re.IGNORECASE)
_IN_COLOUR = {"type": "Video", "color": "1"}
_COLOUR = re.compile(r".*_C1 trigger _.*\.avi", re.IGNORECASE)


@dataclass(frozen=True)
class Session:
    """One folder of ``Sessions``.

    Attributes
    ----------
    number : int
        Its name, from which subject and offset follow.
    kind : str
        ``experimentType``.
    is_emotional : bool
        Whether an emotional clip was shown, and not a neutral one or a task.
    media : str
        The clip, or nothing.
    ratings : mapping
        As text; without those that are absent.
    further : mapping
        What else was felt, as columns of trials, an emotion by its name; and sex and
        age of the subject, where they are said.
    bdf, video : Path | None
        Signals, and the colour camera.
    absent_video : str
        The colour video that ``session.xml`` names, if there is no such file.
    n_videos : int
        Files that may be the colour camera's, of which ``video`` is the first.
    vid_rate : str
        The camera's rate as text.
    gaze : Path | None
        The eye tracker's samples.
    """

    folder: Path
    number: int
    kind: str
    is_emotional: bool
    media: str
    ratings: Mapping[Target, str]
    bdf: Path | None
    video: Path | None
    vid_rate: str
    said_subject: str
    absent_video: str = ""
    n_videos: int = 0
    further: Mapping[str, str] = field(default_factory=dict)
    gaze: Path | None = None

    @property
    def subject(self) -> str:
        """Who it was, as "01"."""
        return name_subject(self.number)

    @property
    def offset(self) -> int:
        """Which of the subject's sessions it is, from 1."""
        return (self.number - 1) % SESSIONS_A_SUBJECT + 1

    @property
    def trial(self) -> str:
        """The place of an emotional clip in the order of viewing, as "01"."""
        return f"{self.offset // 2:02d}"

    @property
    def lacks(self) -> tuple[str, ...]:
        """What is missing of what a trial needs."""
        needed = {
            "ratings": len(self.ratings) == len(RATINGS),
            "signals": self.bdf is not None,
        }
        return tuple(name for name, is_there in needed.items() if not is_there)

    @property
    def is_usable(self) -> bool:
        """Whether it is a trial; one without video has no face stream."""
        return self.is_emotional and not self.lacks

    @property
    def fps(self) -> float:
        """The camera's true rate, or ``UserError``.

        Raises
        ------
        UserError
            When ``vidRate`` is given, and is not a number from 1 to 1000.
        """
        if not self.vid_rate:
            return VIDEO_FPS
        rate = to_float(self.vid_rate)
        if not 1 <= rate <= 1000:
            raise UserError(
                f"{self.folder / 'session.xml'}: vidRate must be frames a second, got "
                f"{self.vid_rate!r}"
            )
        return rate

    def rate(self, target: Target) -> float:
        """Return a rating from 1 to 9, or raise ``UserError``.

        Raises
        ------
        UserError
            When the session holds anything else.
        """
        text = self.ratings[target]
        rating = to_float(text)
        if not LOWEST_RATING <= rating <= HIGHEST_RATING:
            raise UserError(
                f"{self.folder / 'session.xml'}: {RATINGS[target]} must be a number "
                f"from 1 to 9, got {text!r}"
            )
        return rating


def list_sessions(root: Path, subject: str | None = None) -> list[Session]:
    """Return the sessions of one subject or of all, by number.

    Raises
    ------
    UserError
        When the folder is not MAHNOB-HCI, or a ``session.xml`` cannot be read.
    """
    folders = [
        folder
        for folder in list_folders(root)
        if subject in (None, name_subject(int(folder.name)))
    ]
    return [session for folder in folders if (session := read_session(folder))]


def name_subject(number: int) -> str:
    """Return whose session it is, as "01"."""
    return f"{(number - 1) // SESSIONS_A_SUBJECT + 1:02d}"


def list_folders(root: Path) -> list[Path]:
    """Return the folders of the sessions by number; others are passed over.

    Raises
    ------
    UserError
        When the folder is not MAHNOB-HCI.
    """
    if not root.is_dir():
        raise UserError(f"{root}: no such folder")
    folder = root / "Sessions"
    if not folder.is_dir():
        raise UserError(f"{root}: not MAHNOB-HCI as downloaded, Sessions is missing")
    found = [path for path in folder.iterdir() if _is_number(path.name)]
    return sorted((p for p in found if p.is_dir()), key=lambda path: int(path.name))


def read_session(folder: Path) -> Session | None:
    """Read what a folder holds, or None where there is no ``session.xml``.

    Raises
    ------
    UserError
        When ``session.xml`` cannot be read.
    """
    file = folder / "session.xml"
    if not file.is_file():
        return None
    said = _parse(file)
    kind = said.get("experimentType", "").strip()
    ratings = {target: said.get(name, "").strip() for target, name in RATINGS.items()}
    number = int(folder.name)
    is_clip = kind.lower() == CLIPS
    person = next(said.iter("subject"), ET.Element("subject"))
    named = _name_tracks(said, _IN_COLOUR)
    videos = _find_videos(folder, said)
    return Session(
        folder=folder,
        number=number,
        kind=kind or "unknown",
        is_emotional=is_clip and said.get("isStim", "").strip() == "1",
        media=said.get("mediaFile", "").strip(),
        ratings={target: text for target, text in ratings.items() if text},
        bdf=_find_signals(folder, said),
        video=next(iter(videos), None),
        vid_rate=said.get("vidRate", "").strip(),
        said_subject=person.get("id", "").strip(),
        absent_video=next((v for v in named if not is_file(folder / v)), ""),
        n_videos=len(videos),
        further={
            name: _name_emotion(text) if name == "emotion" else text
            for name, key in FURTHER.items()
            for text in [said.get(key, "").strip()]
        }
        | {
            name: text
            for name, key in PERSON.items()
            if (text := person.get(key, "").strip())
        },
        gaze=_find_gaze(folder, said),
    )


def _name_emotion(code: str) -> str:
    """Return the name of an emotion's code; one that is not known stays a code."""
    is_known = code.isdecimal() and int(code) < len(EMOTIONS)
    return EMOTIONS[int(code)] if is_known else code


class _Builder(ET.TreeBuilder):
    """Builds a tree, but refuses entities, which could fill any memory."""

    def doctype(self, *_: str | None) -> None:
        """Refuse what would declare them."""
        raise ValueError("it declares entities, which no session.xml does")


def _parse(file: Path) -> ET.Element:
    try:
        size = file.stat().st_size
        if size > _LARGEST:
            raise UserError(f"{file}: too large for a session.xml, got {size} bytes")
        said = ET.fromstring(file.read_bytes(), ET.XMLParser(target=_Builder()))
    except OSError as error:
        raise UserError(f"{file}: cannot be read: {error.strerror}") from None
    except (ET.ParseError, ValueError, LookupError) as error:
        raise UserError(f"{file}: not XML: {error}") from None
    if said.tag != "session":
        raise UserError(f"{file}: must be of one <session>, got <{said.tag}>")
    return said


def _find_signals(folder: Path, said: ET.Element) -> Path | None:
    """Return the BDF that the tracks name, else one that is named as they are."""
    named = _list_tracks(folder, said, {"type": "Physiological"})
    usual = (path for path in sorted(folder.iterdir()) if _BDF.fullmatch(path.name))
    return next((p for p in (*named, *usual) if p.suffix.lower() == ".bdf"), None)


def _find_gaze(folder: Path, said: ET.Element) -> Path | None:
    """Return the file that the annotations name, else one that is named as they are."""
    named = _list_tracks(folder, said, {"type": "Gaze"}, kind="annotation")
    usual = (path for path in sorted(folder.iterdir()) if _GAZE.fullmatch(path.name))
    return next(iter((*named, *usual)), None)


def _find_videos(folder: Path, said: ET.Element) -> list[Path]:
    """Return what may be the colour camera's video; five grey cameras recorded too."""
    named = _list_tracks(folder, said, _IN_COLOUR)
    usual = (path for path in sorted(folder.iterdir()) if _COLOUR.fullmatch(path.name))
    return named or list(usual)


def _list_tracks(
    folder: Path, said: ET.Element, wanted: Mapping[str, str], *, kind: str = "track"
) -> list[Path]:
    """Return the files of the tracks of a kind that lie in the folder itself."""
    files = (folder / name for name in _name_tracks(said, wanted, kind=kind))
    return [file for file in dict.fromkeys(files) if is_file(file)]


def _name_tracks(
    said: ET.Element, wanted: Mapping[str, str], *, kind: str = "track"
) -> list[str]:
    """Return the names of the tracks of a kind; none is trusted to leave a folder."""
    names = [
        track.get("filename", "")
        for track in said.iter(kind)
        if all(track.get(key) == value for key, value in wanted.items())
    ]
    return [name for name in names if name and Path(name).name == name]


def _is_number(name: str) -> bool:
    return name.isascii() and name.isdecimal() and int(name) > 0
