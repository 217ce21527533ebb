// Plots a result over time with uPlot (global, see vendor/uplot), and the plane as SVG.

const SPACE = "http://www.w3.org/2000/svg";
const [TOP, RIGHT, TIME_AXIS, LEFT] = [6, 14, 26, 18]; // around a chart, in pixels
const CLICK = 6; // pixels within which a pointer has not moved
const LEAST_VIEW_S = 1;
const NARROW = 520; // less is a phone

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

function make(name, attributes = {}, text = "") {
  const element = document.createElementNS(SPACE, name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  if (text) element.textContent = text;
  return element;
}

/** An element of HTML with a class and a text. */
export function build(name, kind = "", text = "") {
  const element = document.createElement(name);
  if (kind) element.className = kind;
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

/** The second at which the last row's segment ends, or a signal that is plotted. */
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

export function capitalise(text) {
  return text[0].toUpperCase() + text.slice(1);
}

/** Two digits, and a thousand as k. */
function sayRound(value) {
  const [scale, letter] = Math.abs(value) >= 1e6 ? [1e6, "M"] : Math.abs(value) >= 1e3 ? [1e3, "k"] : [1, ""];
  return `${Number((value / scale).toPrecision(2))}${letter}`;
}

export const sayUnit = (unit) => unit.replace("uV", "\u00b5V").replace("uS", "\u00b5S");

/** The colour of a class of page.css, and whether its lines are dashed. */
function findInk(kind) {
  const probe = build("span", kind);
  document.body.append(probe);
  const { color } = getComputedStyle(probe);
  probe.remove();
  return { color, dash: kind.includes("dashed") ? [7, 3] : undefined };
}

function listBands(result) {
  const { rows } = result;
  const used = (name) => rows.map((row) => listStreams(row, result).includes(name));
  const bands = result.streams.map(({ name, title }) => ({ name: capitalise(title), kind: name, holds: used(name) }));
  bands.push(
    { name: "Face lost", kind: "lost", holds: rows.map((row) => isLost(row, result)) },
    { name: "Bad channel", kind: "lost", holds: rows.map((row) => Boolean(row.bad_channels)) },
    { name: "Filter edge", kind: "soft", holds: rows.map((row) => Boolean(row.filter_edge)) },
  );
  return bands.filter(({ holds }) => holds.some(Boolean));
}

/** All charts of a result, one below the other, over the same time.
 *
 * `picked` are numbers of signals; `view` is the first and the last second that is seen;
 * `changeView` is asked for another one, `seek` for a time that was clicked.
 */
export function plotTimeline(result, holder, { picked, view, changeView, seek }) {
  const { rows } = result;
  const isNarrow = holder.clientWidth < NARROW;
  const left = isNarrow ? 76 : 104;
  const width = Math.max(200, holder.clientWidth - left + LEFT);
  const [soft, rule, mark] = ["soft", "rule", "shade"].map((kind) => findInk(kind).color);
  const middles = rows.map((_, number) => number * result.step_s + result.segment_s / 2);
  const edge = (number) => number * result.step_s + findLead(result);
  const charts = [];
  holder.replaceChildren();

  const zoom = (chart) => {
    const { left: from, width: wide } = chart.select;
    chart.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
    if (wide > CLICK) changeView([from, from + wide].map((pixel) => chart.posToVal(pixel, "x")));
  };
  const turnWheel = (chart, event) => {
    const by = Math.sign(event.deltaX || event.deltaY);
    if (event.ctrlKey) {
      const at = chart.posToVal(event.offsetX, "x");
      changeView(view.map((second) => at + (second - at) * (by < 0 ? 0.8 : 1.25)));
    } else if (event.shiftKey || event.deltaX) {
      changeView(view.map((second) => second + by * (view[1] - view[0]) * 0.1));
    } else {
      return;
    }
    event.preventDefault();
  };
  const listenTo = (chart) => {
    let from = null;
    chart.over.addEventListener("mousedown", ({ clientX }) => (from = clientX));
    chart.over.addEventListener("mouseup", ({ clientX }) => {
      const pixel = clientX - chart.over.getBoundingClientRect().left;
      if (from !== null && Math.abs(clientX - from) <= CLICK) seek(chart.posToVal(pixel, "x"));
      from = null;
    });
    chart.over.addEventListener("wheel", (event) => turnWheel(chart, event), { passive: false });
  };
  const fillSpans = (chart, holds) => {
    chart.ctx.fillStyle = mark;
    holds.forEach((isSo, number) => {
      if (!isSo) return;
      const [from, until] = [number, number + 1].map((k) => chart.valToPos(edge(k), "x", true));
      chart.ctx.fillRect(from, chart.bbox.top, until - from, chart.bbox.height);
    });
  };
  const say = (text, ...more) => holder.append(build("h3", "", text), ...more);

  /** Add a chart of lines, { name, kind, values }, with texts at heights beside it: { at, text }. */
  const plot = ({ x, lines, low, high, texts, height, kind = "", hasTime = true, hasLegend = false, hooks = {}, bands }) => {
    const row = build("div", `chart ${kind}`);
    const label = build("div", "label");
    label.style.width = `${left - LEFT}px`;
    row.append(label);
    holder.append(row);
    for (const { at, text, name } of texts) {
      const line = build("span", name, text);
      line.style.top = `${TOP + ((high - at) / (high - low)) * height}px`;
      label.append(line);
    }
    const series = lines.map(({ name, kind: style, values, digits = 2, ...others }) => {
      const { color, dash } = findInk(style);
      return {
        label: name,
        stroke: color,
        dash,
        width: 2,
        value: (_, value) => (value == null ? "\u2013" : String(Number(value.toFixed(digits)))),
        ...others,
      };
    });
    const chart = new uPlot(
      {
        width,
        height: height + TOP + (hasTime ? TIME_AXIS : TOP),
        padding: [TOP, RIGHT, hasTime ? 0 : TOP, LEFT],
        legend: { show: hasLegend },
        cursor: {
          y: false,
          sync: { key: "recording" },
          drag: { x: true, y: false, setScale: false },
          points: { show: hasLegend },
          bind: { dblclick: () => () => changeView([0, Infinity]) },
        },
        scales: { x: { time: false, range: () => view }, y: { range: () => [low, high] } },
        axes: [
          { show: hasTime, size: TIME_AXIS, stroke: soft, font: "12px system-ui", grid: { stroke: rule, width: 1 }, ticks: { stroke: rule, width: 1, size: 4 }, values: (_, at) => at.map(sayTime) },
          { size: 0, grid: { stroke: rule, width: 1 }, ticks: { show: false }, splits: () => texts.map(({ at }) => at), values: () => [] },
        ],
        series: [{ label: "Time" }, ...series],
        bands: bands && [{ series: bands, fill: series[0].stroke }],
        hooks: { setSelect: [zoom], ...hooks },
      },
      [x, ...lines.map(({ values }) => values)],
      row,
    );
    listenTo(chart);
    charts.push(chart);
    return label;
  };

  for (const { axis, curves } of result.panels) {
    const limits = curves.filter(({ target }) => result.thresholds[target]);
    const unanswered = rows.map((row) => !row.streams);
    say(axis.title, ...sayWorth(result, curves));
    plot({
      ...axis,
      x: middles,
      lines: [
        ...curves.map(({ name, style, column }) => ({ name, kind: style, values: rows.map((row) => row[column]) })),
        ...limits.map(({ name, style, target }) => ({
          name: `${name}: high above`,
          kind: style,
          values: rows.map((row) => findThreshold(row, target, result)),
          width: 1,
          dash: [4, 4],
          points: { show: false },
        })),
      ],
      texts: axis.ticks.map((at) => ({ at, text: String(at) })),
      height: isNarrow ? 120 : 150,
      hasLegend: true,
      hooks: { drawClear: [(chart) => fillSpans(chart, unanswered)] },
    });
  }

  const bands = listBands(result).map((band, number, all) => ({ ...band, at: all.length - number - 0.5 }));
  if (bands.length) {
    say("What answered, and how good it was");
    plot({
      x: rows.flatMap((_, number) => [edge(number), edge(number + 1) - 1e-6]),
      lines: bands.map(({ name, kind, holds, at }) => ({
        name,
        kind,
        values: holds.flatMap((isSo) => Array(2).fill(isSo ? at : null)),
        width: 11,
        cap: "butt",
        points: { show: false },
      })),
      low: 0,
      high: bands.length,
      texts: bands.map(({ at, name }) => ({ at, text: name })),
      height: 20 * bands.length,
    });
  }

  for (const question of result.questions) {
    const parts = result.attributions[question.target] ?? {};
    const spoke = result.streams.filter(({ name }) => parts[name]);
    if (spoke.length < 2) continue;
    const most = Math.max(0.01, ...spoke.flatMap(({ name }) => parts[name].map((value) => Math.abs(value ?? 0))));
    say(question.parts);
    plot({
      x: middles,
      lines: spoke.map(({ name, title }) => ({ name: capitalise(title), kind: name, values: parts[name], digits: 3 })),
      low: -most,
      high: most,
      texts: [
        { at: most, text: `+${most.toPrecision(2)}` },
        { at: 0, text: "0" },
        { at: -most, text: `\u2212${most.toPrecision(2)}` },
      ],
      height: 90,
      hasLegend: true,
    });
  }

  if (picked.length) say("Signals, around their median");
  picked.forEach((number, place) => {
    const { name, stream, unit, low, high, duration_s: lasts } = result.signals[number];
    const most = [...low, ...high].reduce((least, value) => Math.max(least, Math.abs(value ?? 0)), 1e-12);
    const scale = `\u00b1${sayRound(most)} ${sayUnit(unit)}`;
    const line = { name, kind: stream, width: 1, points: { show: false } };
    const label = plot({
      kind: `signal ${stream}`,
      x: low.map((_, k) => ((k + 0.5) / low.length) * lasts),
      lines: [
        { ...line, values: low },
        { ...line, values: high },
      ],
      bands: [2, 1],
      low: -most,
      high: most,
      texts: [{ at: 0, text: name, name: "channel" }],
      height: 34,
      hasTime: place === picked.length - 1,
      hooks: {
        setCursor: [
          ({ cursor: { idx } }) => {
            const isKnown = idx != null && low[idx] !== null;
            value.textContent = isKnown ? `${sayRound((low[idx] + high[idx]) / 2)} ${sayUnit(unit)}` : scale;
          },
        ],
      },
    });
    const value = build("small", "", scale);
    label.firstChild.append(value);
  });

  const cursor = build("div", "cursor");
  holder.append(cursor);
  return {
    /** Put the line of the video's time where it belongs. */
    moveTo: (time) => {
      const share = (time - view[0]) / (view[1] - view[0]);
      cursor.hidden = share < 0 || share > 1;
      cursor.style.left = `${left + share * (width - LEFT - RIGHT)}px`;
    },
    show: (wanted) => {
      view.splice(0, 2, ...wanted);
      for (const chart of charts) chart.setScale("x", { min: view[0], max: view[1] });
    },
    destroy: () => charts.forEach((chart) => chart.destroy()),
  };
}

export const SHORT = {
  better: "better than its prior",
  "not shown": "not shown to be better than its prior",
  unknown: "not known whether it is better than its prior",
  "never scored": "never scored",
};

/** What stands beside a number: how the model that said it stands to its prior. */
export function makeBadge(state) {
  return build("span", `badge ${state.replace(" ", "-")}`, SHORT[state]);
}

/** What the curves of a chart are worth, each target once. */
function sayWorth({ worth }, curves) {
  const targets = [...new Set(curves.map(({ target }) => target))];
  const note = build("p", "worth");
  for (const { target, streams, state } of worth.standings.filter((one) => targets.includes(one.target))) {
    const one = build("span", "", `${target} from ${streams} `);
    one.append(makeBadge(state));
    note.append(one, " ");
  }
  return note.childNodes.length ? [note] : [];
}

/** A view within a recording, not too short. */
export function fitView([from, until], end) {
  const span = Math.min(end, Math.max(Math.min(LEAST_VIEW_S, end), until - from));
  const start = Math.min(end - span, Math.max(0, from));
  return [start, start + span];
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
