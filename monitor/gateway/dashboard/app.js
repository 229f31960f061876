// Composes the page: what the gateway says goes to the channels and incidents, what keys and buttons say goes back.

import { Channel } from "./channel.js";
import { Incidents } from "./incidents.js";
import { listen } from "./keys.js";
import { GatewayConnection } from "./connection.js";
import { Notices, askToken, askWords } from "./notices.js";
import { Sound } from "./sound.js";
import { clock, element, span } from "./words.js";

const $ = (id) => document.getElementById(id);
const channels = new Map();
const visible = new Set();
let [role, chosen, large, silences, offsetS] = ["viewer", null, null, {}, 0];
const [TILE_REM, WORDS_REM, FEW_WORDS_REM] = [19, 16.7, 11.4]; // narrowest tile; height of its words, gauge and chart
const ALARM_REM = 4.4; // kept free for the alarm, so that tiles don't jump when it comes
let catchingUp = null; // {untilMs, count}: alerts before this are what was missed

const notices = new Notices($("notices"));
const sound = new Sound($("sound"));
const link = new GatewayConnection(hear);

const act = {
  allowed: () => role !== "viewer",
  ack: (incident) => request({ type: "ack", incident: incident.id }),
  async dismiss(incident) {
    const said = await askWords({ title: "Dismiss this incident", about: `${incident.channel}, ${clock(incident.arrived_s)}`, label: "Why is it a false alarm?", button: "Dismiss" });
    if (said) request({ type: "dismiss", incident: incident.id, reason: said.text });
  },
  async note(incident) {
    const said = await askWords({ title: "Add a note", about: `${incident.channel}, ${clock(incident.arrived_s)}`, label: "Note", button: "Add" });
    if (said) request({ type: "note", incident: incident.id, text: said.text });
  },
  async hold(incident) {
    const kept = await evidence(incident.id);
    if (!kept) return notices.show("Not done: the gateway does not answer.", { kind: "bad" });
    const about = `${incident.channel}, ${clock(incident.arrived_s)}${kept.held ? `; held: ${kept.held}` : ""}`;
    const words = kept.held
      ? { title: "Release its evidence", label: "Why may it be deleted when its time is over?", button: "Release" }
      : { title: "Hold its evidence", label: "Why must it never be deleted?", button: "Hold" };
    const said = await askWords({ ...words, about });
    if (said) request({ type: kept.held ? "release" : "hold", incident: incident.id, reason: said.text });
  },
  async silence({ channel }) {
    const persons = channels.get(channel)?.persons ?? [];
    const choice = { channel: `the channel ${channel}` };
    for (const person of persons) choice[`person:${person}`] = `${person}, on every channel`;
    const said = await askWords({ title: `Silence ${channel}`, about: "Nothing is raised until then. Watching and scoring go on.", button: "Silence", choice });
    if (!said) return;
    const until_s = said.forS ? Date.now() / 1000 + offsetS + said.forS : 0;
    const whom = said.what === "channel" ? { channel } : { person: said.what.slice("person:".length) };
    request({ type: "silence", ...whom, until_s });
  },
};

const incidents = new Incidents({
  list: $("list"), panel: $("details"), count: $("count"), nothing: $("nothing"), only: $("only"),
  filters: document.querySelectorAll("[data-filter]"), onChange: changed, act, evidence,
});

async function request(message) {
  try {
    if (!act.allowed()) throw new Error("Your token may look, not act.");
    await link.ask(message);
  } catch (error) {
    notices.show(`Not done: ${error.message}`, { kind: "bad" });
  }
}

/** Ask what is kept of an incident: {files, held}; null while the gateway is away. */
async function evidence(id) {
  try {
    const answer = await fetch(`evidence/${encodeURIComponent(id)}/`);
    return answer.ok ? await answer.json() : null;
  } catch {
    return null;
  }
}

function hear(message) {
  const act = HEARD[message.type];
  if (act) act(message);
}

