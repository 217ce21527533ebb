// Plots a result as SVG, at the width it has, so that letters stay readable on a phone.

const SPACE = "http://www.w3.org/2000/svg";
const STREAMS = ["face", "eeg", "peripheral"];
/** What a stream set is made of; "bio" is two streams. */
export function listStreams(row) {
  return row.streams ? row.streams.split("+").flatMap((name) => (name === "bio" ? ["eeg", "peripheral"] : [name])) : [];
}

/** Whether the video runs in a segment but shows no face. */
export function isLost(row, result) {
  const [first, end] = result.video_span ?? [0, 0];
  return row.time_s >= first && row.time_s < end && !row.face_found;
}

/** The probability above which a segment is called high: it depends on what answered. */
function findThreshold(row, name, result) {
  return result.thresholds[name]?.[row.streams] ?? null;
}

const CALLED = { face: "Face", eeg: "EEG", peripheral: "Peripheral" };
const TOP = 20;

function make(name, attributes = {}, text = "") {
  const element = document.createElementNS(SPACE, name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  if (text) element.textContent = text;
  return element;
}

export function sayTime(seconds) {
  const whole = Math.max(0, Math.floor(seconds));
  const rest = String(whole % 60).padStart(2, "0");
  const minutes = Math.floor(whole / 60);
  if (minutes < 60) return `${minutes}:${rest}`;
  return `${Math.floor(minutes / 60)}:${String(minutes % 60).padStart(2, "0")}:${rest}`;
}

/** The second at which the last row's segment ends. */
export function findEnd({ rows, segment_s: length, step_s: step }) {
  return Math.max(1, (rows.length - 1) * step + length);
}

/** Half of what a segment is longer than a step: a row is shown for a step in the middle. */
function findLead({ segment_s: length, step_s: step }) {
  return (length - step) / 2;
}

/** The row that is shown at a time. */
export function findRow(result, time) {
  const number = Math.floor((time - findLead(result)) / result.step_s);
  return result.rows[Math.min(Math.max(0, number), result.rows.length - 1)];
}

/** Points of unbroken lines through the values of rows that are known. */
function joinKnown(values, middle, y) {
  const lines = [[]];
  values.forEach((value, number) => {
    if (value === null || value === undefined) lines.push([]);
    else lines.at(-1).push(`${middle(number).toFixed(1)},${y(value).toFixed(1)}`);
  });
  return lines.filter((points) => points.length);
}

function plotLine(svg, values, kind, middle, y) {
  for (const points of joinKnown(values, middle, y)) {
    if (points.length === 1) {
      const [cx, cy] = points[0].split(",");
      svg.append(make("circle", { class: `block ${kind}`, cx, cy, r: 2 }));
    } else {
      svg.append(make("polyline", { class: `trace ${kind}`, points: points.join(" ") }));
    }
  }
}

/** Spans of neighbouring rows for which something holds: [from, until). */
function findSpans(rows, holds) {
  const spans = [];
  rows.forEach((row, number) => {
    if (!holds(row)) return;
    const last = spans.at(-1);
    if (last && last[1] === number) last[1] = number + 1;
    else spans.push([number, number + 1]);
  });
  return spans;
}

function pickStep(seconds, width) {
  const most = Math.max(2, Math.floor(width / 70));
  const steps = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600];
  return steps.find((step) => seconds / step <= most) ?? 7200;
}

