// Everything on shift goes by keyboard, except while somebody writes.

import { KEYS, element } from "./words.js";

/** Call what belongs to a key; digits go to `digit`. */
export function listen(acts) {
  document.getElementById("keys-list").replaceChildren(
    ...KEYS.flatMap(([keys, what]) => [element("dt", {}, ...keys.split("  ").map((key) => element("kbd", { text: key }))), element("dd", { text: what })]));
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || document.querySelector("dialog[open]")) return;
    if (event.target.closest("input, textarea, select, video")) return;
    if (event.key === "Enter" && event.target.closest("button, a")) return;
    const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
    const act = /^[1-9]$/.test(key) ? () => acts.digit(Number(key)) : acts[key];
    if (!act) return;
    event.preventDefault();
    act();
  });
}
