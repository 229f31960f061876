// The preview of one channel on a canvas: picture, skeleton, and a veil once it is old.

import { drawSkeleton } from "./skeleton.js";

const OLD_MS = 2500;

export class Picture {
  #pose = null;
  #bitmap = null;
  #at = 0;
  #decoding = false;

  constructor(canvas, note) {
    this.canvas = canvas;
    this.note = note;
    new ResizeObserver(() => this.draw()).observe(canvas);
  }

  /** Show a `pose` message's picture; one that comes while the last is being decoded is left out. */
  async show(pose) {
    if (this.#decoding) return;
    this.#decoding = true;
    try {
      const bytes = Uint8Array.from(atob(pose.jpeg), (c) => c.charCodeAt(0));
      const bitmap = await createImageBitmap(new Blob([bytes], { type: "image/jpeg" }));
      this.#bitmap?.close();
      [this.#bitmap, this.#pose, this.#at] = [bitmap, pose, performance.now()];
      this.canvas.dataset.timeS = pose.time_s;
      this.canvas.dataset.body = pose.keypoints ? "yes" : "no";
      this.draw();
    } finally {
      this.#decoding = false;
    }
  }

  /** Say so when the picture is old; called once a second. */
  age(why) {
    const old = performance.now() - this.#at > OLD_MS;
    this.canvas.classList.toggle("old", old);
    this.note.textContent = old ? why : "";
  }

  draw() {
    const ratio = Math.min(devicePixelRatio || 1, 2);
    const [w, h] = [this.canvas.clientWidth * ratio, this.canvas.clientHeight * ratio].map(Math.round);
    if (!w || !h) return;
    if (this.canvas.width !== w || this.canvas.height !== h) [this.canvas.width, this.canvas.height] = [w, h];
    const g = this.canvas.getContext("2d");
    g.fillStyle = "#05070a";
    g.fillRect(0, 0, w, h);
    if (!this.#bitmap) return;
    const { width, height } = this.#bitmap;
    const fit = Math.min(w / width, h / height);
    const [dx, dy] = [(w - width * fit) / 2, (h - height * fit) / 2];
    g.imageSmoothingQuality = "high";
    g.drawImage(this.#bitmap, dx, dy, width * fit, height * fit);
    if (this.#pose.keypoints) drawSkeleton(g, this.#pose.keypoints, (width * fit) / (this.#pose.width || width), dx, dy);
  }
}
