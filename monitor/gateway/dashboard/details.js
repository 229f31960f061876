// Everything about one incident: what happened, why, what is kept of it, and what was done.

import { gathered } from "./evidence.js";
import { FacePlate, faceOf } from "./face.js";
import { outline, seconds } from "./outline.js";
import { ENDS, STATES, begun, clock, element, span, streamTime } from "./words.js";

const NOTABLE = 0.1; // shoulder widths a second beyond the person's own: less than that is the pose network's jitter
const AGAIN_MS = 4000; // a clip is whole some seconds after the incident's end
const shown = new Map(); // incident id -> {change, media}: a clip must not start anew at every message

/** Fill the panel. */
export function details(panel, incident, { act, evidence, close }) {
  const same = panel.dataset.incident === incident.id;
  panel.dataset.incident = incident.id;
  panel.dataset.state = incident.state;
  const kept = keep(incident, evidence, act);
  const parts = [title(incident, close), actions(incident, act), explanation(incident), whose(incident), kept, facts(incident), history(incident)];
  const scroll = panel.scrollTop;
  const held = panel.contains(document.activeElement) ? document.activeElement.dataset.do : null;
  panel.replaceChildren(...parts.filter(Boolean));
  if (same) panel.scrollTop = scroll;
  if (held) panel.querySelector(`[data-do="${held}"]`)?.focus();
}

function title(incident, close) {
  return element("header", {},
    element("span", { class: "pill", text: STATES[incident.state] }),
    element("h3", { text: `${incident.channel}: does not move like ${incident.person}` }),
    element("button", { type: "button", class: "close", text: "×", "aria-label": "Close", data: { do: "close" }, on: { click: close } }));
}

function actions(incident, act) {
  if (!act.allowed()) return null;
  const button = (name, words, key, disabled) => {
    const made = element("button", { type: "button", data: { do: name }, on: { click: () => act[name](incident) } }, words, " ", element("kbd", { text: key }));
    made.disabled = Boolean(disabled);
    return made;
  };
  return element("div", { class: "actions" },
    button("ack", "Acknowledge", "A", incident.handling?.acknowledged),
    button("dismiss", "Dismiss", "D", incident.handling?.dismissed),
    button("note", "Note", "N"),
    button("silence", "Silence", "S"));
}

function facts(incident) {
  const { rule } = incident;
  const rows = [
    ["began", `${clock(begun(incident))} (stream time ${streamTime(incident.start_s)})`],
    ["lasted", `${span(incident.end_s - incident.start_s)}${incident.state === "resolved" ? "" : " so far"}`],
    ["ended", incident.state === "resolved" ? ENDS[incident.ended_by ?? ""] : "not yet"],
    ["score", `latest ${incident.score.toFixed(2)}, peak ${incident.peak.toFixed(2)}, ${incident.windows} windows`],
    ...(gathered(incident) ? [["evidence", gathered(incident)]] : []),
    ["rule", rule?.kind === "sequential" ? `evidence adds up to ${rule.alarm.toFixed(1)}; over when less than ${rule.calm.toFixed(1)} is left` : rule?.kind === "paper" ? "the paper's majority" : rule?.k ? `${rule.k} of ${rule.n} windows at or over ${rule.enter}, for ${rule.hold_s} s; over when all are under ${rule.clear}` : "–"],
    ["model", incident.model || "–"],
    ["id", incident.id],
  ];
  return element("dl", { class: "table" }, ...rows.flatMap(([name, value]) => [element("dt", { text: name }), element("dd", { text: value })]));
}

function explanation({ explanation: why }) {
  const keypoints = Object.entries(why?.keypoints ?? {}).sort((a, b) => b[1] - a[1]);
  if (!keypoints.length) return null;
  const top = Math.max(keypoints[0][1], 1e-9);
  const shown = [...keypoints.slice(0, 4), ...unusual(why, keypoints.slice(4))];
  const most = 1.1 * Math.max(...shown.map(([name]) => Math.max(why.speeds?.[name] ?? 0, why.normal?.[name]?.high ?? 0)), 1e-9);
  const rows = shown.map(([name, share]) => {
    const bar = element("i");
    bar.style.width = `${(100 * share) / top}%`;
    const beside = speed(why.speeds?.[name], why.normal?.[name], most);
    return element("li", { data: { moved: name } }, element("span", { text: name.replaceAll("_", " ") }), element("div", { class: "share" }, bar), element("span", { text: `${Math.round(100 * share)} %` }), ...beside);
  });
  const known = shown.some(([name]) => why.normal?.[name]);
  const unit = why.speeds && element("p", { class: "small", text: `speed in shoulder widths a second${known ? "; the band is the middle 90 % of the person's own" : ""}` });
  const bySecond = why.seconds?.length ? [seconds(why.seconds), element("p", { class: "small", text: "the window's seconds: up is unlike the person, down is like" })] : [];
  return element("section", { class: "why-so" },
    element("h4", { text: "Why" }), why.words ? element("p", { text: `${why.words}.` }) : "",
    element("div", { class: "pictures" }, outline(why.keypoints, why.words), element("div", {}, ...bySecond)),
    element("ol", { class: "moved" }, ...rows), sure(why), unit);
}

/** Tell whose face it was at the latest window that was judged, and how sure that was. */
function whose(incident) {
  const plate = new FacePlate();
  return plate.show(faceOf(incident)) && element("section", { class: "whose" }, element("h4", { text: "Whose face" }), plate.root);
}

/** Tell how far off the shares may be; they are sampled. */
function sure({ error }) {
  if (error === undefined) return "";
  const percent = Math.round(100 * error);
  return element("p", { class: "small", text: `shares are estimates: give or take ${percent < 1 ? "less than 1" : percent} %` });
}

