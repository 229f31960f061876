// What is shown in words: one place, so that a reason reads the same everywhere.

export const REASONS = {
  filling: "gathering 5 s of movement",
  cut: "new shot: gathering 5 s again",
  nobody: "nobody in the picture",
  arms_hidden: "arms are not in the picture",
  low_coverage: "too many frames are missing",
  wrong_person: "somebody else took the place",
  someone_else: "somebody else is on screen",
  face_unseen: "whose face it is can't be told",
  no_model: "no model of a person",
  stream_down: "no picture arrives",
};

export const FACES = {
  somebody_else: "somebody else",
  unseen: "face not seen",
  not_known: "not known: the face was not looked at",
  not_asked: "no face references: whoever is on screen is judged",
  no_model: "no model: nobody is judged",
};

export const ANSWERS = {
  person: "the person",
  not_person: "not the person",
  cant_tell: "can't tell yet",
};

export const VERDICTS = {
  clear: "No suspicion",
  cant_tell: "Can't tell yet",
  pending: "Suspicious",
  firing: "FIRING",
  not_judged: "Not judged",
  stream_down: "Stream down",
  connecting: "Connecting",
  silent: "No word",
  ended: "Ended",
};

export const STATES = { pending: "suspicious", firing: "firing", resolved: "over" };

export const ENDS = {
  cleared: "moved like the person again",
  not_judged: "nothing to judge for a minute",
  "": "over",
};

export const KEYS = [
  ["A", "acknowledge the chosen incident (the newest firing one if none is chosen)"],
  ["J  K", "next, previous incident"],
  ["D", "dismiss it, with a reason"],
  ["N", "add a note"],
  ["H", "hold its evidence, so that it is never deleted, or release it; with a reason"],
  ["S", "silence the channel until a time"],
  ["M", "sound on, off"],
  ["1 … 9", "choose a channel"],
  ["Enter", "the chosen channel large, or back to the wall"],
  ["←  →", "scroll the timeline; Home: an hour ago, End: now"],
  ["F", "next filter of the incident list"],
  ["Esc", "close, back"],
  ["?", "this list"],
];

/** Write a time of day, to the second. */
export function clock(unixS) {
  return new Date(unixS * 1000).toLocaleTimeString("en-GB");
}

/** Write a duration: 8 s, 3 min 20 s, 2 h 5 min. */
export function span(seconds) {
  const s = Math.max(0, Math.round(seconds));
  if (s < 60) return `${s} s`;
  if (s < 3600) return `${Math.floor(s / 60)} min ${s % 60} s`;
  return `${Math.floor(s / 3600)} h ${Math.floor((s % 3600) / 60)} min`;
}

/** Write a stream's own time: 1:02:03.4. */
export function streamTime(seconds) {
  const whole = Math.floor(seconds);
  const two = (n) => String(n).padStart(2, "0");
  const hours = Math.floor(whole / 3600);
  const rest = `${two(Math.floor((whole % 3600) / 60))}:${two(whole % 60)}.${Math.floor((seconds - whole) * 10)}`;
  return hours ? `${hours}:${rest}` : rest;
}

/** Give the Unix time of an incident's first frame. */
export function begun(incident) {
  return incident.arrived_s - (incident.end_s - incident.start_s);
}

/** Make an element: element("b", {class: "x", text: "hello"}, child, ...). Text is never read as markup. */
export function element(name, { text, class: classes, on = {}, data = {}, ...attributes } = {}, ...children) {
  const made = document.createElement(name);
  if (classes) made.className = classes;
  if (text !== undefined) made.textContent = text;
  for (const [key, value] of Object.entries(attributes)) if (value !== undefined) made.setAttribute(key, value);
  for (const [key, value] of Object.entries(data)) made.dataset[key] = value;
  for (const [key, act] of Object.entries(on)) made.addEventListener(key, act);
  made.append(...children.filter((child) => child !== null && child !== undefined));
  return made;
}
