// What has added up about a person: a second bar under the score's, with the mark of the alarm.

import { ANSWERS, element, span } from "./words.js";

const CEILING = 1.5; // alarms: the worker adds up no more

/** Give how far a sum is along the scale, 0 to 1. */
export function share(sum, alarm) {
  return alarm > 0 ? Math.min(Math.max(sum / (CEILING * alarm), 0), 1) : 0;
}

/** Find how near an alarm a sum is: the state that an incident of it would have. */
export function level(sum, alarm) {
  return sum >= alarm ? "enter" : sum >= alarm / 2 ? "between" : "clear";
}

/** Write what an alert must say of it: "5.2 of 4 that are an alarm, gathered over 25 s"; nothing of other models. */
export function gathered({ evidence, alarm, gathered_s: seconds }) {
  return typeof evidence === "number" ? `${evidence.toFixed(1)} of ${alarm.toFixed(1)} that are an alarm, gathered over ${span(seconds)}` : "";
}

export class EvidenceBar {
  constructor() {
    this.bar = element("i", { class: "bar" });
    this.mark = element("i", { class: "tick", title: "an alarm from here" });
    this.mark.style.left = `${100 / CEILING}%`;
    this.gauge = element("div", { class: "sum", role: "meter", "aria-label": "Evidence against the person", "aria-valuemin": "0" }, this.bar, this.mark);
    this.words = element("p", { class: "answer" });
    this.root = element("div", { class: "evidence-sum", title: "What speaks against the person, added up over time" }, this.gauge, this.words);
    this.root.hidden = true;
  }

  /** Show a score's evidence; old: nothing was judged since, so it is what had added up by then. */
  show(evidence, old) {
    this.root.hidden = !evidence;
    if (!evidence) return;
    const { against, alarm, gathered_s: seconds, says } = evidence;
    this.root.dataset.level = level(against, alarm);
    this.root.dataset.says = says;
    this.root.classList.toggle("old", old);
    this.bar.style.width = `${100 * share(against, alarm)}%`;
    this.gauge.setAttribute("aria-valuemax", String(CEILING * alarm));
    this.gauge.setAttribute("aria-valuenow", against.toFixed(2));
    const over = against > 0 ? `, over ${span(seconds)}` : "";
    this.words.textContent = `${old ? "before: " : ""}${ANSWERS[says] ?? says} · evidence ${against.toFixed(1)} of ${alarm.toFixed(1)}${over}`;
    this.gauge.setAttribute("aria-valuetext", this.words.textContent);
  }
}
