"""Codes on videos, and on the faces in them."""

from deepvanet.findings.record import Code, Severity

VIDEOS = (
    Code(
        "V01",
        Severity.ERROR,
        "A video that cannot be decoded",
        "The file is damaged, is no video, or has a codec that FFmpeg lacks.",
        "There is no face stream.",
        "Convert it to H.264 in MP4, or leave the column video empty.",
        "v.mp4: cannot be decoded: the codec is not known",
    ),
    Code(
        "V02",
        Severity.WARNING,
        "Repeated or backward stamps of frames",
        "A recorder wrote a frame twice, or lost its clock for a moment.",
        "The frames concerned are placed between their neighbours.",
        "Nothing.",
        "v.mkv: 1 of 400 frames has a time stamp that is repeated, backward or "
        "absent: frame 32, at 1.24 s; assumed: it is shown between the neighbours",
    ),
    Code(
        "V03",
        Severity.WARNING,
        "A video that ends before its trial",
        "The recording was stopped early, or the offset is wrong.",
        "Segments after its end have no face stream.",
        "Correct video_offset_s, or give the whole video.",
        "subject 1 trial 3: the video shows 13.3 s of the 20.0 s of the trial",
    ),
    Code(
        "V04",
        Severity.WARNING,
        "Other faces in a video",
        "A visitor, an experimenter or a picture of a face is in view.",
        "The subject is the face that is there longest; others are not used.",
        "Name the subject's face in the column face_choice, as left, right, largest or "
        "a box.",
        "v.mp4 0.0 s to 4.0 s: another face, 73 pixels wide, to the right of the "
        "subject's; assumed: the subject is the face that is there longest",
    ),
    Code(
        "V05",
        Severity.WARNING,
        "A face that is not found",
        "The person looks away, or the picture is dark, small or covered.",
        "Segments without a face have no face stream.",
        "Nothing, or record with more light and the face in the middle.",
        "v.mp4 trial 3: the subject's face is not found in 45% of 300 images; "
        "assumed: for a second or less the nearest image with it is used, for longer "
        "there is no face stream",
    ),
    Code(
        "V06",
        Severity.WARNING,
        "Another person within a trial",
        "The face that is found again does not look like the one before.",
        "Two people would be one subject; the second one is not used.",
        "Name the subject's face in the column face_choice, or cut the video.",
        "v.mp4 8.2 s: the face is of another person than before",
        needs_every_frame=True,
    ),
    Code(
        "V07",
        Severity.WARNING,
        "A small face",
        "The camera is far away, or the video was made smaller.",
        "Below 40 pixels an expression is hardly seen.",
        "Give the original video.",
        "v.mp4: the face is 28 pixels wide, at least 40 are needed",
    ),
    Code(
        "V08",
        Severity.WARNING,
        "A covered face",
        "A hand, a mask or a headset covers part of it.",
        "The model sees the cover.",
        "Leave the trial out of the face stream.",
        "v.mp4 3.0 s to 9.0 s: a part of the face is covered; assumed: its images are "
        "used",
        needs_every_frame=True,
    ),
    Code(
        "V09",
        Severity.WARNING,
        "Videos that are absent",
        "The copy is not complete.",
        "Trials without a video have no face stream.",
        "Complete the copy.",
        "s01: 2 of 40 videos are absent: trial 3, trial 8",
    ),
    Code(
        "V10",
        Severity.NOTE,
        "Trials that have no video",
        "They were recorded without a camera, as some in the original.",
        "These trials have no face stream.",
        "Nothing.",
        "2 trials have no video: subject 1 trial 4, subject 2 trial 1; assumed: they "
        "stay in, without a face stream",
    ),
    Code(
        "V11",
        Severity.NOTE,
        "Another frame rate than the container states",
        "The container of these videos is known to be wrong, or the rate varies.",
        "None: the true rate, or the stamps, are used.",
        "Nothing.",
        "v.mkv: 20.1 frames a second by its time stamps, the container says 30; "
        "assumed: the time stamps are right, and their rate is used",
    ),
    Code(
        "V12",
        Severity.WARNING,
        "A gap in a video",
        "The camera or the computer lost frames.",
        "Segments in the gap have no face stream.",
        "Nothing.",
        "v.mkv 10.0 s to 14.0 s: no frame for 4.0 s; assumed: images are missing "
        "there, none is repeated",
    ),
    Code(
        "V13",
        Severity.WARNING,
        "A video without signals",
        "The names of files do not agree, or signals are missing.",
        "The video is not used.",
        "Complete the copy.",
        "face videos without signals: P01_12",
    ),
    Code(
        "V14",
        Severity.WARNING,
        "A frame rate unlike the published one",
        "The copy was converted, or its side-car was changed.",
        "Faces would be placed at other moments.",
        "Compare the video with the original.",
        "the vidRate of 2 videos in session.xml is not the published 60.9708 frames a "
        "second: 2 (50), 4 (25); assumed: the vidRate of each is used",
    ),
    Code(
        "V15",
        Severity.WARNING,
        "Images that are left out",
        "They have no annotation, no landmarks, or no face.",
        "They do not train the face network.",
        "Compare the clip with the original.",
        "2 images without an entry in the JSON file are left out: 002/00009, 012/00007",
    ),
    Code(
        "V20",
        Severity.ERROR,
        "A video whose clock jumps",
        "Its time stamps leap by more than an hour, start again, or contradict each "
        "other.",
        "Faces and signals would belong to different seconds.",
        "Write the video again from its frames, or accept what is assumed.",
        "v.mkv 0.1 s: the clock jumps by 1000000000 s; assumed: the video ends there; "
        "later frames are not used; to change it: write the video again from its "
        "frames, with new time stamps",
    ),
    Code(
        "V21",
        Severity.WARNING,
        "Frames left out, or not to be decoded",
        "A recorder did not keep up, or part of the file is damaged.",
        "The frame before or after is taken where one is near enough.",
        "Copy the file again.",
        "v.avi: 8 frames were left out by the recorder or cannot be decoded; assumed: "
        "the frames around them stay in their places",
        needs_every_frame=True,
    ),
    Code(
        "V22",
        Severity.WARNING,
        "A chosen face that is not there",
        "The box in the column face_choice holds no face in this video.",
        "The trial has no face stream.",
        "Give the box in pixels of the video, as x,y,width,height from its upper left.",
        "v.mp4 trial 3: face_choice names a box in which there is no face",
        needs_every_frame=True,
    ),
    Code(
        "V23",
        Severity.ERROR,
        "Several videos that may be a trial's",
        "A copy lies beside the original, or a file was renamed.",
        "The face of one trial would be paired with the signals of another.",
        "Keep the video that belongs to the trial, and move the others away.",
        "Sessions/2/session.xml: 2 videos may be the colour camera's; assumed: P1.avi, "
        "the first one",
    ),
)
