"""What is written about the sessions and the subjects of a synthetic MAHNOB-HCI."""

from collections.abc import Mapping
from xml.etree import ElementTree as ET

from deepvanet.datasets.mahnob.sessions import VIDEO_FPS
from deepvanet.schema import HIGHEST_RATING, LOWEST_RATING
from deepvanet.synthetic.mahnob_plan import SessionPlan

AUDIO_HZ = 44_100
BREAK_S = 60.0
"""Between two sections of one uninterrupted video."""
RATED = ("feltVlnc", "feltArsl", "feltCtrl", "feltPred")
EMOTIONS: Mapping[tuple[bool, bool], str] = {
    (True, True): "4",
    (True, False): "11",
    (False, True): "3",
    (False, False): "5",
}
"""Joy, amusement, fear and sadness, by whether valence and arousal are high."""
GREY = tuple(f"BW{number} _BW" for number in range(1, 6))
COLOUR = "C1 trigger _C"


def name_stem(subject: int) -> str:
    """Return what the files of the cameras begin with."""
    return f"P{subject}-Rec1-2009.{_day(subject)}.10.30.{subject:02d}"


def name_video(session: SessionPlan, camera: str) -> str:
    """Return the file of a camera."""
    return f"{name_stem(session.subject)}_{camera}_Section_{session.offset}.avi"


def name_gaze(session: SessionPlan) -> str:
    """Return the file of the eye tracker."""
    stem = name_stem(session.subject)
    return f"{stem}-All-Data-New_Section_{session.offset}.tsv"


def name_signals(session: SessionPlan) -> str:
    """Return the file of the signals."""
    shown = "S" if session.is_emotional else "N"
    return f"Part_{session.subject}_{shown}_Trial{session.trial}_emotion.bdf"


def describe_session(session: SessionPlan, begin_s: float) -> str:
    """Return a ``session.xml``.

    Parameters
    ----------
    begin_s : float
        Where the section begins in the uninterrupted video.
    """
    root = ET.Element("session", _attributes(session, begin_s))
    subject = ET.SubElement(root, "subject", _describe(session.subject))
    if session.has_video:
        _add_cameras(subject, session)
    if session.has_signals:
        file = name_signals(session)
        ET.SubElement(subject, "track", type="Physiological", filename=file)
    return _spell(root)


def describe_subject(subject: int) -> str:
    """Return a ``subject<N>.xml``."""
    return _spell(ET.Element("subject", _describe(subject)))


def _add_cameras(parent: ET.Element, session: SessionPlan) -> None:
    stem = name_stem(session.subject)
    for camera in (*GREY, COLOUR):
        track = ET.SubElement(
            parent,
            "track",
            type="Video",
            color="1" if camera == COLOUR else "0",
            filename=name_video(session, camera),
        )
        file = name_gaze(session)
        ET.SubElement(track, "annotation", type="Gaze", filename=file)
    cut = f"{stem}-Guide-Cut.tsv"
    ET.SubElement(parent, "annotation", type="GuideCut", filename=cut)


def _attributes(session: SessionPlan, begin_s: float) -> dict[str, str]:
    end_s = begin_s + session.section_s
    said = {
        "sessionId": str(session.number),
        "date": f"2009.{_day(session.subject)}",
        "time": f"{10 + int(begin_s // 3600):02d}:{int(begin_s % 3600 // 60):02d}:00",
        "experimentType": session.kind,
        "isStim": "1" if session.is_emotional else "0",
        "cutNr": str(session.offset),
        "cutLenSec": f"{session.section_s:.3f}",
        "mediaFile": session.media,
        "vidRate": str(VIDEO_FPS),
        "vidBeginSmp": str(begin_s * VIDEO_FPS),
        "vidEndSmp": str(end_s * VIDEO_FPS),
        "audRate": str(AUDIO_HZ),
        "audBeginSmp": str(begin_s * AUDIO_HZ),
        "audEndSmp": str(end_s * AUDIO_HZ),
    }
    if not session.is_clip:
        said |= {"tagValid": "1", "tagAgree": "1"}
    return {**said, **_rate(session)}


def _rate(session: SessionPlan) -> dict[str, str]:
    if not session.has_felt:
        return {}
    middle = (LOWEST_RATING + HIGHEST_RATING) / 2
    valence, arousal = (rating >= middle for rating in session.ratings[:2])
    rated = zip(RATED, session.ratings, strict=True)
    said = {name: str(rating) for name, rating in rated}
    return {"feltEmo": EMOTIONS[valence, arousal], **said}


def _describe(subject: int) -> dict[str, str]:
    return {
        "id": str(subject),
        "gender": "female" if subject % 2 else "male",
        "age": str(19 + subject * 7 % 22),
    }


def _day(subject: int) -> str:
    return f"07.{subject:02d}"


def _spell(root: ET.Element) -> str:
    ET.indent(root)
    return ET.tostring(root, encoding="unicode", xml_declaration=True) + "\n"
