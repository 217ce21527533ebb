// Plots a result as SVG, at the width it has, so that letters stay readable on a phone.

const SPACE = "http://www.w3.org/2000/svg";
/** What the stream set that answered is made of; "bio" is two streams. */
export function listStreams(row, result) {
  return result.sets[row.streams] ?? [];
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

const TOP = 24;
const LINE = 16;
const pen = document.createElement("canvas").getContext("2d");

/** How wide a text is, in the letters that page.css gives charts. */
function measure(text, weight = 400) {
  pen.font = `${weight} 12px system-ui, "DejaVu Sans", sans-serif`;
  return pen.measureText(text).width;
}

/** The text, or as much of it as there is room for. */
function shorten(text, room, weight = 400) {
  if (measure(text, weight) <= room) return text;
  let short = text;
  while (short && measure(`${short}\u2026`, weight) > room) short = short.slice(0, -1);
  return `${short}\u2026`;
}

function make(name, attributes = {}, text = "") {
  const element = document.createElementNS(SPACE, name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  if (text) element.textContent = text;
  return element;
}

/** Minutes and seconds, with tenths where seconds are not whole. */
export function sayTime(seconds) {
  const tenths = Math.max(0, Math.round(10 * seconds));
  const whole = Math.floor(tenths / 10);
  const part = tenths % 10 ? `.${tenths % 10}` : "";
  const rest = `${String(whole % 60).padStart(2, "0")}${part}`;
  const minutes = Math.floor(whole / 60);
  if (minutes < 60) return `${minutes}:${rest}`;
  return `${Math.floor(minutes / 60)}:${String(minutes % 60).padStart(2, "0")}:${rest}`;
}

/** The second at which the last row's segment ends, or a signal that is drawn. */
export function findEnd({ rows, segment_s: length, step_s: step, signals }) {
  return Math.max(1, (rows.length - 1) * step + length, ...signals.map((signal) => signal.duration_s));
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

function capitalise(text) {
  return text[0].toUpperCase() + text.slice(1);
}

function pickStep(seconds, width) {
  const most = Math.max(2, Math.floor(width / 70));
  const steps = [0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600];
  return steps.find((step) => seconds / step <= most) ?? 7200;
}

/** The timeline, and functions between its pixels and seconds. */
export function plotTimeline(result, width) {
  const { rows, questions } = result;
  const left = width < 520 ? 88 : 100;
  const right = width - 10;
  const seconds = findEnd(result);
  const x = (time) => left + (Math.max(0, time) / seconds) * (right - left);
  const edge = (number) => x(number * result.step_s + findLead(result));
  const middle = (number) => x(number * result.step_s + result.segment_s / 2);
  const svg = make("svg", { "aria-hidden": "true" });
  let at = 0;

  /** Write a title, the short one where there is little room, and the names of its curves. */
  const startPanel = (titles, keys, height) => {
    const title = titles.find((text) => measure(text, 600) <= right) ?? shorten(titles.at(-1), right, 600);
    svg.append(make("text", { class: "title", x: 0, y: at + 13 }, title));
    const lines = wrapKeys(keys, right);
    const fits = lines.length === 1 && measure(title, 600) + 20 + lines[0].wide <= right;
    for (const [number, line] of lines.entries()) {
      let from = fits ? right - line.wide : 0;
      for (const { kind, text, wide } of line.keys) {
        svg.append(make("text", { class: `key ${kind}`, x: from, y: at + 13 + (fits ? 0 : (number + 1) * LINE) }, text));
        from += wide + KEY_GAP;
      }
    }
    if (!fits) at += lines.length * LINE + 4;
    const top = at + TOP;
    at = top + height + 14;
    return top;
  };
  const frame = (top, height) =>
    svg.append(make("rect", { class: "frame", x: left, y: top, width: right - left, height }));
  const label = (text, y) =>
    svg.append(make("text", { x: left - 8, y, "text-anchor": "end" }, shorten(text, left - 8)));
  const shade = (spans, kind, top, height) => {
    for (const [from, until] of spans) {
      svg.append(make("rect", { class: kind, x: edge(from), y: top, height, width: Math.max(1, edge(until) - edge(from)) }));
    }
  };

  const high = width < 520 ? 120 : 150;
  for (const { axis, curves } of result.panels) {
    const keys = curves.map((curve) => [curve.style, curve.name]);
    const top = startPanel([axis.title, axis.short], keys, high);
    const y = (value) => top + ((axis.high - value) / (axis.high - axis.low)) * high;
    shade(findSpans(rows, (row) => !row.streams), "mark", top, high);
    frame(top, high);
    for (const value of axis.ticks) label(String(value), y(value) + 4);
    for (const { target, style } of curves) {
      plotLine(svg, rows.map((row) => findThreshold(row, target, result)), `threshold ${style}`, middle, y);
    }
    for (const { column, style } of curves) plotLine(svg, rows.map((row) => row[column]), style, middle, y);
  }

  const bands = listBands(result);
  if (bands.length) {
    const first = startPanel(["What answered, and how good it was", "What answered"], [], bands.length * 16);
    bands.forEach((band, number) => {
      const y = first + number * 16;
      label(band.name, y + 11);
      svg.append(make("rect", { class: "frame", x: left, y, width: right - left, height: 12 }));
      shade(band.spans, `block ${band.kind}`, y, 12);
    });
  }

  for (const question of questions) {
    const parts = result.attributions[question.target] ?? {};
    const spoke = result.streams.filter((stream) => parts[stream.name]);
    if (spoke.length < 2) continue;
    const height = 80;
    const panel = startPanel(
      [question.parts, question.parts_short],
      spoke.map((stream) => [stream.name, capitalise(stream.title)]),
      height,
    );
    const known = spoke.flatMap((stream) => parts[stream.name].filter((value) => value !== null));
    const most = Math.max(0.01, ...known.map(Math.abs));
    const y = (value) => panel + height / 2 - (value / most) * (height / 2 - 2);
    frame(panel, height);
    svg.append(make("line", { class: "half", x1: left, x2: right, y1: y(0), y2: y(0) }));
    label(`+${most.toPrecision(2)}`, panel + 10);
    label("0", y(0) + 4);
    label(`\u2212${most.toPrecision(2)}`, panel + height);
    for (const { name } of spoke) plotLine(svg, parts[name], name, middle, y);
  }

  if (result.signals.length) {
    const height = 34;
    const first = startPanel(
      ["Signals, around their median", "Signals"],
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

const KEY_GAP = 14;

/** The names of curves, as lines of as many as there is room for. */
function wrapKeys(keys, room) {
  const lines = [];
  for (const [kind, name] of keys) {
    const text = shorten(name, room, 600);
    const wide = measure(text, 600);
    const line = lines.at(-1);
    if (line && line.wide + KEY_GAP + wide <= room) {
      line.keys.push({ kind, text, wide });
      line.wide += KEY_GAP + wide;
    } else {
      lines.push({ keys: [{ kind, text, wide }], wide });
    }
  }
  return lines;
}

function listBands(result) {
  const { rows } = result;
  const used = (stream) => findSpans(rows, (row) => listStreams(row, result).includes(stream));
  const bands = [];
  for (const { name, title } of result.streams) {
    const spans = used(name);
    if (spans.length) bands.push({ name: capitalise(title), kind: name, spans });
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
  const most = [...low, ...high].reduce((least, value) => Math.max(least, Math.abs(value ?? 0)), 0) || 1;
  const place = (value) => (y + height / 2 - (value / most) * (height / 2)).toFixed(1);
  const over = (number) => x(((number + 0.5) / low.length) * lasts).toFixed(1);
  for (const [from, until] of findSpans(low, (value) => value !== null)) {
    const numbers = Array.from({ length: until - from }, (_, number) => from + number);
    const upper = numbers.map((number) => `${over(number)},${place(high[number])}`);
    const lower = numbers.map((number) => `${over(number)},${place(low[number])}`).reverse();
    svg.append(make("polygon", { class: `area ${signal.stream}`, points: [...upper, ...lower].join(" ") }));
  }
  label(signal.name, y + height / 2 - 2);
  label(`\u00b1${sayRound(most)} ${signal.unit.replace("uV", "\u00b5V").replace("uS", "\u00b5S")}`, y + height / 2 + 12);
}

/** Two digits, and a thousand as k. */
function sayRound(value) {
  const [scale, letter] = value >= 1e6 ? [1e6, "M"] : value >= 1e3 ? [1e3, "k"] : [1, ""];
  return `${Number((value / scale).toPrecision(2))}${letter}`;
}

/** The valence-arousal plane with the trace of all rows, or nothing. */
export function plotPlane(result, width) {
  if (!result.plane) return null;
  const { x: level, y: upright } = result.plane;
  const side = Math.min(width, 340);
  const [left, bottom] = [40, side - 44];
  const size = side - left - 12;
  const share = (value, { axis }) => (value - axis.low) / (axis.high - axis.low);
  const x = (value) => left + share(value, level) * size;
  const y = (value) => bottom - share(value, upright) * size;
  const svg = make("svg", { viewBox: `0 0 ${side} ${side}`, role: "img", "aria-label": "Trace of the recording in the valence-arousal plane" });
  svg.append(
    make("rect", { class: "frame", x: left, y: bottom - size, width: size, height: size }),
    make("line", { class: "half valence-threshold", y1: bottom, y2: bottom - size }),
    make("line", { class: "half arousal-threshold", x1: left, x2: left + size }),
  );
  const halves = svg.querySelectorAll(".half");
  for (const value of level.axis.ticks) {
    svg.append(make("text", { x: x(value), y: bottom + 15, "text-anchor": "middle" }, String(value)));
  }
  for (const value of upright.axis.ticks) {
    svg.append(make("text", { x: left - 6, y: y(value) + 4, "text-anchor": "end" }, String(value)));
  }
  const middle = { x: left + size / 2, y: bottom - size / 2 };
  svg.append(
    make("text", { class: "key valence", x: middle.x, y: bottom + 30, "text-anchor": "middle" }, level.label),
    make("text", { class: "key arousal", transform: `translate(11 ${middle.y}) rotate(-90)`, "text-anchor": "middle" }, upright.label),
  );
  const get = (row) => [row[level.column], row[upright.column]];
  const known = (row) => get(row).every((value) => value !== null);
  const points = result.rows.filter(known).map((row) => `${x(get(row)[0]).toFixed(1)},${y(get(row)[1]).toFixed(1)}`);
  svg.append(make("polyline", { class: "path", points: points.join(" ") }));
  const dot = make("circle", { class: "dot ink", r: 7 });
  svg.append(dot);
  return {
    svg,
    moveTo: (row) => {
      const isKnown = Boolean(row) && known(row);
      dot.setAttribute("visibility", isKnown ? "visible" : "hidden");
      [level, upright].forEach(({ column }, number) => {
        const limit = isKnown ? findThreshold(row, column, result) : null;
        halves[number].setAttribute("visibility", limit === null ? "hidden" : "visible");
        if (limit === null) return;
        const [name, at] = number ? ["y", y(limit)] : ["x", x(limit)];
        for (const end of ["1", "2"]) halves[number].setAttribute(`${name}${end}`, at);
      });
      if (!isKnown) return;
      dot.setAttribute("cx", x(get(row)[0]));
      dot.setAttribute("cy", y(get(row)[1]));
    },
  };
}
