// Why, as a picture: the outline of a body whose keypoints glow by their share, and the seconds of the window.

const NS = "http://www.w3.org/2000/svg";
const AT = {
  nose: [100, 42], right_eye: [91, 34], left_eye: [109, 34], right_ear: [80, 39], left_ear: [120, 39], neck: [100, 76],
  right_shoulder: [62, 82], left_shoulder: [138, 82], right_elbow: [44, 128], left_elbow: [156, 128],
  right_wrist: [70, 160], left_wrist: [130, 160],
};
const LIMBS = [
  ["neck", "right_shoulder"], ["right_shoulder", "right_elbow"], ["right_elbow", "right_wrist"],
  ["neck", "left_shoulder"], ["left_shoulder", "left_elbow"], ["left_elbow", "left_wrist"], ["neck", "nose"],
  ["right_ear", "right_eye"], ["right_eye", "nose"], ["nose", "left_eye"], ["left_eye", "left_ear"],
];
const BODY = "M70 30 Q72 8 100 8 Q128 8 130 30 Q131 54 112 64 L113 72 Q146 74 152 90 L168 132 Q168 142 160 144 L138 168 L126 160 L144 132 L136 112 L136 182 L64 182 L64 112 L56 132 L74 160 L62 168 L40 144 Q32 142 32 132 L48 90 Q54 74 87 72 L88 64 Q69 54 70 30 Z";

function svg(name, attributes, ...children) {
  const made = document.createElementNS(NS, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children);
  return made;
}

/** Give a colour from cold (0) over amber to red (1). */
function warm(share) {
  const [cold, amber, red] = [[58, 72, 86], [232, 179, 57], [255, 90, 82]];
  const [from, to, at] = share < 0.5 ? [cold, amber, share * 2] : [amber, red, share * 2 - 1];
  return `rgb(${from.map((c, i) => Math.round(c + (to[i] - c) * at)).join(" ")})`;
}

/** Draw the body; shares is {keypoint: 0..1}, the largest of them glows full. The picture shows the person from the front. */
export function outline(shares, words) {
  const top = Math.max(...Object.values(shares), 1e-9);
  const heat = (name) => Math.max(0, (shares[name] ?? 0) / top);
  const limbs = LIMBS.map(([a, b]) => svg("line", {
    x1: AT[a][0], y1: AT[a][1], x2: AT[b][0], y2: AT[b][1], stroke: warm((heat(a) + heat(b)) / 2),
    "stroke-width": 5, "stroke-linecap": "round",
  }));
  const points = Object.entries(AT).map(([name, [cx, cy]]) => svg("circle", { cx, cy, r: 3 + 6 * heat(name), fill: warm(heat(name)), "data-keypoint": name },
    svg("title", {}, `${name.replaceAll("_", " ")}: ${Math.round(100 * (shares[name] ?? 0))} %`)));
  return svg("svg", { viewBox: "0 0 200 190", class: "outline", role: "img", "aria-label": words || "Which keypoints moved the score" },
    svg("path", { d: BODY, fill: "#18202a", stroke: "#2c3946", "stroke-width": 2 }), ...limbs, ...points);
}

/** Draw the seconds of the window, warm where they made it look like somebody else. seconds are log odds. */
export function seconds(values) {
  const top = Math.max(...values.map((v) => Math.abs(v ?? 0)), 1e-9);
  const wide = 200 / values.length;
  const bars = values.map((value, i) => {
    const high = (Math.abs(value ?? 0) / top) * 26;
    return svg("g", {},
      svg("rect", { x: i * wide + 2, y: value > 0 ? 30 - high : 30, width: wide - 4, height: Math.max(1, high), rx: 2, fill: value > 0 ? warm(high / 26) : "#4cc38a" }),
      svg("title", {}, `second ${i + 1}: ${value > 0 ? "unlike" : "like"} the person`));
  });
  return svg("svg", { viewBox: "0 0 200 60", class: "seconds", role: "img", "aria-label": "Which seconds of the window moved the score" },
    svg("line", { x1: 0, x2: 200, y1: 30, y2: 30, stroke: "#2c3946" }), ...bars);
}
