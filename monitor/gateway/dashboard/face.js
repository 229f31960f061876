// Whose face is on screen: a name plate, for a channel and for an incident.

import { FACES, element } from "./words.js";

const WIDEST = 1; // where the scale ends: strangers lie 0.5 to 0.85 apart
const NO_PICTURE = ["stream_down", "connecting", "silent", "ended"];

/** Find what is known of the face on screen, null when nothing is; window is the latest one, if it is of now. */
export function faceNow(health, window) {
  const reason = window ? window.not_judged : health.reason;
  if (reason === "no_model" || (health.face === "not_asked" && !health.model)) return { who: "no_model" };
  if (reason === "nobody" || NO_PICTURE.includes(health.state)) return null;
  const { face: who, face_person: person, face_distance: distance, face_limit: limit, face_why: why } = health;
  const told = window?.face ?? { who, person, distance, limit, why };
  const required = health.face_required !== 0 || Boolean(reason); // "judged without a face" is said of what was judged
  return { ...told, person: told.person || health.person, required };
}

/** Find whose face an incident was raised under: null when nobody looked, undefined in those of an older worker. */
export function faceOf({ face }) {
  return face === null ? { who: "not_known" } : { ...face, required: false };
}

/** What is written on the plate: the words, the figures and a hint; null for what an older page does not know. */
function write({ who, person, distance, limit, why, required }) {
  const [near, bound] = [distance, limit].map((number) => typeof number === "number" && number >= 0);
  const figures = near ? `face ${distance.toFixed(2)}${bound ? `, limit ${limit.toFixed(2)}` : ""}` : "";
  if (who === "person") {
    const over = near && bound && distance > limit;
    return { words: String(person || "the person"), figures, hint: over ? "over the limit, not yet clearly another's face" : "" };
  }
  if (!Object.hasOwn(FACES, who)) return null;
  if (who === "no_model") return { words: FACES.no_model, hint: "make one: bodywatch enrol --help" };
  if (who !== "unseen") return { words: FACES[who], figures };
  const unseen = `${FACES.unseen}${why ? `: ${why}` : ""}`;
  return required ? { words: unseen, figures } : { words: "judged without a face, as configured", figures, hint: unseen };
}

export class FacePlate {
  constructor() {
    const line = (name, of) => element(name, { class: of, data: { line: of } });
    [this.words, this.figures, this.hint] = [line("bdi", "words"), line("span", "figures"), line("span", "hint")];
    [this.band, this.mark] = [element("i", { class: "band" }), element("i", { class: "mark" })];
    this.range = element("div", { class: "range", "aria-hidden": "true" }, this.band, this.mark);
    this.root = element("div", { class: "face" }, this.words, this.figures, this.range, this.hint);
    this.show(null);
  }

  /** Show what faceNow or faceOf found, and give it in words; nothing when it is null. */
  show(face) {
    const written = face && write(face);
    this.root.hidden = !written;
    if (!written) return "";
    const { words, figures = "", hint = "" } = written;
    this.root.dataset.who = face.who;
    for (const [part, text] of [[this.words, words], [this.figures, figures], [this.hint, hint]]) {
      [part.textContent, part.hidden] = [text, !text];
    }
    this.#draw(face, Boolean(figures));
    return (this.root.title = [words, figures, hint].filter(Boolean).join(", "));
  }

  /** Put the distance on a scale whose part up to the limit is the person's. */
  #draw({ distance, limit }, known) {
    this.range.hidden = !known;
    const most = Math.max(WIDEST, 1.25 * (limit || 0));
    const percent = (number) => `${(100 * Math.min(Math.max(number || 0, 0), most)) / most}%`;
    this.band.style.width = percent(limit);
    this.mark.style.left = percent(distance);
  }
}