/** Tell how far a speed is from what is normal; 0 where nobody knows. */
function outside(speed, normal) {
  return speed === undefined || !normal ? 0 : Math.max(0, speed - normal.high, normal.low - speed);
}

/** Find the keypoints whose speed is furthest from the person's own, two at most: by shoulder widths a second. */
function unusual({ speeds = {}, normal = {} }, keypoints) {
  const apart = ([name]) => outside(speeds[name], normal[name]);
  return keypoints.filter((one) => apart(one) > NOTABLE).sort((a, b) => apart(b) - apart(a)).slice(0, 2);
}

/** Draw how fast a keypoint moved on the band of what is normal; most is the scale's end. */
function speed(value, normal, most) {
  if (value === undefined) return [];
  if (!normal) return [element("span", { class: "speed", text: value.toFixed(value >= 1 ? 1 : 2) })];
  const { low, high } = normal;
  const [band, mark] = [element("i", { class: "band" }), element("i", { class: "mark" })];
  [band.style.left, band.style.width] = [`${(100 * low) / most}%`, `${(100 * (high - low)) / most}%`];
  mark.style.left = `${(100 * value) / most}%`;
  const notable = outside(value, normal) > NOTABLE;
  const [is, from, to] = [value, low, high].map((one) => one.toFixed(high >= 1 ? 1 : 2));
  const words = `${is}, normally ${from} to ${to}`;
  return [element("div", { class: "range", "aria-hidden": "true" }, band, mark), element("span", { class: notable ? "speed unusual" : "speed", text: words })];
}

/** Show what is kept; asked for again when the incident has changed or was held, and until it is whole. */
function keep(incident, evidence, act) {
  const { handling } = incident;
  const change = [incident.change, incident.state, handling?.held?.at, handling?.released?.at].join(" ");
  const known = shown.get(incident.id);
  if (known?.change === change) return known.media;
  const media = known?.media ?? element("section", { class: "evidence" }, element("div"), element("div"));
  shown.set(incident.id, { change, media });
  const ask = async () => {
    const kept = await evidence(incident.id);
    if (shown.get(incident.id)?.change !== change) return; // a later change asks by itself
    if (kept) fill(media, incident, kept, act);
    if (!media.isConnected) shown.delete(incident.id);
    else if (["open", "none"].includes(kept?.state ?? "none")) setTimeout(ask, AGAIN_MS);
  };
  setTimeout(ask, 0);
  return media;
}

/** Write how the evidence is, and its files when they are others than those shown: a clip must not start anew. */
function fill(media, incident, { state, files, held }, act) {
  const [how, parts] = media.children;
  const words = { open: "Being written; whole some seconds after the incident's end.", removed: "Deleted to make room.", none: incident.state === "resolved" ? "Nothing is kept of it." : "Not written yet." }[state];
  const kept = ["open", "sealed"].includes(state);
  how.hidden = state === "off" || !incident.fired;
  how.replaceChildren(element("h4", { text: "Evidence" }), element("p", { class: `hold ${held === null ? "" : "held"}` },
    element("span", { text: held === null ? words ?? "Deleted when its time is over." : `Held, never deleted: ${held}` }),
    kept && act.allowed() ? element("button", { type: "button", data: { do: "hold" }, on: { click: () => act.hold(incident) } }, held === null ? "Hold " : "Release ", element("kbd", { text: "H" })) : null));
  if (media.dataset.files !== files.join()) parts.replaceChildren(...evidenceParts(incident.id, files));
  media.dataset.files = files.join();
}

function evidenceParts(id, files) {
  if (!files.length) return [];
  const base = `evidence/${encodeURIComponent(id)}/`;
  const of = (ending) => files.filter((name) => name.endsWith(ending));
  const clips = of(".mp4").map((name) => {
    const video = element("video", { controls: "", preload: "metadata", src: base + name, "aria-label": "Clip of the incident" });
    video.muted = true;
    return video;
  });
  const pictures = [...of(".jpg"), ...of(".png")].map((name) => element("a", { href: base + name, target: "_blank" }, element("img", { src: base + name, alt: name.replace(/\..*$/, ""), loading: "lazy" })));
  const links = files.map((name) => element("li", {}, element("a", { href: base + name, text: name, download: "" })));
  const words = "Cut from the stream as it was sent; bodywatch evidence verify tells whether a byte was changed since.";
  return [...clips, ...pictures, element("ul", { class: "files" }, ...links), element("p", { class: "small", text: words })];
}

function history({ arrived_s, state, handling, ...incident }) {
  const lines = [[begun({ arrived_s, ...incident }), "first suspicious movement", ""]];
  if (state === "resolved") lines.push([arrived_s, ENDS[incident.ended_by ?? ""], ""]);
  if (handling?.acknowledged) lines.push([handling.acknowledged.at, "acknowledged", handling.acknowledged.by]);
  if (handling?.dismissed) lines.push([handling.dismissed.at, `dismissed: ${handling.dismissed.reason}`, handling.dismissed.by]);
  if (handling?.held) lines.push([handling.held.at, `evidence held: ${handling.held.reason}`, handling.held.by]);
  if (handling?.released) lines.push([handling.released.at, `evidence released: ${handling.released.reason}`, handling.released.by]);
  for (const note of handling?.notes ?? []) lines.push([note.at, note.text, note.by]);
  const rows = lines.sort((a, b) => a[0] - b[0]).map(([at, what, by]) =>
    element("li", {}, element("time", { text: clock(at) }), element("span", { text: what }), element("i", { text: by })));
  return element("section", {}, element("h4", { text: "History and notes" }), element("ol", { class: "history" }, ...rows));
}
