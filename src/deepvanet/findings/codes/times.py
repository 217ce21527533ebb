"""Codes on time: stamps, rates, gaps, markers."""

from deepvanet.findings.record import Code, Severity

TIMES = (
    Code(
        "T01",
        Severity.WARNING,
        "A gap in a recording",
        "Packets were lost, or the recorder was paused; the file says so, or the time "
        "stamps do.",
        "The seconds of the gap have no samples. Trials after it are where their time "
        "says; a trial that holds the gap has missing data.",
        "Nothing, if the gap is real. Segments without enough samples have no stream.",
        "a.edf 12 s to 22 s: 10 s are missing in the recording",
    ),
    Code(
        "T02",
        Severity.ERROR,
        "A jump in the time stamps",
        "A clock was set anew while recording, or two recordings were written to one "
        "file.",
        "What lies after the jump would be placed hours or days later.",
        "Cut the file where the clock jumps, or correct its stamps.",
        "a.xdf stream EEG 20 s: the time stamps jump by 200000 s",
    ),
    Code(
        "T03",
        Severity.WARNING,
        "Repeated time stamps",
        "A device stamps packets, not samples, or a stamp was written twice.",
        "Without correction, samples would be lost or placed twice.",
        "Nothing; repeated stamps are put at equal steps between their neighbours.",
        "a.csv: 3 of 3072 time stamps are repeated",
    ),
    Code(
        "T04",
        Severity.ERROR,
        "Time stamps that go back",
        "Two parts were written in the wrong order, or a clock was set back.",
        "The order of the samples is not known.",
        "Sort the rows by time, or cut the file where the clock was set back.",
        "a.csv line 812: 12.5 s follows 14.2 s",
    ),
    Code(
        "T05",
        Severity.NOTE,
        "Time in another unit, or from another origin",
        "Devices and phones write Unix time, milliseconds, microseconds or a clock.",
        "Read as seconds, a minute would last for hours.",
        "Name the unit in the column, as time_ms or time_s, if it was recognised "
        "wrong.",
        "p.csv column timestamp: Unix time in ms, since its steps are then 1/128 s",
    ),
    Code(
        "T06",
        Severity.ERROR,
        "A rate that no such sensor has",
        "The time column is in another unit, or is not the time.",
        "All trials would lie elsewhere, and last another time.",
        "Name the column of seconds as time of [tables], or write its unit into its "
        "name, as time_ms.",
        "p.csv: 0.128 samples a second, expected 0.5 Hz to 100 kHz",
    ),
    Code(
        "T07",
        Severity.WARNING,
        "Another rate than the file states",
        "The clock of the device is not exact, or samples were lost evenly.",
        "Signals and video drift apart by seconds in an hour.",
        "Nothing, if the time stamps are right: the measured rate is used.",
        "a.xdf stream EEG: 249.1 samples a second, stated 256",
    ),
    Code(
        "T08",
        Severity.ERROR,
        "Streams that do not overlap",
        "Two streams of one trial have other clocks, or one belongs to another day.",
        "One stream would be missing throughout, or belong to another trial.",
        "State how the clocks relate, as peripheral_offset_s or video_offset_s.",
        "p.csv: 0 s to 40 s, the signals of a.edf run from 100 s to 140 s",
    ),
    Code(
        "T09",
        Severity.ERROR,
        "Streams without a common clock",
        "One stream has Unix time, the other counts from its own start.",
        "It is not known which second of one is which second of the other.",
        "State how the clocks relate, as peripheral_offset_s or video_offset_s.",
        "p.csv has Unix time, a.edf does not say when it was recorded",
    ),
    Code(
        "T10",
        Severity.WARNING,
        "Video and signals of another length",
        "The clock of one is not exact, or frames were lost.",
        "At the end of the recording, faces and signals are of different moments.",
        "Give the start of the video at each trial, or record stamps of its frames.",
        "subject 1 trial 3: the video lasts +1.20 s against the clock of the signals",
    ),
    Code(
        "T11",
        Severity.ERROR,
        "A marker that is not found as often as it is named",
        "The text differs, a trigger was lost, or one was sent twice.",
        "Trials after a lost marker would be placed at the next one.",
        "Name the marker as it stands in the file, or give onset_s.",
        "trials.csv lines 2, 3: marker 'stim' stands 3 times in a.bdf, named by 2 "
        "rows; there are stim, stop",
    ),
    Code(
        "T12",
        Severity.WARNING,
        "A trial that the recording does not hold whole",
        "The recording was started late or stopped early, or the onset is wrong.",
        "The trial is shorter, or is left out.",
        "Correct onset_s and duration_s, if the recording holds the trial.",
        "trials.csv line 4: subject 1 trial 3 lacks its last 2.5 s: the signals end "
        "there",
    ),
    Code(
        "T13",
        Severity.NOTE,
        "Markers and events that are not used",
        "The file holds markers that no row of the table names.",
        "None, if they are of no meaning for the trials.",
        "Name them in the column marker, if trials begin there.",
        "a.xdf: 12 markers are not used: start (6), stop (6)",
    ),
    Code(
        "T14",
        Severity.WARNING,
        "A trial of another length than documented",
        "The copy was changed, or the recording was stopped early.",
        "The trial gives fewer segments than those of others.",
        "Compare the file with the original.",
        "s01 video 5: 62.0 s of signals, others have 85.3 s",
    ),
    Code(
        "T50",
        Severity.WARNING,
        "Trials that overlap",
        "Durations or onsets are wrong, or windows are cut with overlap.",
        "The same seconds count in two trials, which may stand in training and test.",
        "Correct onset_s and duration_s.",
        "trials.csv line 2: 1 trials of a.edf overlap with the next: trial 1 ends 2 "
        "s after trial 2 begins",
    ),
    Code(
        "T51",
        Severity.ERROR,
        "Two trials of a subject in the same seconds",
        "The column that says when trials begin is absent or has another name.",
        "Both trials would have the same signals, with other ratings.",
        "State onset_s or marker for each trial.",
        "trials.csv lines 2 and 3: trials 1 and 2 of subject 01 both begin at 0 s of "
        "a.edf",
    ),
    Code(
        "T52",
        Severity.ERROR,
        "Trials without an end",
        "Neither the table nor the marker says how long a trial lasts, and others "
        "follow it.",
        "Each trial would hold those after it.",
        "State duration_s for each trial, in BIDS duration.",
        "trials.csv lines 2, 3: the length of 2 trials is not stated, and other "
        "trials follow them in a.edf",
    ),
    Code(
        "T53",
        Severity.WARNING,
        "Rated events without a duration",
        "duration is n/a or 0 in events.tsv.",
        "The trial may be longer than the stimulus was.",
        "State duration in events.tsv.",
        "sub-01_task-film_events.tsv line 2: the duration of 1 of 2 rated events is "
        "n/a or 0",
    ),
)
