// Everything about one incident: what happened, why, what is kept of it, and what was done.

import { begun } from "./incidents.js";
import { outline, seconds } from "./outline.js";
import { ENDS, STATES, clock, element, span, streamTime } from "./words.js";

const AGAIN_MS = 4000; // a clip is whole some seconds after the incident's end
const shown = new Map(); // incident id -> {change, media}: a clip must not start anew at every message

/** Fill the panel. */
export function details(panel, incident, { act, evidence, close }) {
  const same = panel.dataset.incident === incident.id;
  panel.dataset.incident = incident.id;
  panel.dataset.state = incident.state;
  const kept = keep(incident, evidence);
  const parts = [title(incident, close), actions(incident, act), explanation(incident), kept, facts(incident), history(incident)];
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
    ["rule", rule?.kind === "paper" ? "the paper's majority" : rule?.k ? `${rule.k} of ${rule.n} windows at or over ${rule.enter}, for ${rule.hold_s} s; over when all are under ${rule.clear}` : "–"],
    ["model", incident.model || "–"],
    ["id", incident.id],
  ];
  return element("dl", { class: "table" }, ...rows.flatMap(([name, value]) => [element("dt", { text: name }), element("dd", { text: value })]));
}

function explanation({ explanation: why }) {
  const keypoints = Object.entries(why?.keypoints ?? {}).sort((a, b) => b[1] - a[1]);
  if (!keypoints.length) return null;
  const top = Math.max(keypoints[0][1], 1e-9);
  const rows = keypoints.slice(0, 4).map(([name, share]) => {
    const bar = element("i");
    bar.style.width = `${(100 * share) / top}%`;
    return element("li", {}, element("span", { text: name.replaceAll("_", " ") }), element("div", { class: "share" }, bar), element("span", { text: `${Math.round(100 * share)} %` }));
  });
  const bySecond = why.seconds?.length ? [seconds(why.seconds), element("p", { class: "small", text: "the window's seconds: up is unlike the person, down is like" })] : [];
  return element("section", { class: "why-so" },
    element("h4", { text: "Why" }), why.words ? element("p", { text: `${why.words}.` }) : "",
    element("div", { class: "pictures" }, outline(why.keypoints, why.words), element("div", {}, element("ol", { class: "moved" }, ...rows), ...bySecond)));
}

/** Show what the evidence folder holds; asked for again when the incident has changed, and until the clip is there. */
function keep(incident, evidence) {
  const change = `${incident.change} ${incident.state}`;
  const known = shown.get(incident.id);
  if (known?.change === change) return known.media;
  const media = known?.media ?? element("section", { class: "evidence" });
  shown.set(incident.id, { change, media });
  const ask = async () => {
    const files = await evidence(incident.id);
    if (media.dataset.files !== files.join()) media.replaceChildren(...evidenceParts(incident.id, files));
    media.dataset.files = files.join();
    if (!files.some((name) => name.endsWith(".mp4")) && media.isConnected) setTimeout(ask, AGAIN_MS);
    else if (!media.isConnected) shown.delete(incident.id);
  };
  setTimeout(ask, 0);
  return media;
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
  return [element("h4", { text: "Evidence" }), ...clips, ...pictures, element("ul", { class: "files" }, ...links), element("p", { class: "small", text: words })];
}

function history({ arrived_s, state, handling, ...incident }) {
  const lines = [[begun({ arrived_s, ...incident }), "first suspicious movement", ""]];
  if (state === "resolved") lines.push([arrived_s, ENDS[incident.ended_by ?? ""], ""]);
  if (handling?.acknowledged) lines.push([handling.acknowledged.at, "acknowledged", handling.acknowledged.by]);
  if (handling?.dismissed) lines.push([handling.dismissed.at, `dismissed: ${handling.dismissed.reason}`, handling.dismissed.by]);
  for (const note of handling?.notes ?? []) lines.push([note.at, note.text, note.by]);
  const rows = lines.sort((a, b) => a[0] - b[0]).map(([at, what, by]) =>
    element("li", {}, element("time", { text: clock(at) }), element("span", { text: what }), element("i", { text: by })));
  return element("section", {}, element("h4", { text: "History and notes" }), element("ol", { class: "history" }, ...rows));
}