/** The timeline, and functions between its pixels and seconds. */
export function plotTimeline(result, width) {
  const { rows, targets } = result;
  const left = width < 520 ? 82 : 96;
  const right = width - 10;
  const seconds = findEnd(result);
  const x = (time) => left + (Math.max(0, time) / seconds) * (right - left);
  const edge = (number) => x(number * result.step_s + findLead(result));
  const middle = (number) => x(number * result.step_s + result.segment_s / 2);
  const svg = make("svg", { "aria-hidden": "true" });
  let at = 0;

  const startPanel = (title, keys, height) => {
    svg.append(make("text", { class: "title", x: 0, y: at + 13 }, title));
    let end = right;
    for (const [kind, name] of [...keys].reverse()) {
      const text = make("text", { class: `key ${kind}`, x: end, y: at + 13, "text-anchor": "end" }, name);
      svg.append(text);
      end -= 9 + name.length * 7.2;
    }
    const top = at + TOP;
    at = top + height + 14;
    return top;
  };
  const frame = (top, height) =>
    svg.append(make("rect", { class: "frame", x: left, y: top, width: right - left, height }));
  const label = (text, y) =>
    svg.append(make("text", { x: left - 8, y, "text-anchor": "end" }, text));
  const shade = (spans, kind, top, height) => {
    for (const [from, until] of spans) {
      svg.append(make("rect", { class: kind, x: edge(from), y: top, height, width: Math.max(1, edge(until) - edge(from)) }));
    }
  };

  const high = width < 520 ? 120 : 150;
  const top = startPanel(
    width < 520 ? "High self-rating" : "Probability of a high self-rating",
    targets.map((name) => [name, name]),
    high,
  );
  const score = (value) => top + (1 - value) * high;
  shade(findSpans(rows, (row) => !row.streams), "mark", top, high);
  frame(top, high);
  for (const value of [0, 0.5, 1]) label(String(value), score(value) + 4);
  for (const name of targets) {
    const above = rows.map((row) => findThreshold(row, name, result));
    plotLine(svg, above, `threshold ${name}`, middle, score);
  }
  for (const name of targets) plotLine(svg, rows.map((row) => row[name]), name, middle, score);

  const bands = listBands(result);
  if (bands.length) {
    const first = startPanel("What answered, and how good it was", [], bands.length * 16);
    bands.forEach((band, number) => {
      const y = first + number * 16;
      label(band.name, y + 11);
      svg.append(make("rect", { class: "frame", x: left, y, width: right - left, height: 12 }));
      shade(band.spans, `block ${band.kind}`, y, 12);
    });
  }

  for (const name of targets) {
    const parts = result.attributions[name] ?? {};
    const spoke = STREAMS.filter((stream) => parts[stream]);
    if (spoke.length < 2) continue;
    const height = 80;
    const panel = startPanel(
      width < 520 ? `Contribution to ${name}` : `Contribution of each stream to high ${name} (above 0) or low (below 0)`,
      spoke.map((stream) => [stream, CALLED[stream]]),
      height,
    );
    const known = spoke.flatMap((stream) => parts[stream].filter((value) => value !== null));
    const most = Math.max(0.01, ...known.map(Math.abs));
    const y = (value) => panel + height / 2 - (value / most) * (height / 2 - 2);
    frame(panel, height);
    svg.append(make("line", { class: "half", x1: left, x2: right, y1: y(0), y2: y(0) }));
    label(`+${most.toPrecision(2)}`, panel + 10);
    label("0", y(0) + 4);
    label(`\u2212${most.toPrecision(2)}`, panel + height);
    for (const stream of spoke) plotLine(svg, parts[stream], stream, middle, y);
  }

  if (result.signals.length) {
    const height = 34;
    const first = startPanel(
      width < 520 ? "Signals" : "Signals, around their median",
      [],
      result.signals.length * (height + 6),
    );
    result.signals.forEach((signal, number) => {
      const y = first + number * (height + 6);
      plotSignal(svg, signal, { x, y, height, left, right, label });
    });
  }

  const step = pickStep(seconds, right - left);
  for (let time = 0; time <= seconds; time += step) {
    svg.append(make("line", { class: "frame", x1: x(time), x2: x(time), y1: at - 8, y2: at - 3 }));
    const anchor = time === 0 ? "start" : "middle";
    if (x(time) < right - 14 || time === 0) {
      svg.append(make("text", { x: x(time), y: at + 10, "text-anchor": anchor }, sayTime(time)));
    }
  }
  label("min:s", at + 10);
  const height = at + 16;
  const cursor = make("line", { class: "cursor", y1: TOP - 4, y2: at - 8 });
  svg.append(cursor);
  svg.setAttribute("viewBox", `0 0 ${width} ${height}`);
  return {
    svg,
    timeAt: (pixel) => Math.min(seconds, Math.max(0, ((pixel - left) / (right - left)) * seconds)),
    moveTo: (time) => {
      cursor.setAttribute("x1", x(time));
      cursor.setAttribute("x2", x(time));
    },
  };
}

