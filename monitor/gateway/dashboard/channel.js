// One channel: what is on screen, what is thought of it and why not, and its last hour.

import { drawChart } from "./chart.js";
import { EvidenceBar, level } from "./evidence.js";
import { FacePlate, faceNow } from "./face.js";
import { Picture } from "./picture.js";
import { REASONS, VERDICTS, clock, element, span } from "./words.js";

const HOUR_MS = 3_600_000;
const SMALL_MS = 180_000;
const LARGE_MS = 600_000;
const OLD_SCORE_MS = 4000;
const OLD_HEALTH_MS = 4000; // it comes once a second
const PAGE_ROWS = 2000;

export class Channel {
  #asked = null; // the history before this time (ms) has been asked for
  #hoverMs = null;
  #endMs = null; // right end of the timeline; null: now
  #health = {};
  #healthAt = 0;

  constructor(name, { choose, enlarge, ask, incidents }) {
    Object.assign(this, { name, ask, incidents, rows: [], latest: null, latestAt: 0, evidence: null, large: false, silenced: false });
    this.parts = build(name);
    this.root = this.parts.root;
    this.picture = new Picture(this.parts.canvas, this.parts.stale);
    this.root.addEventListener("click", () => choose(name));
    this.root.addEventListener("focus", () => choose(name));
    this.root.addEventListener("dblclick", () => enlarge(name));
    this.parts.enlarge.addEventListener("click", (event) => (event.stopPropagation(), enlarge(name)));
    this.#listen(this.parts.chart);
  }

  get health() {
    return this.#health;
  }

