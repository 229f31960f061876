// The list of incidents, what is known of the chosen one, and what operators do about it.

import { details } from "./details.js";
import { STATES, begun, clock, element, span } from "./words.js";

const FILTERS = {
  all: () => true,
  open: (i) => i.state !== "resolved",
  new: (i) => i.fired && !i.handling?.acknowledged && !i.handling?.dismissed,
  dismissed: (i) => Boolean(i.handling?.dismissed),
};

export class Incidents {
  constructor({ list, panel, count, nothing, only, filters, onChange, act, evidence }) {
    Object.assign(this, { list, panel, count, nothing, only, filters, onChange, act, evidence });
    this.known = new Map();
    this.events = new Map(); // incident id -> ids of the events that were heard
    this.chosen = null;
    this.shownByItself = null; // chosen since it fired, not by somebody
    this.filter = "all";
    this.rows = new Map();
    for (const button of filters) button.addEventListener("click", () => this.show(button.dataset.filter));
    only.addEventListener("change", () => this.render());
  }

  /** Take the list of a `welcome`; what is known and newer stays. */
  welcome(incidents) {
    for (const incident of incidents) this.#take(incident, incident.handling);
    this.#showRinging();
    this.render();
  }

  /** Take an `alert`; tells whether it is news. */
  alert(event) {
    const heard = this.events.get(event.subject) ?? new Set();
    const news = !heard.has(event.id);
    this.events.set(event.subject, heard.add(event.id));
    if (news) this.#take(event.data);
    if (news && event.data.state === "firing") this.#showRinging();
    this.render();
    return news;
  }

  /** Show why the newest one rings, unless somebody has chosen to look at another. */
  #showRinging() {
    const chosen = this.known.get(this.chosen);
    const [newest] = this.ringing();
    if (!newest || (chosen && this.chosen !== this.shownByItself)) return;
    if (!this.ringing().includes(chosen)) this.chosen = this.shownByItself = newest.id;
  }

  /** Take what an operator did, here or elsewhere. */
  handled({ incident: id, handling }) {
    const incident = this.known.get(id);
    if (!incident) return;
    incident.handling = handling;
    this.render();
  }

  #take(data, handling) {
    const before = this.known.get(data.id);
    const older = before && (before.change > data.change || before.arrived_s > data.arrived_s);
    this.known.set(data.id, { ...(older ? data : before), ...(older ? before : data), handling: handling ?? before?.handling ?? null });
  }

  /** All incidents of a channel, or of all; newest first. */
  of(channel = null) {
    return [...this.known.values()].filter((i) => !channel || i.channel === channel).sort((a, b) => begun(b) - begun(a));
  }

  /** Those that ring: firing, not acknowledged, not dismissed. */
  ringing() {
    return this.of().filter((i) => i.state === "firing" && !i.handling?.acknowledged && !i.handling?.dismissed);
  }

  get current() {
    return this.known.get(this.chosen) ?? this.ringing()[0] ?? null;
  }

  visible() {
    return this.of(this.only.value || null).filter(FILTERS[this.filter]);
  }

  show(filter) {
    this.filter = filter;
    for (const button of this.filters) button.setAttribute("aria-pressed", String(button.dataset.filter === filter));
    this.render();
  }

  nextFilter() {
    const names = Object.keys(FILTERS);
    this.show(names[(names.indexOf(this.filter) + 1) % names.length]);
  }

  /** Choose the incident that is `by` places further down the list. */
  move(by) {
    const ids = this.visible().map((i) => i.id);
    if (!ids.length) return;
    const at = ids.indexOf(this.chosen);
    this.choose(ids[at < 0 ? 0 : Math.max(0, Math.min(ids.length - 1, at + by))]);
    this.rows.get(this.chosen)?.scrollIntoView({ block: "nearest" });
  }

  choose(id) {
    this.chosen = id;
    this.shownByItself = null;
    this.render();
  }

  render() {
    const visible = this.visible();
    const rows = visible.map((incident) => this.#row(incident));
    this.list.replaceChildren(...rows);
    this.nothing.hidden = rows.length > 0;
    const open = this.of().filter(FILTERS.open).length;
    this.count.textContent = open ? `${open} open` : "";
    const shown = this.known.get(this.chosen);
    this.panel.hidden = !shown;
    if (shown) details(this.panel, shown, { act: this.act, evidence: this.evidence, close: () => this.choose(null) });
    this.onChange();
  }

  #row(incident) {
    const chosen = incident.id === this.chosen;
    let row = this.rows.get(incident.id);
    if (!row) {
      row = element("li", { data: { incident: incident.id } }, element("button", { type: "button", on: { click: () => this.choose(incident.id) } }));
      this.rows.set(incident.id, row);
    }
    const handled = incident.handling?.dismissed ? "dismissed" : incident.handling?.acknowledged ? "acknowledged" : "";
    row.dataset.state = incident.state;
    row.dataset.handled = handled;
    row.dataset.events = [...(this.events.get(incident.id) ?? [])].join(" ");
    row.classList.toggle("fired", Boolean(incident.fired));
    const button = row.firstChild;
    button.setAttribute("aria-current", String(chosen));
    button.replaceChildren(
      element("span", { class: "pill", text: STATES[incident.state] }),
      element("b", { text: incident.channel }),
      element("time", { text: clock(begun(incident)) }),
      element("span", { class: "who", text: `not like ${incident.person}` }),
      element("span", { class: "long", text: span(incident.end_s - incident.start_s) }),
      element("span", { class: "peak", text: typeof incident.gathered_s === "number" ? `evidence over ${span(incident.gathered_s)}` : `peak ${incident.peak.toFixed(2)}` }),
      element("span", { class: "handled", text: handled ? handledWords(incident.handling) : "" }),
    );
    return row;
  }
}

function handledWords({ dismissed, acknowledged }) {
  return dismissed ? `dismissed by ${dismissed.by}: ${dismissed.reason}` : `acknowledged by ${acknowledged.by}`;
}
