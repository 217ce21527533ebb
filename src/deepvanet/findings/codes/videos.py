"""Codes on videos, and on the faces in them."""

from deepvanet.findings.record import Code, Severity

VIDEOS = (
    Code(
        "V01",
        Severity.ERROR,
        "A video that cannot be decoded",
        "The file is damaged, is no video, or has a codec that FFmpeg lacks.",
        "There is no face stream.",
        "Play the video. If that works, convert it to MP4 with H.264, as ffmpeg -i "
        "old.avi new.mp4 does, and name the new file in the table. If not, copy it "
        "again, or empty the cell in the column video.",
        "v.mp4: cannot be decoded: the format of its pictures (codec) is not known to "
        "FFmpeg, which decodes videos here",
        assumed="nothing of it is used: its trials have no face stream",
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
        assumed="they are shown between their neighbours",
    ),
    Code(
        "V03",
        Severity.WARNING,
        "A video that ends before its trial",
        "The recording was stopped early, or the offset is wrong.",
        "Segments after its end have no face stream.",
        "Nothing, if the video was stopped early. Else copy the whole video, or, in "
        "recordings of your own, correct video_offset_s in the table of trials.",
        "v.mp4 subject 1 trial 3: the video shows 13.3 s of the 20.0 s of the trial",
        assumed="seconds without a picture have no face stream",
    ),
    Code(
        "V04",
        Severity.WARNING,
        "Other faces in a video",
        "A visitor, an experimenter or a picture of a face is in view.",
        "The subject is the face that is there longest; others are not used.",
        "Nothing, if that is right. Else write into the column face_choice of the "
        "table of trials which face is the subject's: left, right, largest, or a box "
        'in pixels, as "120,40,200,200" (left, top, width, height).',
        "v.mp4 0.0 s to 4.0 s: another face, 73 pixels wide, to the right of the "
        "subject's; assumed: the subject is the face that is there longest",
        assumed="the subject is the face that is there longest; the others are not "
        "used",
    ),
    Code(
        "V05",
        Severity.WARNING,
        "A face that is not found",
        "The person looks away, or the picture is dark, small or covered.",
        "Segments without a face have no face stream.",
        "Play the video. If the face is there, give a brighter or larger picture of "
        "it. If not, nothing.",
        "v.mp4 trial 3: the subject's face is not found in 45% of 300 images; "
        "assumed: for a second or less the nearest image with it is used, for longer "
        "there is no face stream",
        assumed="segments without a face have no face stream",
    ),
    Code(
        "V06",
        Severity.WARNING,
        "Another person within a trial",
        "The face that is found again does not look like the one before.",
        "Two people would be one subject; the second one is not used.",
        "Nothing, if the subject is the one who is there longest. Else write into the "
        "column face_choice of the table of trials which face is the subject's: left, "
        'right, largest, or a box in pixels, as "120,40,200,200" (left, top, width, '
        "height).",
        "v.mp4 8.2 s: from here on the face is of another person than the subject, "
        "who is seen before; assumed: its images are not used",
        assumed="its images are not used",
        needs_every_frame=True,
    ),
    Code(
        "V07",
        Severity.WARNING,
        "A small face",
        "The camera is far away, or the video was made smaller.",
        "Below 40 pixels an expression is hardly seen.",
        "Use the original video, if this one was made smaller. Else nothing.",
        "v.mp4: the face is 28 pixels wide (the median), at least 40 are needed",
        assumed="its images are used, with few details",
    ),
    Code(
        "V08",
        Severity.WARNING,
        "A covered face",
        "A hand, a mask or a headset covers part of it.",
        "The model sees the cover.",
        "Nothing, if it is less than about a tenth of a trial. Else empty the cell in "
        "the column video of the trials in these seconds.",
        "v.mp4 3.0 s to 9.0 s: a part of the face is covered; assumed: its images are "
        "used",
        assumed="its images are used",
        needs_every_frame=True,
    ),
    Code(
        "V09",
        Severity.WARNING,
        "Videos that are absent",
        "The copy is not complete.",
        "Trials without a video have no face stream.",
        "Nothing, if the data set lacks them. Else copy the videos again.",
        "s01: 2 of 40 videos are absent: trial 3, trial 8",
        assumed="the trials are used, without a face stream",
    ),
    Code(
        "V10",
        Severity.NOTE,
        "Trials that have no video",
        "They were recorded without a camera, as some in the original.",
        "These trials have no face stream.",
        "Nothing, if there was no camera. Else name the files in the column video of "
        "the table of trials.",
        "2 trials have no video: subject 1 trial 4, subject 2 trial 1",
        assumed="the trials are used, without a face stream",
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
        assumed="the time stamps are right, and their rate is used",
    ),
    Code(
        "V12",
        Severity.WARNING,
        "A gap in a video",
        "The camera or the computer lost frames.",
        "Segments in the gap have no face stream.",
        "Nothing, if the camera lost them. Else copy the video again.",
        "v.mkv 10.0 s to 14.0 s: no frame for 4.0 s; assumed: images are missing "
        "there, none is repeated",
        assumed="images are missing there, none is repeated",
    ),
    Code(
        "V13",
        Severity.WARNING,
        "A video without signals",
        "The names of files do not agree, or signals are missing.",
        "The video is not used.",
        "Nothing, if the data set lacks the signals. Else copy them again.",
        "1 face video has no signals and is not read: P01_12",
        assumed="these videos are not used",
    ),
    Code(
        "V14",
        Severity.WARNING,
        "A frame rate unlike the published one",
        "The copy was converted, or its side-car was changed.",
        "Faces would be placed at other moments.",
        "Nothing, if you converted the videos. Else download session.xml and the "
        "videos again.",
        "session.xml states another frame rate (vidRate) than the published 60.9708 a "
        "second for 2 videos: session 2 (50), 4 (25); assumed: the rate that it "
        "states is used",
        assumed="the rate that is stated is used",
    ),
    Code(
        "V15",
        Severity.WARNING,
        "Images that are left out",
        "They have no annotation, no landmarks, or no face.",
        "They do not train the face network.",
        "Nothing, if the copy is complete. Else download the clip again.",
        "2 images without an entry in the JSON file are left out: 002/00009, 012/00007",
        assumed="the images are left out",
    ),
    Code(
        "V20",
        Severity.ERROR,
        "A video whose clock jumps",
        "Its time stamps leap by more than an hour, start again, or contradict each "
        "other.",
        "Faces and signals would belong to different seconds.",
        "If what is assumed is not enough, write the video again with time stamps of "
        "equal steps, as ffmpeg -i old.mkv -vf setpts=N/25/TB new.mp4 does for 25 "
        "frames a second. Else --accept V20.",
        "v.mkv 0.1 s: the clock jumps by 1000000000 s; assumed: the video ends there; "
        "later frames are not used",
        assumed="its frames come at equal steps",
    ),
    Code(
        "V21",
        Severity.WARNING,
        "Frames left out, or not to be decoded",
        "A recorder did not keep up, or part of the file is damaged.",
        "The frame before or after is taken where one is near enough.",
        "Nothing, if the recorder did not keep up. Else copy the video again.",
        "v.avi: 8 frames, first frame 61, were left out by the recorder or cannot be "
        "decoded; assumed: the frames around them stay in their places",
        assumed="the frames around them stay in their places",
        needs_every_frame=True,
    ),
    Code(
        "V22",
        Severity.WARNING,
        "A chosen face that is not there",
        "The box in the column face_choice holds no face in this video.",
        "The trial has no face stream.",
        "Correct the box in the column face_choice of the table of trials: pixels of "
        'the video, as "120,40,200,200" (left, top, width, height).',
        "v.mp4 trial 3: face_choice names a box in which there is no face",
        assumed="the trial is used without a face stream",
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
        assumed="the first of them is used",
    ),
    Code(
        "V24",
        Severity.WARNING,
        "Frames without a face, in a video whose faces are blurred",
        "The person looked away, or the picture is dark, small or covered.",
        "Nothing of these frames can be seen in the video that predict --anonymise "
        "writes.",
        "Nothing, if that is right. Else record the face from the front, in more "
        "light.",
        "v.mp4: 52 of 900 frames are more than half a second from any face that was "
        "found; assumed: these frames are blurred whole",
        assumed="these frames are blurred whole",
        needs_every_frame=True,
    ),
)
