// Sends a recording, waits for it, and hands the result on.

import { build } from "/static/charts.js";
import { hideResult, listen, showResult } from "/static/result.js";

const find = (id) => document.getElementById(id);
const MIB = 1024 ** 2;
const ASK_EVERY_MS = 400;
const OPTIONS = ["video_offset_s", "baseline_start_s", "baseline_end_s"];
const KINDS = ["video", "bio", "features"];

let about = null; // what /version says
let current = null; // address of the recording that is worked on or shown
let sending = null;
let began = null; // { text, at, done } of what goes on, to tell how long it will take

function show(view) {
  find("send").hidden = view !== "send";
  find("working").hidden = view !== "working";
  if (view !== "result") hideResult();
}

function sayError(sentence) {
  const error = find("error");
  error.textContent = sentence;
  error.hidden = !sentence;
  if (sentence) error.focus();
}

function fail(sentence) {
  forget();
  show("send");
  sayError(sentence);
}

function forget() {
  sending?.abort();
  sending = null;
  if (current) fetch(current, { method: "DELETE", keepalive: true }).catch(() => {});
  current = null;
  history.replaceState(null, "", location.pathname);
}

function sayStage(text, done = null) {
  const progress = find("progress");
  if (find("stage").textContent !== text) find("stage").textContent = text;
  if (done === null) progress.removeAttribute("value");
  else progress.value = done;
  find("left").textContent = sayLeft(text, done);
}

/** How long what goes on will still take, once that can be told. */
function sayLeft(text, done) {
  const now = performance.now();
  if (began?.text !== text) began = { text, at: now, done: done ?? 0 };
  const passed = (now - began.at) / 1000;
  if (done === null || passed < 2 || done - began.done < 0.02) return "";
  const left = (passed * (1 - done)) / (done - began.done);
  if (left < 1) return "Almost done with this step";
  return left < 90 ? `About ${Math.ceil(left)} s left in this step` : `About ${Math.ceil(left / 60)} min left in this step`;
}

async function start() {
  listen();
  try {
    about = await (await fetch("/version")).json();
  } catch {
    return sayError("The page's server does not answer: is it still running?");
  }
  find("model").textContent = `Model ${about.model}, trained on ${about.dataset}; reads ${about.streams.join(", ")}.`;
  for (const kind of KINDS) {
    find(`kinds-${kind}`).textContent = `${about[kind].join(" ")}, at most ${Math.round(about[`${kind}_bytes`] / MIB)} MiB`;
    find(kind).accept = about[kind].join(",");
  }
  find("drop-features").hidden = !about.reads_features;
  find("example").hidden = !about.example;
  find("known").replaceChildren(
    ...about.standings.map(([state, sentence]) => build("li", state.replace(" ", "-"), sentence)),
  );
  find("needs").replaceChildren(build("p", "", "What it reads; any part may be missing:"), ...about.needs.map(sayNeed));
  for (const kind of about.peripherals) {
    about[`${kind}_bytes`] = about.bio_bytes;
    addPeripheral(kind);
  }
  showPeripherals();
  const id = location.hash.slice(1);
  if (/^[\w-]+$/.test(id)) {
    current = `/api/jobs/${id}`;
    show("working");
    await wait();
  }
}

/** A stream, the file that it is read from, and its channels to look at. */
function sayNeed({ title, file, channels }) {
  const from = { video: "from the face video", features: "from the features of the face", bio: "from the signals" }[file];
  const name = `${title[0].toUpperCase()}${title.slice(1)}`;
  if (!channels.length) return build("p", "need", `${name}, ${from}`);
  const need = build("details", "need");
  const count = `${channels.length} ${file === "features" ? "columns" : "channels"}`;
  need.append(build("summary", "", `${name}, ${from}: ${count}`), build("p", "", channels.join(", ")));
  return need;
}

function checkFile(kind, file) {
  const name = file.name.toLowerCase();
  if (!about[kind].some((ending) => name.endsWith(ending))) {
    return `${file.name}: must be one of ${about[kind].join(" ")}`;
  }
  if (file.size > about[`${kind}_bytes`]) {
    return `${file.name}: is larger than ${Math.round(about[`${kind}_bytes`] / MIB)} MiB`;
  }
  return "";
}

function gather() {
  const form = new FormData();
  for (const kind of KINDS) {
    const [file] = find(kind).files;
    if (!file) continue;
    const wrong = checkFile(kind, file);
    if (wrong) throw new Error(wrong);
    form.append(kind, file);
  }
  if (!KINDS.some((kind) => form.has(kind))) {
    throw new Error(`Choose a video, a signal file or ${about.reads_features ? "features of the face" : "both"}.`);
  }
  for (const name of OPTIONS) {
    const value = find(name).value.trim();
    if (value) form.append(name, value);
  }
  if (find("blur_faces").checked) form.append("blur_faces", "1");
  return form;
}

