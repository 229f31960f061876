// Two short tones while something fires that nobody has acknowledged. Off until somebody switches it on: browsers
// allow no sound before a key or a click.

const EVERY_MS = 4000;

export class Sound {
  #audio = null;
  #timer = 0;

  constructor(button) {
    this.button = button;
    this.on = false;
    this.ringing = false;
    this.show();
  }

  toggle() {
    this.on = !this.on;
    if (this.on) {
      this.#audio ??= new AudioContext();
      this.#audio.resume();
      this.#tone(660, 0, 0.09);
    }
    this.show();
    this.ring(this.ringing);
  }

  /** Ring from now on, or stop. */
  ring(wanted) {
    this.ringing = wanted;
    clearInterval(this.#timer);
    this.button.classList.toggle("wanted", wanted && !this.on);
    if (!wanted || !this.on) return;
    this.#chime();
    this.#timer = setInterval(() => this.#chime(), EVERY_MS);
  }

  #chime() {
    this.#tone(880, 0, 0.16);
    this.#tone(622, 0.2, 0.24);
  }

  #tone(hz, afterS, lastsS) {
    const at = this.#audio.currentTime + afterS;
    const [tone, loud] = [this.#audio.createOscillator(), this.#audio.createGain()];
    tone.type = "triangle";
    tone.frequency.value = hz;
    loud.gain.setValueAtTime(0, at);
    loud.gain.linearRampToValueAtTime(0.5, at + 0.015);
    loud.gain.exponentialRampToValueAtTime(0.001, at + lastsS);
    tone.connect(loud).connect(this.#audio.destination);
    tone.start(at);
    tone.stop(at + lastsS);
  }

  show() {
    this.button.textContent = this.on ? "Sound on" : "Sound off";
    this.button.setAttribute("aria-pressed", String(this.on));
  }
}