const HEARD = {
  link({ state, why }) {
    $("link").dataset.link = state;
    $("link").textContent = { live: "live", lost: "no connection: trying again", token: "token needed" }[state];
    notices.keep("lost", state === "lost" ? why : "");
    if (state === "token") askToken(why).then(() => link.open());
    document.body.classList.toggle("cut-off", state !== "live");
  },
  status({ redis }) {
    notices.keep("redis", redis === "away" ? "Redis is away: nothing new can arrive. Alerts wait at the workers and follow." : "");
  },
  welcome(message) {
    role = message.role;
    offsetS = message.now_s - Date.now() / 1000;
    silences = message.silences;
    for (const name of message.channels) channel(name).health = message.health[name] ?? {};
    incidents.welcome(message.incidents);
    for (const each of channels.values()) each.refetch().catch(() => {}), each.show();
    catchingUp = message.away_s > 0 ? { untilMs: message.now_s * 1000, count: 0, awayS: message.away_s } : null;
    if (catchingUp) missed();
    changed();
  },
  alert({ id, event }) {
    if (!incidents.alert(event)) return;
    if (catchingUp && Number(id.split("-")[0]) < catchingUp.untilMs) missed(++catchingUp.count);
    const { channel: name, person, state } = event.data;
    if (state === "firing") say(`Firing on ${name}: does not move like ${person}`);
    if (state === "resolved") say(`Over on ${name}`);
    channels.get(name)?.show();
  },
  handled({ command }) {
    if (command.handling) incidents.handled(command);
    if (command.command === "silence") {
      const key = command.channel ? `channel:${command.channel}` : `person:${command.person}`;
      silences[key] = command.until_s;
      changed();
    }
  },
  score: (message) => channel(message.channel).score(message),
  health({ channel: name, health }) {
    const one = channel(name);
    one.health = health;
    one.show();
  },
  pose: ({ channel: name, pose }) => channels.get(name)?.picture.show(pose),
  gap({ before }) {
    const until = before ? ` before ${clock(Number(before.split("-")[0]) / 1000)}` : "";
    notices.show(`Alerts${until} were removed from the stream while this page was away; they can't be shown.`, { kind: "bad", stays: true });
  },
};

function missed() {
  const { count, awayS } = catchingUp;
  notices.keep("missed", `Back after ${span(awayS)}. ${count ? `${count} alert${count > 1 ? "s" : ""} came meanwhile, now in the list.` : "No alert came meanwhile."}`, { fadesMs: 12000 });
}

function channel(name) {
  if (channels.has(name)) return channels.get(name);
  const made = new Channel(name, { choose, enlarge, ask: (m) => link.ask(m), incidents: (of) => incidents.of(of) });
  channels.set(name, made);
  $("empty").hidden = true;
  const after = [...channels.keys()].sort().find((other) => other > name);
  $("wall").insertBefore(made.root, after ? channels.get(after).root : null);
  $("only").append(element("option", { text: name, value: name }));
  seen.observe(made.root);
  made.fetch(Date.now() - 180_000).catch(() => {});
  if (channels.size === 1) [chosen, large] = [name, name];
  else if (large === [...channels.keys()][0] && channels.size === 2) large = null;
  arrange();
  return made;
}

function choose(name) {
  chosen = name;
  for (const each of channels.values()) each.root.classList.toggle("chosen", each.name === chosen && channels.size > 1);
}

function enlarge(name) {
  large = large === name && channels.size > 1 ? null : name;
  choose(name);
  arrange();
}

/** Make the tiles as large as fits without scrolling; when they would get too small, scroll. */
function fit() {
  const wall = $("wall");
  const rem = parseFloat(getComputedStyle(document.documentElement).fontSize);
  const gap = parseFloat(getComputedStyle(wall).columnGap) || 0;
  const [width, all] = [wall.clientWidth - 2 * gap, wall.clientHeight - 2 * gap];
  const height = all - ($("alarm").hidden ? ALARM_REM * rem : 0);
  const most = Math.max(1, Math.floor((width + gap) / (TILE_REM * rem + gap)));
  const fits = (c, words) => {
    const tile = (((width - (c - 1) * gap) / c) * 9) / 16 + words * rem;
    return Math.ceil(channels.size / c) * (tile + gap) - gap <= height;
  };
  let columns = 1;
  while (columns < most && columns < channels.size && !fits(columns, FEW_WORDS_REM)) columns++;
  wall.style.setProperty("--columns", columns);
  wall.classList.toggle("dense", !fits(columns, WORDS_REM));
}
new ResizeObserver(fit).observe($("wall"));

function arrange() {
  fit();
  $("wall").classList.toggle("one", large !== null);
  $("wall").dataset.channels = channels.size;
  for (const each of channels.values()) each.setLarge(each.name === large);
}

