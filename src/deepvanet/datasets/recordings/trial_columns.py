"""The columns of a table of trials, and how other programs call them."""

from deepvanet.datasets.recordings.column_names import Vocabulary, spell
from deepvanet.datasets.small_tables import SmallTable
from deepvanet.schema import Target

NAMES = ("subject", "trial", "stimulus")
MOST_PERIPHERALS = 9
PERIPHERALS = (
    "peripheral",
    *(f"peripheral_{number}" for number in range(2, MOST_PERIPHERALS + 1)),
)
"""Files of signals beside the one that has the clock."""
FILES = ("video", "bio", *PERIPHERALS, "face_features")
PLACES = (
    *("onset_s", "marker", "duration_s", "video_offset_s", "video_marker"),
    *(f"{column}_offset_s" for column in PERIPHERALS),
)
FACE_CHOICES = ("left", "right", "largest")
TRACE = "trace"
KNOWN = (*NAMES, *FILES, *PLACES, "face_choice", "session", TRACE, *Target)

WORDS = Vocabulary(
    KNOWN,
    {
        "subject": (
            *("participant", "participant_id", "participantid", "participants"),
            *("participant_nr", "participant_no", "participant_number", "subj"),
            *("subject_id", "subjectid", "subject_nr", "subject_no", "sub", "sub_id"),
            *("subject_number", "subj_id", "person", "person_id", "proband", "vp"),
            *("pid", "sid", "id"),
        ),
        "trial": (
            *("trials_thisn", "trials_thistrialn", "trial_nr", "trial_no", "trial_id"),
            *("trials_thisindex", "trial_number", "trial_index", "trial_num", "run"),
            *("trialnr", "trialnumber", "thisn"),
        ),
        "stimulus": (
            *("stim_file", "stim", "trial_type", "stimulus_id", "stimulus_name"),
            *("stim_id", "stim_name", "stimulus_file", "clip", "clip_id", "movie"),
            *("film", "video_id", "condition"),
        ),
        "video": (
            *("video_file", "video_path", "video_filename", "face_video", "camera"),
            *("webcam", "video_name", "face_file"),
        ),
        "bio": (
            *("eeg", "eeg_file", "bio_file", "signals", "signal_file", "signals_file"),
            *("eeg_path", "bio_path", "edf", "bdf", "xdf", "file", "filename"),
        ),
        "peripheral": (
            *("peripherals", "peripheral_file", "physio", "physio_file", "physiology"),
            *("gsr_file", "ecg_file", "eda_file"),
        ),
        "face_features": (
            *("face_features_file", "features_file", "openface", "openface_file"),
            *("pyfeat", "action_units", "au_file", "face_feature"),
        ),
        "onset_s": (
            *("onset_time", "stim_onset", "stimulus_onset", "trial_onset", "start"),
            *("start_s", "start_time", "begin", "begin_s", "trial_start", "started"),
            *("trial_started", "stimulus_started", "stim_started", "movie_started"),
            *("video_started", "onset_sec", "start_sec", "start_ms", "t_start"),
            *("stimulus_onset_s", "stim_onset_s", "trial_onset_s", "trial_start_s"),
        ),
        "marker": (
            *("markers", "marker_text", "marker_name", "marker_code", "marker_value"),
            *("trigger", "triggers", "trigger_code", "trigger_value", "event_code"),
            *("event_marker", "annotation", "event_id", "event_text"),
        ),
        "duration_s": (
            *("dur", "dur_s", "length", "length_s", "stim_duration", "end", "end_s"),
            *("stimulus_duration", "trial_duration", "end_time", "stop", "stop_s"),
            *("trial_end", "offset_s", "trial_length", "stim_duration_s"),
            *("stimulus_duration_s", "trial_duration_s", "length_ms", "dur_ms"),
        ),
        "video_offset_s": (
            *("video_start", "video_start_s", "video_onset", "video_onset_s"),
            *("video_delay", "video_delay_s", "video_shift_s", "video_lag_s"),
        ),
        "video_marker": ("video_trigger", "video_marker_text", "video_event"),
        "peripheral_offset_s": (
            *("peripheral_start_s", "peripheral_onset_s", "peripheral_delay_s"),
            *("physio_offset_s", "peripheral_start"),
        ),
        "face_choice": ("face_box", "which_face", "subject_face", "face_position"),
        "session": ("session_nr", "session_no", "session_number", "ses", "ses_id"),
        TRACE: ("trace_file", "traces", "trace_path"),
        "valence": ("val", "valenz", "pleasure"),
        "arousal": ("aro", "activation"),
    },
    standard=("race",),
)


def find_subject(table: SmallTable) -> str:
    """Return the column of subjects, empty where there is none."""
    usual = ("subject", *WORDS.synonyms["subject"])
    return next((c for c in table.columns if spell(c) in usual and table.has(c)), "")
