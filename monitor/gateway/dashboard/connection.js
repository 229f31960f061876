// The websocket: says hello, comes back by itself, and asks for what it missed.

const PAUSES_MS = [200, 500, 1000, 2000, 5000];
const WHY = {
  4401: "token",
  4403: "This page or this role may not do that.",
  4413: "This page was too slow to read its alerts; it reads them again.",
  4429: "The gateway has no room for another page; this one tries again.",
};

/** Keeps one connection. Tells listeners {type, ...} messages of the gateway, and {type: "link", state}. */
export class GatewayConnection {
  #socket = null;
  #failures = 0;
  #refs = new Map();
  #ref = 0;
  #timer = 0;

  constructor(hear) {
    this.hear = hear;
    this.last = null; // id of the newest alert that was heard: where a resume begins
    this.look = [];
    this.lostAt = null;
    addEventListener("online", () => this.#again(0));
  }

  open() {
    clearTimeout(this.#timer);
    const address = new URL("ws", location.href);
    address.protocol = location.protocol === "https:" ? "wss:" : "ws:";
    const socket = (this.#socket = new WebSocket(address));
    socket.onopen = () => socket.send(JSON.stringify(this.#hello()));
    socket.onmessage = ({ data }) => this.#heard(JSON.parse(data));
    socket.onclose = ({ code, reason }) => socket === this.#socket && this.#closed(code, reason);
  }

  #hello() {
    const hello = { type: "hello", look: this.look };
    const token = localStorage.getItem("bodywatch_token");
    if (token) hello.token = token;
    if (this.last) hello.resume = this.last;
    return hello;
  }

  #heard(message) {
    if (message.type === "welcome") {
      this.#failures = 0;
      if (!this.last) this.last = message.last;
      message.away_s = this.lostAt ? (Date.now() - this.lostAt) / 1000 : 0;
      this.lostAt = null;
      this.hear({ type: "link", state: "live" });
    }
    if (message.type === "alert") this.last = message.id;
    if (message.type === "gap" && message.before === null) this.last = null;
    const asked = this.#refs.get(message.ref);
    if (asked && ["done", "refused", "history"].includes(message.type)) {
      this.#refs.delete(message.ref);
      if (message.type === "refused") asked.reject(new Error(message.why));
      else asked.resolve(message);
    } else this.hear(message);
  }

  #closed(code, reason) {
    this.lostAt ??= Date.now();
    for (const { reject } of this.#refs.values()) reject(new Error("the connection was lost"));
    this.#refs.clear();
    if (WHY[code] === "token") {
      this.hear({ type: "link", state: "token", why: reason });
      return;
    }
    this.hear({ type: "link", state: "lost", why: WHY[code] ?? "" });
    this.#again(PAUSES_MS[Math.min(this.#failures++, PAUSES_MS.length - 1)]);
  }

  #again(pauseMs) {
    if (this.#socket?.readyState !== WebSocket.CLOSED) return;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.open(), pauseMs * (0.75 + Math.random() / 2));
  }

  /** Ask for something and give the answer; rejects with the gateway's sentence. */
  ask(message) {
    return new Promise((resolve, reject) => {
      if (this.#socket?.readyState !== WebSocket.OPEN) return reject(new Error("not connected"));
      const ref = ++this.#ref;
      this.#refs.set(ref, { resolve, reject });
      this.#socket.send(JSON.stringify({ ...message, ref }));
    });
  }

  /** Say whose pictures are wanted: none while nobody looks at this page. */
  watch(channels) {
    if (channels.join() === this.look.join()) return;
    this.look = channels;
    if (this.#socket?.readyState === WebSocket.OPEN) this.#socket.send(JSON.stringify({ type: "look", channels }));
  }
}
