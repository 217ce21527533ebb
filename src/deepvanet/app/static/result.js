// Shows a result: the video, its timeline, the plane, and one cursor for them all.

import { findEnd, findRow, plotPlane, plotTimeline, isLost, listStreams, sayTime } from "/static/charts.js";

const find = (id) => document.getElementById(id);
const STRIDE = 10; // steps of a page

let shown = null; // { result, time, timeline, plane }
let isAsked = false; // whether the video was sent to a position

export function showResult(result, where) {
  const player = find("player");
  shown = { result, time: 0, timeline: null, plane: null };
  find("result-title").textContent = result.is_example
    ? "What the model says of the built-in example"
    : "What the model says";
  find("meaning").textContent = result.meaning;
  find("hint").textContent = result.hint;
  find("hint").hidden = !result.hint;
  find("notes").replaceChildren(...result.notes.map(makeNote));
  find("film").hidden = !result.video;
  if (result.video) player.src = `${where}/video`;
  find("plane-figure").hidden = !result.plane;
  find("csv").href = `${where}/timeline.csv`;
  find("report").href = `${where}/report.html`;
  find("timeline").setAttribute("aria-valuemax", findEnd(result));
  find("result").hidden = false;
  plot();
  moveTo(Math.max(0, result.video ? result.video_offset_s : 0));
  find("result-title").focus();
}

export function hideResult() {
  const player = find("player");
  player.pause();
  player.removeAttribute("src");
  player.load();
  find("result").hidden = true;
  shown = null;
}

function makeNote(text) {
  const note = document.createElement("li");
  note.textContent = text;
  return note;
}

function plot() {
  if (!shown) return;
  shown.timeline = plotTimeline(shown.result, Math.max(280, find("timeline").clientWidth));
  find("timeline").replaceChildren(shown.timeline.svg);
  shown.plane = plotPlane(shown.result, Math.max(240, find("plane").clientWidth));
  if (shown.plane) find("plane").replaceChildren(shown.plane.svg);
  moveTo(shown.time);
}

/** Put the cursor on a time of the recording, in seconds. */
function moveTo(time) {
  shown.time = Math.min(findEnd(shown.result), Math.max(0, time));
  const row = findRow(shown.result, shown.time);
  shown.timeline.moveTo(shown.time);
  shown.plane?.moveTo(row);
  const said = sayRow(row);
  find("now").textContent = said;
  const slider = find("timeline");
  slider.setAttribute("aria-valuenow", Math.floor(shown.time));
  slider.setAttribute("aria-valuetext", said);
}

/** Put cursor and video on a time. */
function seek(time) {
  const player = find("player");
  const { video, video_offset_s: offset } = shown.result;
  moveTo(time);
  if (!video || !Number.isFinite(player.duration)) return;
  isAsked = true;
  player.currentTime = Math.min(player.duration, Math.max(0, shown.time - offset));
}

function sayRow(row) {
  const { result } = shown;
  const until = row.time_s + result.segment_s;
  const parts = [result.segment_s === 1 ? sayTime(row.time_s) : `${sayTime(row.time_s)} to ${sayTime(until)}`];
  parts.push(...result.questions.map((question) => sayAnswer(question, row)).filter(Boolean));
  parts.push(row.streams ? `from ${listNames(row).join(", ")}` : "no answer: no stream to go by");
  if (row.face_found) parts.push("face found");
  else if (isLost(row, result)) parts.push("face lost");
  if (row.bad_channels) parts.push(`bad channels: ${row.bad_channels}`);
  if (row.filter_edge) parts.push("edge of the filter");
  return parts.join(" \u00b7 ");
}

function listNames(row) {
  return listStreams(row, shown.result).map(
    (name) => shown.result.streams.find((stream) => stream.name === name).title,
  );
}

/** What a row says of a target, or nothing. */
function sayAnswer(question, row) {
  const { kind, name, label, curves } = question;
  if (kind === "classes") {
    const curve = curves.find((one) => one.label === row[label]);
    return curve ? `${name}: ${curve.name} (${row[curve.column].toFixed(2)})` : "";
  }
  const value = row[curves[0].column];
  if (value === null) return "";
  if (kind === "high-low") return `${name} ${value.toFixed(2)} (${row[label] ? "high" : "low"})`;
  return `${name} rating ${Number(value.toPrecision(3))}`;
}

/** Move the cursor with the video, for as long as it plays. */
function follow() {
  const player = find("player");
  if (!shown) return;
  if (!player.seeking) moveTo(player.currentTime + shown.result.video_offset_s);
  if (!player.paused && !player.ended) requestAnimationFrame(follow);
}

function timeOf(event) {
  const box = find("timeline").getBoundingClientRect();
  return shown.timeline.timeAt(event.clientX - box.left);
}

export function listen() {
  const player = find("player");
  player.addEventListener("play", follow);
  player.addEventListener("seeked", () => {
    // by the video's own bar, unless it followed the timeline
    if (isAsked) isAsked = false;
    else follow();
  });
  const timeline = find("timeline");
  timeline.addEventListener("pointerdown", (event) => {
    timeline.setPointerCapture(event.pointerId);
    seek(timeOf(event));
  });
  timeline.addEventListener("pointermove", (event) => {
    if (timeline.hasPointerCapture(event.pointerId)) seek(timeOf(event));
  });
  timeline.addEventListener("keydown", (event) => {
    const step = shown.result.step_s;
    const moves = {
      ArrowLeft: -step,
      ArrowDown: -step,
      ArrowRight: step,
      ArrowUp: step,
      PageDown: -STRIDE * step,
      PageUp: STRIDE * step,
      Home: -Infinity,
      End: Infinity,
    };
    if (event.key === " " && shown.result.video) {
      if (player.paused) player.play();
      else player.pause();
    } else if (event.key in moves) {
      seek(shown.time + moves[event.key]);
    } else {
      return;
    }
    event.preventDefault();
  });
  new ResizeObserver(plot).observe(timeline);
}
