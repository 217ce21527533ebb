"""Codes on files: what cannot be read, is absent, or is not used."""

from deepvanet.findings.record import Code, Severity

FILES = (
    Code(
        "F01",
        Severity.ERROR,
        "A file that cannot be read",
        "It is damaged, cut off, or of another format than its name says.",
        "Nothing of it can be used.",
        "Copy or export the file again, or correct what the sentence says. Or go on "
        "without it: --accept F01.",
        "a.edf: cannot be read: the header says 16 channels, the file has 3",
        assumed="it is not read, and what needs it is left out",
    ),
    Code(
        "F02",
        Severity.NOTE,
        "Files that are not used",
        "They are no part of the data set, or no trial names them.",
        "None, if they hold nothing of a trial.",
        "Nothing, unless one of them should be read: then name it in the row of its "
        "trial, or as the documentation of the data set does.",
        "recordings: 2 files are not used, as no trial names them: p05.edf, p05.mp4",
        assumed="they are not read",
    ),
    Code(
        "F03",
        Severity.NOTE,
        "A copy of another size",
        "Part of the data set, or a synthetic copy.",
        "Scores cannot be compared with published ones.",
        "Nothing, if only a part of the data set is meant. Else download it again.",
        "4 clips of AFEW-VA with 9 frames that can be used; a full copy has 600 clips "
        "with about 30000 frames",
        assumed="what is there is used",
    ),
    Code(
        "F04",
        Severity.WARNING,
        "A library has doubts about a file",
        "MNE, pyxdf, pandas or FFmpeg warn while reading.",
        "What is read may differ from what was recorded.",
        "Look at the file in the program that made it. If a part is missing or odd "
        "there, copy or export it again. A video that plays well is best converted, "
        "as by ffmpeg -i old.avi new.mp4, and named in the table by its new name.",
        "a.edf: MNE says: Physical range is not defined in following channels: GSR; "
        "assumed: all that was read is used",
        assumed="all that was read is used",
    ),
    Code(
        "F05",
        Severity.ERROR,
        "A format that needs another program or package",
        "The file is of a known format that cannot be read directly.",
        "Nothing of it can be used.",
        "Do what the sentence says, then run check again.",
        "a.acq: needs the package bioread, which this command installs: pip install "
        "'deepvanet[biopac]'",
        assumed="it is not read, and what needs it is left out",
    ),
    Code(
        "F06",
        Severity.NOTE,
        "A synthetic data set",
        "It was written by deepvanet synth.",
        "Scores say nothing about people.",
        "Nothing, if you are trying the program. Scores on them say nothing about "
        "people.",
        "synthetic recordings, of no real person, made by deepvanet synth, see "
        "SYNTHETIC.json",
        assumed="they are read as recordings of people are",
    ),
    Code(
        "F07",
        Severity.WARNING,
        "A file that says less than its header",
        "The recording was broken off, or the copy was cut.",
        "What is there is used.",
        "Nothing, if recording was stopped early. Else copy or export the file again.",
        "the signals of 1 session end before their headers say: session 12 (60 of 120 "
        "s)",
        assumed="what is there is used",
    ),
    Code(
        "F08",
        Severity.WARNING,
        "Files that contradict each other",
        "Side-cars and recordings state different things.",
        "One of them is wrong; the sentence says which one is used.",
        "Compare the files with the original, and correct the wrong one.",
        "session 12: session.xml says subject 4, the number of the folder means 01, "
        "which is used",
        assumed="the recording is used",
    ),
    Code(
        "F09",
        Severity.WARNING,
        "An assumption of the data set's reader",
        "The files do not state what is needed.",
        "It is read as the sentence says.",
        "Nothing, if it is so. Else correct the file, or leave the subject out with "
        "--exclude SUBJECT.",
        "session 12: 0 pulses in the status channel, not 2, so the video is taken to "
        "begin after 30 s, and to last as long as 107.avi does",
        assumed="the recording is used in this way",
    ),
    Code(
        "F10",
        Severity.NOTE,
        "Files that are laid out unlike the documentation",
        "The device or the copy writes them so.",
        "None: they are read.",
        "Nothing.",
        "2 headers of signals do not state their length (-1 records), as those that "
        "BioSemi writes: session 2, 4; assumed: the length that the size of the file "
        "gives, which is right",
        assumed="they are read as the others",
    ),
    Code(
        "F25",
        Severity.NOTE,
        "A text that is not in UTF-8",
        "It was saved by an older program.",
        "None, if signs as µ and ° are read right.",
        "Nothing, if signs as µ and ° are shown right. Else save the file as UTF-8.",
        "a.csv: is no text in UTF-8; assumed: it is in Latin-1",
        assumed="it is in Latin-1",
    ),
    Code(
        "F26",
        Severity.WARNING,
        "Lines with fewer cells than the header",
        "The recording was broken off, or two tables were written to one file.",
        "Cells that are not there are missing samples.",
        "Nothing, if recording was stopped there. Else correct the lines, or export "
        "the file again.",
        "a.csv line 812: the last line is cut off: 2 of 4 cells",
        assumed="cells that are not there are missing samples",
    ),
    Code(
        "F20",
        Severity.NOTE,
        "A text in another encoding than its format has",
        "An older program wrote annotations in Latin-1.",
        "A marker with such letters may be spelt otherwise than the table has it.",
        "Nothing, if the text is shown right. Where the table names it as a marker, "
        "spell it as it is shown here.",
        "a.edf: annotation 'Überraschung' is not in UTF-8, which EDF+ asks for; "
        "assumed: it is in Latin-1",
        assumed="it is in Latin-1",
    ),
    Code(
        "F38",
        Severity.ERROR,
        "A file that is called nearly as recordings.toml",
        "The name has a mistake, or another ending.",
        "Nothing that it says would be used.",
        "Rename it to recordings.toml.",
        "recording.toml: is not read, since it is not called recordings.toml",
        assumed="nothing that it says is used",
    ),
    Code(
        "F39",
        Severity.NOTE,
        "A table of trials that is not plain CSV in UTF-8",
        "A spreadsheet or an older program wrote it.",
        "None, if cells are read right.",
        "Nothing, if the trials are read right. Else save the table as CSV in UTF-8.",
        "trials.csv: read as UTF-16, columns are separated by semicolons",
        assumed="the cells are read in this way",
    ),
)