function changed() {
  const ringing = incidents.ringing();
  $("alarm").hidden = !ringing.length;
  $("alarm").replaceChildren(...ringing.slice(0, 3).map((incident) => element("div", { data: { incident: incident.id } },
    element("b", { text: "Firing" }), element("span", { class: "what", text: `${incident.channel}: does not move like ${incident.person}${typeof incident.gathered_s === "number" ? `, by ${span(incident.gathered_s)} of movement` : ""}` }),
    element("span", { class: "since", text: `since ${clock(incident.arrived_s)}` }),
    act.allowed() ? element("button", { type: "button", on: { click: () => act.ack(incident) } }, "Acknowledge ", element("kbd", { text: "A" })) : null,
    element("button", { type: "button", text: "Show", on: { click: () => (incidents.choose(incident.id), choose(incident.channel)) } }))));
  sound.ring(ringing.length > 0);
  const open = incidents.of().filter((i) => i.state === "firing").length;
  document.title = open ? `(${open}) FIRING · bodywatch` : "bodywatch";
  for (const each of channels.values()) each.show();
  summary();
}

function summary() {
  const now = Date.now() / 1000 + offsetS;
  const quiet = Object.entries(silences).filter(([, until]) => until > now);
  $("silences").hidden = !quiet.length;
  $("silences").textContent = quiet.length ? `Silenced: ${quiet.map(([key, until]) => `${key.split(":")[1]} until ${clock(until)}`).join(", ")}` : "";
  for (const each of channels.values()) {
    const isQuiet = (key) => quiet.some(([one]) => one === key);
    each.silenced = isQuiet(`channel:${each.name}`) || (each.persons.length > 0 && each.persons.every((person) => isQuiet(`person:${person}`)));
  }
  const states = [...channels.values()].map((each) => each.verdict()[0]);
  const count = (...names) => states.filter((state) => names.includes(state)).length;
  const parts = [[count("firing"), "firing"], [count("pending"), "suspicious"], [count("not_judged"), "not judged"], [count("cant_tell"), "can't tell yet"], [count("stream_down", "silent"), "down"], [count("clear"), "clear"]];
  $("summary").textContent = parts.filter(([n]) => n).map(([n, word]) => `${n} ${word}`).join(" · ");
}

function say(words) {
  $("spoken").textContent = "";
  requestAnimationFrame(() => ($("spoken").textContent = words));
}

const seen = new IntersectionObserver((entries) => {
  for (const { target, isIntersecting } of entries) visible[isIntersecting ? "add" : "delete"](target.dataset.channel);
  look();
});

function look() {
  link.watch(document.visibilityState === "visible" ? [...visible].sort() : []);
}
document.addEventListener("visibilitychange", look);

const now = () => ((incidents.current && channels.get(incidents.current.channel)) || channels.get(chosen) || [...channels.values()][0]);
const withCurrent = (what) => () => incidents.current && what(incidents.current);
listen({
  a: withCurrent((incident) => !incident.handling?.acknowledged && act.ack(incident)),
  d: withCurrent((incident) => act.dismiss(incident)),
  n: withCurrent((incident) => act.note(incident)),
  h: withCurrent((incident) => act.hold(incident)),
  s: () => (channels.get(chosen) ?? now()) && act.silence({ channel: chosen ?? now().name }),
  m: () => sound.toggle(),
  f: () => incidents.nextFilter(),
  j: () => incidents.move(1),
  k: () => incidents.move(-1),
  ArrowDown: () => incidents.move(1),
  ArrowUp: () => incidents.move(-1),
  ArrowLeft: () => channels.get(large)?.scroll(-60_000),
  ArrowRight: () => channels.get(large)?.scroll(60_000),
  Home: () => channels.get(large)?.scroll(-Infinity),
  End: () => channels.get(large)?.scroll(Infinity),
  Enter: () => (chosen ?? now()?.name) && enlarge(chosen ?? now().name),
  Escape: () => (incidents.chosen ? incidents.choose(null) : large && channels.size > 1 && enlarge(large)),
  "?": () => $("keys").showModal(),
  digit(number) {
    const one = [...channels.values()].sort((a, b) => (a.name < b.name ? -1 : 1))[number - 1];
    if (one) (choose(one.name), large && enlarge(one.name), one.root.focus());
  },
});

$("sound").addEventListener("click", () => sound.toggle());
$("help").addEventListener("click", () => $("keys").showModal());
$("silences").addEventListener("click", () => now() && act.silence({ channel: chosen ?? now().name }));

setInterval(() => {
  $("clock").textContent = clock(Date.now() / 1000);
  for (const each of channels.values()) each.show();
  summary();
}, 1000);
link.open();
