// What the page has to say about itself, and the few questions it asks.

import { element } from "./words.js";

export class Notices {
  #kept = new Map();

  constructor(root) {
    this.root = root;
  }

  /** Show a sentence for a while, or until it is closed. */
  show(words, { kind = "", stays = false, fadesMs = 8000 } = {}) {
    const made = element("p", { class: `notice ${kind}`, text: words });
    made.append(element("button", { type: "button", text: "×", "aria-label": "Close", on: { click: () => made.remove() } }));
    this.root.append(made);
    if (!stays) setTimeout(() => made.remove(), fadesMs);
    return made;
  }

  /** Show the one sentence about a matter; an empty one takes it away. */
  keep(matter, words, { fadesMs = null } = {}) {
    this.#kept.get(matter)?.remove();
    this.#kept.delete(matter);
    if (words) this.#kept.set(matter, this.show(words, { kind: matter, stays: fadesMs === null, fadesMs: fadesMs ?? 0 }));
  }
}

/** Ask for a token, keep it on this machine, and let evidence files be fetched with it. */
export function askToken(why) {
  const dialog = document.getElementById("token");
  const input = document.getElementById("token-text");
  if (why && localStorage.getItem("bodywatch_token")) document.getElementById("token-why").textContent = `Not accepted: ${why}.`;
  input.value = "";
  if (!dialog.open) dialog.showModal();
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => {
      localStorage.setItem("bodywatch_token", input.value.trim());
      const where = new URL("evidence", location.href).pathname;
      document.cookie = `bodywatch_token=${encodeURIComponent(input.value.trim())}; path=${where}; SameSite=Strict; max-age=31536000`;
      resolve();
    }, { once: true });
  });
}

/** Ask for words, or for one of the choices ({value: words}) and a time; gives {text, what, forS} or null. */
export function askWords({ title, about, label = "", button, choice = null }) {
  const $ = (id) => document.getElementById(id);
  const dialog = $("words");
  $("words-title").textContent = title;
  $("words-about").textContent = about;
  $("words-label").hidden = choice;
  $("words-text").required = !choice;
  $("words-text").value = "";
  $("words-choice").hidden = !choice;
  $("words-what").replaceChildren(...Object.entries(choice ?? {}).map(([value, text]) => element("option", { value, text })));
  $("words-label").firstChild.textContent = label;
  dialog.querySelector(".main").textContent = button;
  dialog.returnValue = "";
  dialog.showModal();
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => {
      const text = $("words-text").value.trim();
      resolve(dialog.returnValue === "do" && (choice || text) ? { text, what: $("words-what").value, forS: Number($("words-for").value) } : null);
    }, { once: true });
  });
}