function listBands(result) {
  const { rows } = result;
  const used = (stream) => findSpans(rows, (row) => listStreams(row).includes(stream));
  const bands = [];
  for (const stream of STREAMS) {
    const spans = used(stream);
    if (spans.length) bands.push({ name: CALLED[stream], kind: stream, spans });
  }
  const lost = findSpans(rows, (row) => isLost(row, result));
  if (lost.length) bands.push({ name: "Face lost", kind: "lost", spans: lost });
  const bad = findSpans(rows, (row) => row.bad_channels);
  if (bad.length) bands.push({ name: "Bad channel", kind: "lost", spans: bad });
  const edge = findSpans(rows, (row) => row.filter_edge);
  if (edge.length) bands.push({ name: "Filter edge", kind: "soft", spans: edge });
  return bands;
}

function plotSignal(svg, signal, { x, y, height, left, right, label }) {
  const { low, high, duration_s: lasts } = signal;
  const most = Math.max(...high.map(Math.abs), ...low.map(Math.abs)) || 1;
  const place = (value) => (y + height / 2 - (value / most) * (height / 2)).toFixed(1);
  const over = (number) => x(((number + 0.5) / low.length) * lasts).toFixed(1);
  const upper = high.map((value, number) => `${over(number)},${place(value)}`);
  const lower = low.map((value, number) => `${over(number)},${place(value)}`).reverse();
  const kind = signal.kind === "eeg" ? "eeg" : "peripheral";
  svg.append(make("polygon", { class: `area ${kind}`, points: [...upper, ...lower].join(" ") }));
  label(signal.name, y + height / 2 - 2);
  label(`\u00b1${sayRound(most)} ${signal.unit.replace("uV", "\u00b5V").replace("uS", "\u00b5S")}`, y + height / 2 + 12);
}

/** Two digits, and a thousand as k. */
function sayRound(value) {
  const [scale, letter] = value >= 1e6 ? [1e6, "M"] : value >= 1e3 ? [1e3, "k"] : [1, ""];
  return `${Number((value / scale).toPrecision(2))}${letter}`;
}

/** The valence-arousal plane with the trace of all seconds, or nothing. */
export function plotPlane(result, width) {
  if (!["valence", "arousal"].every((name) => result.targets.includes(name))) return null;
  const side = Math.min(width, 340);
  const [left, bottom] = [40, side - 44];
  const size = side - left - 12;
  const x = (value) => left + value * size;
  const y = (value) => bottom - value * size;
  const svg = make("svg", { viewBox: `0 0 ${side} ${side}`, role: "img", "aria-label": "Trace of the recording in the valence-arousal plane" });
  svg.append(
    make("rect", { class: "frame", x: left, y: y(1), width: size, height: size }),
    make("line", { class: "half valence-threshold", y1: y(0), y2: y(1) }),
    make("line", { class: "half arousal-threshold", x1: x(0), x2: x(1) }),
  );
  const [upright, level] = svg.querySelectorAll(".half");
  for (const value of [0, 0.5, 1]) {
    svg.append(
      make("text", { x: x(value), y: bottom + 15, "text-anchor": "middle" }, String(value)),
      make("text", { x: left - 6, y: y(value) + 4, "text-anchor": "end" }, String(value)),
    );
  }
  svg.append(
    make("text", { class: "key valence", x: x(0.5), y: bottom + 30, "text-anchor": "middle" }, "probability of high valence"),
    make("text", { class: "key arousal", transform: `translate(11 ${y(0.5)}) rotate(-90)`, "text-anchor": "middle" }, "probability of high arousal"),
  );
  const known = (row) => row.valence !== null && row.arousal !== null;
  const points = result.rows.filter(known).map((row) => `${x(row.valence).toFixed(1)},${y(row.arousal).toFixed(1)}`);
  svg.append(make("polyline", { class: "path", points: points.join(" ") }));
  const dot = make("circle", { class: "dot ink", r: 7 });
  svg.append(dot);
  return {
    svg,
    moveTo: (row) => {
      const isKnown = Boolean(row) && known(row);
      for (const mark of [dot, upright, level]) mark.setAttribute("visibility", isKnown ? "visible" : "hidden");
      if (!isKnown) return;
      for (const end of ["1", "2"]) {
        upright.setAttribute(`x${end}`, x(findThreshold(row, "valence", result)));
        level.setAttribute(`y${end}`, y(findThreshold(row, "arousal", result)));
      }
      dot.setAttribute("cx", x(row.valence));
      dot.setAttribute("cy", y(row.arousal));
    },
  };
}
