// Shows a result: the video, its timeline, the plane, and one cursor for them all.

import {
  build,
  capitalise,
  findEnd,
  findRow,
  fitView,
  isLost,
  listStreams,
  makeBadge,
  plotPlane,
  plotTimeline,
  sayTime,
} from "/static/charts.js";

const find = (id) => document.getElementById(id);
const STRIDE = 10; // steps of a page
const PLOTTED = { eeg: 3 }; // signals that are shown at first; of other streams so many:
const PLOTTED_ELSE = 5;
const MOST_OPEN = 3; // notes that are shown without being asked for
const NEAR_S = 0.6; // a face is shown for so long after the frame in which it was found

let shown = null; // { result, time, view, picked, timeline, plane }
let isAsked = false; // whether the video was sent to a position

export function showResult(result, where) {
  const player = find("player");
  shown = { result, time: 0, view: [0, findEnd(result)], picked: pickFirst(result), timeline: null, plane: null };
  find("result-title").textContent = result.is_example
    ? "What the model says of the built-in example"
    : "What the model says";
  find("what").textContent = [result.files.join(", "), `model ${result.model}`, result.made].filter(Boolean).join(" \u00b7 ");
  find("meaning").textContent = result.meaning;
  find("hint").textContent = result.hint;
  find("hint").hidden = !result.hint;
  const { said, choices } = result.worth;
  find("standings").replaceChildren(
    ...said.map(([state, sentence]) => build("li", state.replace(" ", "-"), sentence)),
    ...choices.map(({ streams, why }) => build("li", "", `Answered from ${streams}: ${why}.`)),
  );
  for (const name of ["lacking", "notes"]) {
    find(name).replaceChildren(...result[name].map((text) => build("li", "", text)));
  }
  find("assumed").hidden = !result.notes.length;
  find("assumed").open = result.notes.length <= MOST_OPEN;
  find("assumed-count").textContent = `What was assumed: ${result.notes.length}`;
  find("film").hidden = !result.video;
  if (result.video) player.src = `${where}/video`;
  find("crop-figure").hidden = !result.video || !result.squares.length;
  find("plane-figure").hidden = !result.plane;
  listBandPower(result);
  listChannels(result);
  find("keep").hidden = !result.blurs_faces;
  find("keep").href = `${where}/video`;
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
  shown?.timeline?.destroy();
  shown = null;
}

/** The first signals of each stream. */
function pickFirst({ signals }) {
  const counts = {};
  return signals.flatMap(({ stream }, number) => {
    counts[stream] = (counts[stream] ?? 0) + 1;
    return counts[stream] <= (PLOTTED[stream] ?? PLOTTED_ELSE) ? [number] : [];
  });
}

function listChannels({ signals, n_channels: count }) {
  find("picker").hidden = !signals.length;
  const boxes = signals.map(({ name }, number) => {
    const label = build("label");
    const box = build("input");
    Object.assign(box, { type: "checkbox", checked: shown.picked.includes(number) });
    box.addEventListener("change", () => {
      const others = shown.picked.filter((one) => one !== number);
      shown.picked = box.checked ? [...others, number].sort((a, b) => a - b) : others;
      sayPicked(count);
      plot();
    });
    label.append(box, name);
    return label;
  });
  find("channels").replaceChildren(...boxes);
  sayPicked(count);
}

function sayPicked(count) {
  find("picked").textContent = `Channels: ${shown.picked.length} of ${count}`;
}

function listBandPower({ bands }) {
  find("power").hidden = !bands;
  if (!bands) return;
  find("power-bars").replaceChildren(
    ...bands.names.map((name) => {
      const row = build("label");
      const bar = Object.assign(build("meter"), { min: 0, max: 1, value: 0 });
      row.append(build("span", "", name), bar, build("output"));
      return row;
    }),
  );
}

function showBandPower(time) {
  const shares = shown.result.bands?.shares[Math.floor(time)];
  [...find("power-bars").children].forEach((row, number) => {
    row.querySelector("meter").value = shares?.[number] ?? 0;
    row.querySelector("output").textContent = shares ? `${Math.round(100 * shares[number])} %` : "\u2013";
  });
}

function plot() {
  if (!shown) return;
  shown.timeline?.destroy();
  shown.timeline = plotTimeline(shown.result, find("timeline"), {
    picked: shown.picked,
    view: [...shown.view],
    changeView,
    seek,
  });
  shown.plane = plotPlane(shown.result, Math.max(240, find("plane").clientWidth));
  if (shown.plane) find("plane").replaceChildren(shown.plane.svg);
  moveTo(shown.time);
}

function changeView(wanted) {
  shown.view = fitView(wanted, findEnd(shown.result));
  shown.timeline.show(shown.view);
  shown.timeline.moveTo(shown.time);
  find("seen").textContent = `${sayTime(shown.view[0])} to ${sayTime(shown.view[1])}`;
}