/** Send a form, reporting its progress; fetch cannot report it. */
function send(form) {
  return new Promise((resolve, reject) => {
    sending = new XMLHttpRequest();
    sending.open("POST", "/api/jobs");
    sending.responseType = "json";
    sending.upload.addEventListener("progress", (event) => sayStage("Sending", event.loaded / event.total));
    sending.addEventListener("load", () => {
      if (sending.status === 202) resolve(sending.response);
      else reject(new Error(sending.response?.error ?? "The page's server did not understand."));
    });
    sending.addEventListener("error", () => reject(new Error("The page's server broke off: is it still running?")));
    sending.send(form);
  });
}

async function run(form) {
  sayError("");
  show("working");
  sayStage("Sending", 0);
  try {
    const job = await send(form);
    current = `/api/jobs/${job.id}`;
    history.replaceState(null, "", `#${job.id}`);
  } catch (error) {
    return fail(error.message);
  }
  await wait();
}

async function wait() {
  const mine = current;
  while (mine === current) {
    let job;
    try {
      job = await (await fetch(mine)).json();
    } catch {
      return mine === current && fail("The page's server does not answer: is it still running?");
    }
    if (mine !== current) return;
    if (job.state === "done") return finish(mine);
    if (job.error) return fail(job.error);
    if (job.state === "waiting") sayStage(`Waiting: ${job.ahead} before this one`);
    else sayStage(sayWork(job), job.done ?? null);
    await new Promise((resolve) => setTimeout(resolve, ASK_EVERY_MS));
  }
}

function sayWork(job) {
  const stage = job.stage ?? "starting";
  return stage[0].toUpperCase() + stage.slice(1);
}

async function finish(mine) {
  try {
    const result = await (await fetch(`${mine}/result`)).json();
    if (mine !== current) return;
    show("result");
    showResult(result, mine);
  } catch {
    fail("The result could not be read.");
  }
}

/** Further files of signals: a box, and the field that says where the file starts. */
function addPeripheral(kind) {
  const [drop] = find("more").content.cloneNode(true).children;
  drop.id = `drop-${kind}`;
  drop.querySelector(".what").textContent = `Further signals (${kind})`;
  drop.querySelector(".name").id = `name-${kind}`;
  drop.querySelector(".kinds").textContent = about[kind].join(" ");
  Object.assign(drop.querySelector("input"), { id: kind, name: kind, accept: about[kind].join(",") });
  find("more").before(drop);
  const [option] = find("more-offset").content.cloneNode(true).children;
  option.querySelector(".file").textContent = kind;
  option.querySelector("input").id = `${kind}_offset_s`;
  option.id = `option-${kind}`;
  find("more-offset").before(option);
  KINDS.push(kind);
  OPTIONS.push(`${kind}_offset_s`);
  listenTo(kind);
}

/** Show one box more than files are chosen, and offsets of those that are. */
function showPeripherals() {
  let isShown = find("bio").files.length > 0;
  for (const kind of about.peripherals) {
    const has = find(kind).files.length > 0;
    find(`drop-${kind}`).hidden = !(isShown || has);
    find(`option-${kind}`).hidden = !has;
    if (!has) find(`${kind}_offset_s`).value = "";
    isShown = has;
  }
}

function nameFile(kind) {
  const [file] = find(kind).files;
  find(`name-${kind}`).textContent = file ? file.name : "Drop a file here, or choose one";
  find(`drop-${kind}`).classList.toggle("filled", Boolean(file));
  if (about) showPeripherals();
}

function listenTo(kind) {
  const drop = find(`drop-${kind}`);
  find(kind).addEventListener("change", () => nameFile(kind));
  drop.addEventListener("dragover", (event) => {
    event.preventDefault();
    drop.classList.add("over");
  });
  drop.addEventListener("dragleave", () => drop.classList.remove("over"));
  drop.addEventListener("drop", (event) => {
    event.preventDefault();
    drop.classList.remove("over");
    if (!event.dataTransfer.files.length) return;
    find(kind).files = event.dataTransfer.files;
    nameFile(kind);
  });
}
KINDS.forEach(listenTo);
// a file dropped beside the boxes must not replace the page
for (const name of ["dragover", "drop"]) window.addEventListener(name, (event) => event.preventDefault());

find("send").addEventListener("submit", (event) => {
  event.preventDefault();
  try {
    run(gather());
  } catch (error) {
    sayError(error.message);
  }
});
find("example").addEventListener("click", () => {
  const form = new FormData();
  form.append("example", "1");
  run(form);
});
for (const id of ["cancel", "again"]) {
  find(id).addEventListener("click", () => {
    forget();
    show("send");
    find("send").querySelector("button").focus();
  });
}

start();
