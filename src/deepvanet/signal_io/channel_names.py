"""What a channel measures, by what it is called."""

import re
from collections.abc import Mapping
from functools import cache

from deepvanet.schema import ChannelType
from deepvanet.signal_io.units import UNKNOWN, keep_in, spell_unit

LEAST_RATES_HZ: Mapping[ChannelType, float] = {
    ChannelType.EEG: 64.0,
    ChannelType.EOG: 20.0,
    ChannelType.EMG: 20.0,
    ChannelType.ECG: 50.0,
    ChannelType.GSR: 1.0,
    ChannelType.RESPIRATION: 4.0,
    ChannelType.PLETHYSMOGRAPH: 16.0,
    ChannelType.TEMPERATURE: 0.1,
    ChannelType.DERIVED: 0.1,
    ChannelType.GAZE_POSITION: 10.0,
    ChannelType.PUPIL: 4.0,
    ChannelType.GAZE_VALIDITY: 4.0,
    ChannelType.FACE_FEATURE: 0.1,
}
"""Below them a signal holds nothing of what its name says: no theta and alpha with
some room, no heart beat within a tenth of a second [1]_, no breath.

References
----------
.. [1] Kwon et al. (2018). Electrocardiogram sampling frequency range acceptable for
   heart rate variability analysis. Healthcare Informatics Research 24, 198-206.
"""

_SYNONYMS = {
    ChannelType.EOG: (
        r"[hvlri]? ?eog ?(?:[hvlrou]|li|re|up|lo)?|"
        r"electro ?oculogra(?:m|phy)"
    ),
    ChannelType.EMG: r"[a-z]?emg|electro ?myogra(?:m|phy)",
    ChannelType.ECG: r"ecg|ekg|electro ?cardiogra(?:m|phy)",
    ChannelType.GSR: (
        r"gsr|eda|scr?l?|skin (?:conductance|resistance)(?: (?:level|response))?|"
        r"(?:gsr|eda) (?:conductance|resistance)|"
        r"electro ?dermal(?: (?:activity|response))?|galvanic skin response"
    ),
    ChannelType.RESPIRATION: (
        r"resp|rsp|respiration|respiratory|breath|breathing|"
        r"(?:respiration|respiratory|resp|breathing) (?:belt|effort)"
    ),
    ChannelType.PLETHYSMOGRAPH: (
        r"plet|pleth|(?:photo ?)?plethysmogra(?:m|ph|phy)|ppg|bvp|blood volume pulse"
    ),
    ChannelType.TEMPERATURE: r"(?:skin ?|body ?|finger ?)?temp(?:erature)?|skt",
    ChannelType.DERIVED: (
        r"(?:heart|pulse) ?rate|hr|sp ?o2?|(?:blood )?oxygen(?: saturation)?"
    ),
    ChannelType.GAZE_VALIDITY: (
        r"(?:gaze|pupil|eye)(?: point)? (?:validity|confidence)|"
        r"validity (?:left|right)"
    ),
    ChannelType.PUPIL: r"pupil(?: (?:size|diameter|area|width))?",
    ChannelType.GAZE_POSITION: (
        r"gaze(?: (?:point|pos|position|direction))?(?: on display area)?|"
        r"(?:norm )?pos|por|eye ?track(?:er|ing)?"
    ),
}
"""What is left of a label without what says where and with what it was measured."""

_PLACES_TEXT = """
    left right l r upper lower up low top bottom inner outer medial lateral horizontal
    vertical x y z a b c i ii iii iv v avr avl avf v1 v2 v3 v4 v5 v6 lead la ra ll rl
    arm leg chest thorax thoracic abdomen abdominal belly wrist hand finger palm toe
    foot ear neck nose nasal forehead cheek eye chin jaw shoulder back
    zyg zygo zygomaticus zygomatic major corr corrugator supercilii trap trapezius
    trapez orbicularis oculi frontalis masseter levator labii depressor mentalis
    biceps triceps flexor extensor tibialis deltoid
    raw signal channel chan ch sensor data amp lp hp filtered unfiltered ref pos neg
    plus minus bipolar aux ext exg ppged rspec ppgedr mri ir infrared red green
    shimmer shimmer3 e4 empatica biopac bionomadix bitalino plux polar muse openbci
    biosemi emotiv nexus mindware brainproducts actichamp
"""
_PLACES = frozenset(_PLACES_TEXT.split())
"""Words of a label that leave its meaning as it is."""

_SERVICES = re.compile(
    r"(?:trig(?:ger)?s?|status|counter|count|battery|sync|time ?stamps?|time|stim|"
    r"marker|event|quality|impedance|sample ?(?:number|index|count)?|packet ?\w*|"
    r"acc(?:el\w*)?|gyro\w*|mag\w*|photo ?\w*|diode|button|saw|validity|interpolated)"
)
"""Words that name what a device says of itself, also within a stream of EEG."""