/** Put the cursor on a time of the recording, in seconds. */
function moveTo(time) {
  shown.time = Math.min(findEnd(shown.result), Math.max(0, time));
  const row = findRow(shown.result, shown.time);
  const [from, until] = shown.view;
  if (find("lock").checked && (shown.time < from || shown.time > until)) {
    changeView([shown.time - (until - from) * 0.1, shown.time + (until - from) * 0.9]);
  }
  shown.timeline.moveTo(shown.time);
  shown.plane?.moveTo(row);
  showBandPower(shown.time);
  showFace();
  find("now").replaceChildren(...sayRow(row));
  const slider = find("timeline");
  slider.setAttribute("aria-valuenow", Math.floor(shown.time));
  slider.setAttribute("aria-valuetext", find("now").textContent);
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

/** What the model cut out of the frame that the video shows: its box, and the crop. */
function showFace() {
  const player = find("player");
  const { squares } = shown.result;
  const at = player.currentTime + 0.02;
  let [low, high] = [0, squares.length];
  while (low < high) {
    const half = (low + high) >> 1;
    if (squares[half][0] <= at) low = half + 1;
    else high = half;
  }
  const square = squares[low - 1];
  const isSeen = Boolean(square) && at - square[0] < NEAR_S && player.readyState >= 2;
  find("no-face").hidden = isSeen;
  find("box").setAttribute("points", isSeen ? square.slice(1).join(" ") : "");
  const pen = find("crop").getContext("2d");
  const side = find("crop").width;
  pen.setTransform(1, 0, 0, 1, 0, 0);
  pen.clearRect(0, 0, side, side);
  if (!isSeen) return;
  const [x, y, rightX, rightY, , , belowX, belowY] = square
    .slice(1)
    .map((share, number) => share * (number % 2 ? player.videoHeight : player.videoWidth));
  const across = [(rightX - x) / side, (rightY - y) / side];
  const down = [(belowX - x) / side, (belowY - y) / side];
  const turn = across[0] * down[1] - down[0] * across[1];
  const [a, b, c, d] = [down[1] / turn, -across[1] / turn, -down[0] / turn, across[0] / turn];
  pen.setTransform(a, b, c, d, -(a * x + c * y), -(b * x + d * y));
  pen.drawImage(player, 0, 0);
}

function sayRow(row) {
  const { result } = shown;
  const until = row.time_s + result.segment_s;
  const parts = [result.segment_s === 1 ? sayTime(row.time_s) : `${sayTime(row.time_s)} to ${sayTime(until)}`];
  for (const question of result.questions) {
    const said = sayAnswer(question, row);
    if (!said) continue;
    const { state } = findStanding(question, row);
    const part = build("span", "answer", `${said} `);
    part.append(makeBadge(state));
    parts.push(part);
  }
  parts.push(row.streams ? `from ${listNames(row).join(", ")}` : "no answer: no stream to go by");
  if (row.face_found) parts.push("face found");
  else if (isLost(row, result)) parts.push("face lost");
  if (row.bad_channels) parts.push(`bad channels: ${row.bad_channels}`);
  if (row.filter_edge) parts.push("edge of the filter");
  return parts.flatMap((part, number) => (number ? [" \u00b7 ", part] : [part]));
}

function listNames(row) {
  return listStreams(row, shown.result).map(
    (name) => shown.result.streams.find((stream) => stream.name === name).title,
  );
}

/** How what answered a row stands to its prior. */
function findStanding({ target }, { streams }) {
  return shown.result.worth.standings.find((one) => one.target === target && one.streams === streams);
}

/** What a row says of a target, or nothing; a label only where its model is better than its prior. */
function sayAnswer(question, row) {
  const { kind, name, label, curves } = question;
  if (!row.streams || row[curves[0].column] === null) return "";
  const { has_label: isNamed } = findStanding(question, row);
  if (kind === "classes") {
    const curve = curves.find((one) => one.label === row[label]);
    if (isNamed) return `${name}: ${curve.name} (${row[curve.column].toFixed(2)})`;
    return `${name}: ${curves.map((one) => `${one.name} ${row[one.column].toFixed(2)}`).join(", ")}`;
  }
  const value = row[curves[0].column];
  if (kind === "rating") return `${name} rating ${Number(value.toPrecision(3))}`;
  return `${name} ${value.toFixed(2)}${isNamed ? ` (${row[label] ? "high" : "low"})` : ""}`;
}

/** Move the cursor with the video, for as long as it plays. */
function follow() {
  const player = find("player");
  if (!shown) return;
  if (!player.seeking) moveTo(player.currentTime + shown.result.video_offset_s);
  if (!player.paused && !player.ended) requestAnimationFrame(follow);
}

const VIEWS = {
  "zoom-in": ([from, until], time) => [time - (time - from) / 2, time + (until - time) / 2],
  "zoom-out": ([from, until]) => [from - (until - from) / 2, until + (until - from) / 2],
  earlier: ([from, until]) => [from - (until - from) / 2, until - (until - from) / 2],
  later: ([from, until]) => [from + (until - from) / 2, until + (until - from) / 2],
  all: () => [0, Infinity],
};

function listenToView() {
  for (const [id, change] of Object.entries(VIEWS)) {
    find(id).addEventListener("click", () => {
      const [from, until] = shown.view;
      const isSeen = shown.time >= from && shown.time <= until;
      changeView(change(shown.view, isSeen ? shown.time : (from + until) / 2));
    });
  }
}

export function listen() {
  const player = find("player");
  player.addEventListener("play", follow);
  player.addEventListener("seeked", () => {
    // by the video's own bar, unless it followed the timeline
    if (!shown) return;
    if (isAsked) {
      isAsked = false;
      showFace();
    } else {
      follow();
    }
  });
  const timeline = find("timeline");
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
  player.addEventListener("loadeddata", () => shown && showFace());
  listenToView();
  let wide = 0;
  new ResizeObserver(() => {
    if (timeline.clientWidth === wide) return; // charts changed the height
    wide = timeline.clientWidth;
    plot();
  }).observe(timeline);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", plot);
}