  /** Take what the worker said last; the same word again, of the same time, is no news. */
  set health(health) {
    if (health.at === undefined || health.at !== this.#health.at) this.#healthAt = performance.now();
    this.#health = health;
  }

  /** Everybody whom this channel knows; an older worker tells of one. */
  get persons() {
    return String(this.#health.persons || this.#health.person || "").split("\n").filter(Boolean);
  }

  /** Tell whether the latest window is of now: where windows come seldom, it is for longer. */
  get #fresh() {
    const mostMs = Math.max(OLD_SCORE_MS, 1500 * (Number(this.#health.every_s) || 0));
    return this.latest !== null && performance.now() - this.latestAt < mostMs;
  }

  /** Take a `score` message. */
  score({ id, window }) {
    this.latest = window;
    this.latestAt = performance.now();
    if (window.score !== undefined) this.evidence = window.evidence ?? null;
    this.rows.push([Number(id.split("-")[0]), window.score ?? null, window.not_judged ?? null, window.evidence?.against]);
    while (this.rows.length && this.rows[0][0] < Date.now() - HOUR_MS) this.rows.shift();
    this.show();
  }

  /** Fetch the scores of the time before those at hand, back to fromMs. */
  async fetch(fromMs) {
    const untilMs = this.#asked ?? Date.now();
    if (fromMs >= untilMs) return;
    this.#asked = fromMs;
    let older = [];
    for (let at = fromMs; ; ) {
      const { rows } = await this.ask({ type: "history", channel: this.name, from_s: at / 1000, to_s: untilMs / 1000 });
      older = older.concat(rows);
      if (rows.length < PAGE_ROWS) break;
      at = rows.at(-1)[0] + 1;
    }
    const first = this.rows[0]?.[0] ?? Infinity;
    this.rows = older.filter(([ms]) => ms < first).concat(this.rows);
    this.draw();
  }

  /** Ask again for what a lost connection left out. */
  refetch() {
    this.#asked = null;
    this.rows = [];
    return this.fetch(Date.now() - (this.large ? LARGE_MS : SMALL_MS));
  }

  /** Tell what is thought of the channel now: one of VERDICTS, and why. */
  verdict() {
    const { state, why, model_note: _ } = this.health;
    if (["stream_down", "connecting", "silent", "ended"].includes(state)) {
      return [state, why || { connecting: "waiting for the first picture", ended: "the recording is over" }[state] || ""];
    }
    const open = this.incidents(this.name).filter((incident) => incident.state !== "resolved");
    const worst = open.find((incident) => incident.state === "firing") ?? open[0];
    if (worst) return [worst.state, `does not move like ${worst.person}`];
    if (!this.#fresh) return ["not_judged", REASONS[this.health.reason] ?? "no verdict yet"];
    if (this.latest.not_judged) return ["not_judged", REASONS[this.latest.not_judged] ?? this.latest.not_judged];
    const says = this.latest.evidence?.says ?? "person";
    if (says === "not_person") return ["pending", `does not move like ${this.latest.person}`];
    return says === "person" ? ["clear", `moves like ${this.latest.person}`] : ["cant_tell", `is it ${this.latest.person}? not enough speaks for or against it`];
  }

  show() {
    const { root, score, gauge, bar, evidence, state, why, who, face, model, facts } = this.parts;
    const [verdict, words] = this.verdict();
    const { enter = 0, clear = 0, person = "", model_note: note = "" } = this.health;
    const value = this.latest?.score;
    const fresh = value !== undefined && this.#fresh;
    root.dataset.verdict = verdict;
    const sum = this.latest?.evidence;
    root.dataset.level = !fresh ? "none" : sum ? level(sum.against, sum.alarm) : value >= enter ? "enter" : value < clear ? "clear" : "between";
    state.textContent = VERDICTS[verdict];
    const also = [this.silenced && "silenced", this.health.state === "degraded" && "degraded: this machine is too slow", this.health.evidence].filter(Boolean);
    why.textContent = why.title = [verdict === "not_judged" ? `Not judged: ${words}` : words, ...also].join(" · ");
    who.textContent = person;
    who.title = person ? `expected on screen: ${person}` : "";
    model.textContent = [this.health.model && `Judged by ${this.health.model}.`, note].filter(Boolean).join(" ");
    score.textContent = fresh ? value.toFixed(2) : "–";
    bar.style.width = fresh ? `${100 * value}%` : "0";
    for (const [tick, at] of [[this.parts.enter, enter], [this.parts.clear, clear]]) {
      tick.style.left = `${100 * at}%`;
      tick.hidden = !(at > 0);
      tick.dataset.at = Number(at).toFixed(2);
    }
    gauge.setAttribute("aria-valuenow", fresh ? value.toFixed(2) : "0");
    gauge.setAttribute("aria-valuetext", fresh ? `${value.toFixed(2)}${enter > 0 ? `; suspicious from ${enter}` : ""}` : "not judged");
    evidence.show(this.evidence, !fresh);
    const told = face.show(this.#face());
    root.setAttribute("aria-label", `Channel ${this.name}: ${VERDICTS[verdict]}${words ? `, ${words}` : ""}${told ? `; face: ${told}` : ""}`);
    facts.replaceChildren(...factsOf(this.health));
    this.picture.age(verdict === "stream_down" || verdict === "silent" ? words : "no picture");
    this.draw();
  }

  /** Find whose face is on screen, null when what was said of it is old. */
  #face() {
    const now = performance.now();
    const window = this.#fresh ? this.latest : null;
    return window?.face || now - this.#healthAt < OLD_HEALTH_MS ? faceNow(this.#health, window) : null;
  }

  draw() {
    const now = Date.now();
    const toMs = this.#endMs ?? now;
    const fromMs = toMs - (this.large ? LARGE_MS : SMALL_MS);
    const { enter = 0, clear = 0, alarm = 0 } = this.health;
    const shown = this.rows.filter(([ms]) => ms >= fromMs - 5000 && ms <= toMs);
    const incidents = this.incidents(this.name).map((incident) => ({
      fromMs: 1000 * (incident.arrived_s - (incident.end_s - incident.start_s)),
      untilMs: incident.state === "resolved" ? incident.arrived_s * 1000 : null,
      firing: incident.fired || incident.state === "firing",
    }));
    const hoverMs = this.#hoverMs;
    drawChart(this.parts.chart, shown, { fromMs, toMs, enter, clear, alarm, incidents, axis: this.large, hoverMs });
    this.parts.chart.setAttribute("aria-label", `Scores from ${clock(fromMs / 1000)} to ${clock(toMs / 1000)}`);
    this.parts.live.hidden = this.#endMs === null;
    this.#tell(fromMs, toMs);
  }

  /** Scroll the timeline; +Infinity: back to now, -Infinity: an hour ago. */
  scroll(byMs) {
    const now = Date.now();
    const end = Math.max(now - HOUR_MS + LARGE_MS, Math.min(now, (this.#endMs ?? now) + byMs));
    this.#endMs = end >= now - 1000 ? null : end;
    this.fetch(Math.max(now - HOUR_MS, end - 2 * LARGE_MS)).catch(() => {});
    this.draw();
  }

  setLarge(large) {
    this.large = large;
    if (!large) this.#endMs = null;
    this.root.classList.toggle("large", large);
    this.parts.enlarge.setAttribute("aria-label", large ? "Back to the wall" : `Show ${this.name} large`);
    this.fetch(Date.now() - (large ? LARGE_MS : SMALL_MS)).catch(() => {});
    requestAnimationFrame(() => (this.picture.draw(), this.draw()));
  }

  /** Say what stands under the pointer. */
  #tell(fromMs, toMs) {
    const at = this.#hoverMs;
    if (at === null || at < fromMs || at > toMs) return (this.parts.reading.textContent = "");
    const near = this.rows.reduce((a, b) => (Math.abs(b[0] - at) < Math.abs((a?.[0] ?? 0) - at) ? b : a), null);
    const said = near && Math.abs(near[0] - at) < 3000 ? (near[1] !== null ? `${near[1].toFixed(2)}${near[3] === undefined ? "" : `, evidence ${near[3].toFixed(1)}`}` : `not judged: ${REASONS[near[2]] ?? near[2]}`) : "nothing known";
    this.parts.reading.textContent = `${clock(at / 1000)}  ${said}`;
  }

  #listen(chart) {
    let drag = null;
    const ms = (px) => (px / chart.clientWidth) * (this.large ? LARGE_MS : SMALL_MS);
    chart.addEventListener("pointerdown", (event) => {
      if (!this.large) return;
      drag = event.clientX;
      chart.setPointerCapture(event.pointerId);
    });
    chart.addEventListener("pointermove", (event) => {
      if (drag !== null) {
        this.scroll(ms(drag - event.clientX));
        drag = event.clientX;
      }
      const end = this.#endMs ?? Date.now();
      this.#hoverMs = end - ms(chart.clientWidth - event.offsetX);
      this.draw();
    });
    chart.addEventListener("pointerup", () => (drag = null));
    chart.addEventListener("pointerleave", () => ((this.#hoverMs = null), this.draw()));
    chart.addEventListener("wheel", (event) => {
      if (!this.large) return;
      event.preventDefault();
      this.scroll(ms(event.deltaX || event.deltaY));
    }, { passive: false });
    this.parts.live.addEventListener("click", (event) => (event.stopPropagation(), this.scroll(Infinity)));
  }
}

function build(name) {
  const canvas = element("canvas", { class: "picture", role: "img", "aria-label": `Live picture of ${name} with the body that is followed` });
  const stale = element("p", { class: "stale" });
  const who = element("span");
  const state = element("b", { class: "state" });
  const enlarge = element("button", { type: "button", class: "enlarge", text: "⤢", "aria-label": `Show ${name} large` });
  const plate = element("header", { class: "plate" }, element("h3", { text: name }), who, state, enlarge);
  const screen = element("div", { class: "screen" }, canvas, stale);
  const score = element("output", { class: "score", text: "–", title: "How unlike the person the last 5 s are, 0 to 1" });
  const bar = element("i", { class: "bar" });
  const enter = element("i", { class: "tick enter", title: "suspicious from here" });
  const clear = element("i", { class: "tick clear", title: "clear below here" });
  const gauge = element("div", { class: "gauge", role: "meter", "aria-label": "Score", "aria-valuemin": "0", "aria-valuemax": "1" }, bar, clear, enter);
  const evidence = new EvidenceBar();
  const why = element("p", { class: "why" });
  const face = new FacePlate();
  const chart = element("canvas", { class: "chart", role: "img" });
  const reading = element("span", { class: "reading" });
  const live = element("button", { type: "button", class: "live", text: "back to now" });
  live.hidden = true;
  const time = element("div", { class: "time" }, chart, reading, live);
  const facts = element("dl", { class: "facts" });
  const model = element("p", { class: "model" });
  const judgement = element("div", { class: "judgement" }, score, element("div", { class: "meter" }, gauge, evidence.root, why));
  const root = element("article", { class: "channel", tabindex: "0", data: { channel: name, verdict: "not_judged" } },
    plate, screen, face.root, judgement, time, facts, model);
  return { root, canvas, stale, who, state, enlarge, face, score, gauge, bar, evidence, enter, clear, why, chart, reading, live, facts, model };
}

function factsOf(health) {
  const rounded = (value, digits, unit) => (typeof value === "number" && value >= 0 ? `${value.toFixed(digits)}${unit}` : "–");
  const share = typeof health.coverage === "number" && health.coverage >= 0 ? `${Math.round(100 * health.coverage)} %` : "–";
  const rows = [
    ["picture", health.width ? `${health.width}×${health.height}` : "–", "size of the stream's picture"],
    ["stream", rounded(health.fps, 0, " fps"), "frames a second that the stream offers"],
    ["poses", rounded(health.poses_per_s, 1, "/s"), "frames a second whose body was estimated"],
    ["measured", share, "share of the window's poses that are measured, the rest is interpolated"],
    ["behind live", rounded(health.lag_s, 2, " s"), "from a frame's arrival to its pose"],
    ["dropped", rounded(health.dropped, 0, ""), "frames that nothing could be done with in time"],
    ["reconnects", rounded(health.reconnects, 0, ""), "times the stream was lost and found again"],
    ["blind", typeof health.blind_s === "number" ? span(health.blind_s) : "–", "time without a verdict since the start"],
  ];
  if (health.face_share >= 0) rows.push(["on screen", `${Math.round(100 * health.face_share)} %`, "share of the time since the start in which the person was on screen"]);
  return rows.map(([name, value, title]) => element("div", { title }, element("dt", { text: name }), element("dd", { text: value })));
}