_KINDS = {
    **{kind.value: kind for kind in ChannelType},
    "ekg": ChannelType.ECG,
    "eda": ChannelType.GSR,
    "resp": ChannelType.RESPIRATION,
    "rsp": ChannelType.RESPIRATION,
    "ppg": ChannelType.PLETHYSMOGRAPH,
    "bvp": ChannelType.PLETHYSMOGRAPH,
    "pleth": ChannelType.PLETHYSMOGRAPH,
    "plet": ChannelType.PLETHYSMOGRAPH,
    "temp": ChannelType.TEMPERATURE,
    "skt": ChannelType.TEMPERATURE,
    "hr": ChannelType.DERIVED,
    "heartrate": ChannelType.DERIVED,
    "spo2": ChannelType.DERIVED,
    "heog": ChannelType.EOG,
    "veog": ChannelType.EOG,
    "gaze": ChannelType.GAZE_POSITION,
    "eyegaze": ChannelType.GAZE_POSITION,
    "eyetracker": ChannelType.GAZE_POSITION,
    "eyetrack": ChannelType.GAZE_POSITION,
    "pupildiameter": ChannelType.PUPIL,
}
"""How MNE, BIDS and LSL call types of channels."""

_PREFIX = re.compile(r"^(eeg|ecg|eog|emg)[ _]+(?=[a-z])", re.IGNORECASE)
_SUFFIX = re.compile(r"[-_ ](?:ref|le|avg|avr)$", re.IGNORECASE)
_REFERENCES = frozenset({"a1", "a2", "m1", "m2"})
_SPLIT = re.compile(r"[^a-z0-9]+")
_CAMEL = re.compile(r"(?<=[a-z])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
_MODULE = re.compile(r"(ecg|eog|emg|eda|gsr|rsp|ppg|skt)100[a-z]*")
_IN_BRACKETS = re.compile(r"(.*?)\s*[\[(]([^\])]*)[\])]\s*")
_AT_END = re.compile(r"(.*?)[ _]+([^ _]{2,})")


def shorten_label(label: str) -> str:
    """Return a label without what EDF writes around it.

    A type before it is left out only where the rest says as much.

    Examples
    --------
    >>> [shorten_label(text) for text in ("EEG Fp1-REF", "ECG ECG", "EOG left")]
    ['Fp1', 'ECG', 'EOG left']
    """
    plain = label.strip()
    match = _PREFIX.match(plain)
    if match:
        rest = _SUFFIX.sub("", plain[match.end() :])
        prefix = read_type(match[1])
        if prefix is ChannelType.EEG or _match_words(rest) is prefix:
            plain = plain[match.end() :]
    return _SUFFIX.sub("", plain).strip()


def split_unit(label: str) -> tuple[str, str]:
    """Return a label without the unit in it, and that unit or nothing.

    Examples
    --------
    >>> split_unit("GSR [kOhm]"), split_unit("EDA_uS"), split_unit("ECG (V5)")
    (('GSR', 'kOhm'), ('EDA', 'uS'), ('ECG (V5)', ''))
    """
    for pattern in (_IN_BRACKETS, _AT_END):
        match = pattern.fullmatch(label.strip())
        if match and match[1] and keep_in(unit := spell_unit(match[2])) != UNKNOWN:
            return match[1], unit
    return label, ""


def find_electrode(label: str) -> str | None:
    """Return an electrode's name in the 10-05 system, or None; ears are none.

    Examples
    --------
    >>> find_electrode("EEG FP1-REF"), find_electrode("A1"), find_electrode("GSR")
    ('Fp1', None, None)
    """
    name = shorten_label(label).lower()
    return None if name in _REFERENCES else _list_electrodes().get(name)


def guess_type(label: str) -> ChannelType | None:
    """Return what a peripheral channel measures, by its whole label, or None.

    Numbers and words that say where and with what it was measured may stand beside.

    Examples
    --------
    >>> guess_type("ECG 2").value, guess_type("EDA_left").value, guess_type("X")
    ('ecg', 'gsr', None)
    >>> guess_type("Skin Temperature").value, guess_type("ECG quality")
    ('temperature', None)
    """
    plain, _ = split_unit(label)
    return _match_words(plain) or _match_words(_CAMEL.sub(" ", plain))


def is_service(label: str) -> bool:
    """Return whether a label names what a device says of itself, as its battery.

    Examples
    --------
    >>> is_service("Battery"), is_service("Trig1"), is_service("E7")
    (True, True, False)
    """
    plain = _CAMEL.sub(" ", label)
    words = (w.rstrip("0123456789") for w in _SPLIT.split(plain.lower()))
    return any(_SERVICES.fullmatch(word) for word in words if word)


def read_type(text: str) -> ChannelType | None:
    """Return the type that a file, or a person, calls by this word, or None.

    Examples
    --------
    >>> read_type("EDA").value, read_type("misc")
    ('gsr', None)
    """
    return _KINDS.get(text.strip().lower())


def _match_words(label: str) -> ChannelType | None:
    words = (_MODULE.sub(r"\1", word) for word in _SPLIT.split(label.lower()))
    words = (word if word in _PLACES else word.rstrip("0123456789") for word in words)
    named = " ".join(word for word in words if word and word not in _PLACES)
    whole = " ".join(filter(None, _SPLIT.split(label.lower())))
    for kind, pattern in _SYNONYMS.items():
        again = f"(?:{pattern})(?: (?:{pattern}))*"
        if re.fullmatch(again, named) or re.fullmatch(again, whole):
            return kind
    return None


@cache
def _list_electrodes() -> dict[str, str]:
    from mne.channels import get_builtin_montages, make_standard_montage

    # one set of names; MNE 1.13 named it after its head, and drops the old name
    named = "colin27_1005" in get_builtin_montages()
    montage = make_standard_montage("colin27_1005" if named else "standard_1005")
    return {name.lower(): name for name in montage.ch_names}
