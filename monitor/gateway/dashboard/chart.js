// Scores over time on a canvas: a line that is coloured by the thresholds, hatched where nothing was judged. Where
// evidence adds up, its line is the coloured one, and the score's is grey behind it.

import { level, share } from "./evidence.js";

const COLOUR = { clear: "#4cc38a", between: "#e8b339", enter: "#ff5a52", grid: "#202932", text: "#8b9aa8", open: "#58c9e8" };
const BREAK_MS = 2500;

/** Draws rows [unixMs, score or null, reason or null, evidence or undefined] of the time from..to (ms). */
export function drawChart(canvas, rows, { fromMs, toMs, enter, clear, alarm = 0, incidents = [], axis = false, hoverMs = null }) {
  const dots = Math.min(devicePixelRatio || 1, 2);
  const ratio = (dots * parseFloat(getComputedStyle(document.documentElement).fontSize)) / 16; // as large as the page's letters
  const [w, h] = [Math.round(canvas.clientWidth * dots), Math.round(canvas.clientHeight * dots)];
  if (!w || !h) return;
  if (canvas.width !== w || canvas.height !== h) [canvas.width, canvas.height] = [w, h];
  const g = canvas.getContext("2d");
  g.clearRect(0, 0, w, h);
  const foot = axis ? 22 * ratio : 0;
  const head = axis ? 8 * ratio : 3 * ratio;
  const x = (ms) => ((ms - fromMs) / (toMs - fromMs)) * w;
  const y = (score) => head + (1 - score) * (h - foot - head - 2 * ratio);
  if (axis) drawAxis(g, { fromMs, toMs, x, h, foot, ratio });
  drawIncidents(g, incidents, { x, h: h - foot, ratio, toMs });
  drawBlind(g, rows, { x, h: h - foot, ratio });
  for (const [mark, colour] of [[enter, COLOUR.enter], [clear, COLOUR.clear], [share(alarm, alarm), COLOUR.enter]]) {
    if (!(mark > 0)) continue;
    g.strokeStyle = colour + "90";
    g.lineWidth = ratio;
    g.setLineDash([4 * ratio, 4 * ratio]);
    g.beginPath();
    g.moveTo(0, y(mark));
    g.lineTo(w, y(mark));
    g.stroke();
    g.setLineDash([]);
  }
  const width = (axis ? 2.2 : 1.8) * ratio;
  const score = (row) => row[1];
  if (alarm > 0) {
    drawLine(g, rows, { x, y, of: score, colour: () => COLOUR.text + "60", width: width / 2 });
    drawLine(g, rows, { x, y, of: (row) => (row[3] === undefined ? null : share(row[3], alarm)), colour: (row) => COLOUR[level(row[3], alarm)], width });
  } else drawLine(g, rows, { x, y, of: score, colour: (row) => colourOf(row[1], enter, clear), width });
  if (hoverMs !== null) {
    g.fillStyle = "#e6edf3a0";
    g.fillRect(x(hoverMs), 0, ratio, h - foot);
  }
}

function colourOf(score, enter, clear) {
  if (enter > 0 && score >= enter) return COLOUR.enter;
  return clear > 0 && score < clear ? COLOUR.clear : COLOUR.between;
}

function drawLine(g, rows, { x, y, of, colour, width }) {
  g.lineWidth = width;
  g.lineJoin = g.lineCap = "round";
  let before = null;
  for (const row of rows) {
    const [ms, value] = [row[0], of(row)];
    if (value === null) {
      before = null;
      continue;
    }
    g.strokeStyle = g.fillStyle = colour(row);
    g.beginPath();
    if (before && ms - before[0] < BREAK_MS) {
      g.moveTo(x(before[0]), y(before[1]));
      g.lineTo(x(ms), y(value));
      g.stroke();
    } else {
      g.arc(x(ms), y(value), width * 0.7, 0, 2 * Math.PI);
      g.fill();
    }
    before = [ms, value];
  }
}

let hatch = null;
function hatching(g) {
  if (hatch) return hatch;
  const tile = document.createElement("canvas");
  tile.width = tile.height = 10;
  const t = tile.getContext("2d");
  t.strokeStyle = "#5b6a7a70";
  t.lineWidth = 1.6;
  t.beginPath();
  for (const at of [-5, 5, 15]) {
    t.moveTo(at - 6, 11);
    t.lineTo(at + 6, -1);
  }
  t.stroke();
  return (hatch = g.createPattern(tile, "repeat"));
}

function drawBlind(g, rows, { x, h }) {
  g.fillStyle = hatching(g);
  let from = null;
  let last = null;
  const close = () => {
    if (from !== null) g.fillRect(x(from), 0, Math.max(1, x(last) - x(from)), h);
    from = null;
  };
  for (const [ms, score] of rows) {
    if (score !== null || (last !== null && ms - last > BREAK_MS)) close();
    if (score === null) from ??= ms;
    last = ms;
  }
  close();
}

function drawIncidents(g, incidents, { x, h, ratio, toMs }) {
  for (const { fromMs, untilMs, firing } of incidents) {
    const [a, b] = [x(fromMs), x(untilMs ?? toMs)];
    g.fillStyle = firing ? "#ff5a5226" : "#e8b33920";
    g.fillRect(a, 0, Math.max(2 * ratio, b - a), h);
    g.fillStyle = firing ? COLOUR.enter : COLOUR.between;
    g.fillRect(a, 0, Math.max(2 * ratio, b - a), 3 * ratio);
  }
}

function drawAxis(g, { fromMs, toMs, x, h, foot, ratio }) {
  const spanS = (toMs - fromMs) / 1000;
  const stepS = [10, 30, 60, 120, 300, 600, 900].find((s) => spanS / s <= 9) ?? 1800;
  g.font = `${12 * ratio}px ${getComputedStyle(document.body).fontFamily}`;
  g.textAlign = "center";
  g.textBaseline = "bottom";
  const offset = new Date(fromMs).getTimezoneOffset() * 60000;
  for (let ms = Math.ceil((fromMs - offset) / (stepS * 1000)) * stepS * 1000 + offset; ms < toMs; ms += stepS * 1000) {
    g.fillStyle = COLOUR.grid;
    g.fillRect(x(ms), 0, ratio, h - foot);
    g.fillStyle = COLOUR.text;
    const words = new Date(ms).toLocaleTimeString("en-GB", stepS < 60 ? {} : { hour: "2-digit", minute: "2-digit" });
    if (x(ms) > 24 * ratio && x(ms) < x(toMs) - 24 * ratio) g.fillText(words, x(ms), h - 3 * ratio);
  }
}
