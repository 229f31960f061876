// The body over the picture: OpenPose's upper-body keypoints, the person's right side warm, the left side cool.

const LIMBS = [
  [1, 2, "right"], [2, 3, "right"], [3, 4, "right"], [1, 5, "left"], [5, 6, "left"], [6, 7, "left"],
  [1, 0, "middle"], [0, 14, "right"], [14, 16, "right"], [0, 15, "left"], [15, 17, "left"],
];
const COLOURS = { right: "#ffb454", left: "#58c9e8", middle: "#e6edf3" };
const SHOWN = [0, 1, 2, 3, 4, 5, 6, 7, 14, 15, 16, 17];
const SEEN = 0.05;

/** Draw keypoints [[x, y, confidence], ...] in pixels of a picture that is scaled by `scale` and moved by dx, dy. */
export function drawSkeleton(g, keypoints, scale, dx, dy) {
  const thick = Math.max(2, g.canvas.width / 190);
  const at = ([x, y]) => [x * scale + dx, y * scale + dy];
  g.lineCap = "round";
  for (const [from, to, side] of LIMBS) {
    const [a, b] = [keypoints[from], keypoints[to]];
    const sure = Math.min(a[2], b[2]);
    if (sure < SEEN) continue;
    const face = from === 0 || from > 13;
    for (const [width, colour] of [[thick * 2, "#0a0d11b0"], [thick, COLOURS[side]]]) {
      g.globalAlpha = 0.45 + 0.55 * Math.min(1, sure * 1.6);
      g.lineWidth = face ? width * 0.6 : width;
      g.strokeStyle = colour;
      g.beginPath();
      g.moveTo(...at(a));
      g.lineTo(...at(b));
      g.stroke();
    }
  }
  g.globalAlpha = 1;
  for (const k of SHOWN) {
    if (keypoints[k][2] < SEEN) continue;
    g.fillStyle = "#ffffff";
    g.beginPath();
    g.arc(...at(keypoints[k]), thick * (k > 13 ? 0.55 : 0.85), 0, 2 * Math.PI);
    g.fill();
  }
}
