// Draws one dashboard in the browser; `dashboards.mjs` gives it the data.

/** Colours that differ for people who do not see all of them: Okabe and Ito. */
const COLOURS = [
  "#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#000000", "#999",
];

/** Seconds between two marks of time: whole minutes, as they are written. */
const INCREMENTS = [60, 120, 300, 600, 1_800, 3_600, 7_200, 21_600, 86_400];

const HEIGHT = 150;
const AXIS = 62;

function add(parent, tag, text, className) {
  const element = parent.appendChild(document.createElement(tag));
  if (text) element.textContent = text;
  if (className) element.className = className;
  return element;
}

window.show = ({ title, description, minutes, panels }) => {
  const header = add(document.body, "header");
  add(header, "h1", title);
  add(header, "p", `${description ?? ""} The last ${minutes} minutes.`);
  const main = add(document.body, "main");
  for (const panel of panels) {
    if (panel.type === "row") add(main, "h2", panel.title);
    else place(main, panel);
  }
};

function place(main, panel) {
  const box = add(main, "section");
  box.style.gridColumn = `span ${panel.at.w}`;
  add(box, "h3", panel.title);
  const { type } = panel;
  const isEmpty = (panel.rows ?? panel.names ?? panel.bounds ?? []).length === 0;
  if (isEmpty) add(box, "div", "no data in this time", "none");
  else if (type === "stat") add(box, "div", panel.rows.map((it) => it.text).join(", "), "value");
  else if (type === "bargauge") bars(box, panel.rows);
  else if (type === "heatmap") heatmap(box, panel);
  else lines(box, panel);
}

function bars(box, rows) {
  const most = Math.max(...rows.map(({ value }) => value));
  for (const { name, value, text } of rows) {
    const bar = add(box, "div", "", "bar");
    add(bar, "span", name);
    add(add(bar, "span"), "i").style.width = `${(100 * value) / most}%`;
    add(bar, "span", text);
  }
}

function lines(box, { names, data, ticks }) {
  const series = names.map((label, i) => ({
    label: label || "value",
    stroke: COLOURS[i % COLOURS.length],
    width: 1.25,
    dash: COLOURS.length <= i ? [4, 3] : undefined,
    points: { show: false },
    spanGaps: false,
  }));
  const grid = { stroke: "#e6e8ea", width: 1 };
  const text = new Map(ticks);
  const top = ticks.at(-1)[0];
  new window.uPlot(
    {
      width: box.clientWidth - 16,
      height: HEIGHT,
      pxAlign: true,
      cursor: { show: false },
      legend: { live: false },
      scales: { y: { range: [0, top] } },
      axes: [
        { grid, ticks: grid, incrs: INCREMENTS, values: (_, at) => at.map(clock) },
        {
          grid, ticks: grid, size: AXIS, splits: () => ticks.map(([at]) => at),
          values: (_, at) => at.map((it) => text.get(it)),
        },
      ],
      series: [{ label: "time" }, ...series],
    },
    data,
    box,
  );
}

const clock = (at) => new Date(at * 1_000).toISOString().slice(11, 16);

function heatmap(box, { bounds, times, cells }) {
  const canvas = add(box, "canvas");
  const [width, height] = [box.clientWidth - 16, HEIGHT + 20];
  Object.assign(canvas, { width, height });
  const pen = canvas.getContext("2d");
  pen.font = '10px "DejaVu Sans", sans-serif';
  const [wide, high] = [(width - AXIS) / times.length, (height - 16) / bounds.length];
  const most = Math.max(1e-9, ...cells.flat());
  bounds.forEach((bound, row) => {
    const y = height - 16 - (row + 1) * high;
    pen.fillStyle = "#24292e";
    pen.fillText(bound === "+Inf" ? "more" : `≤ ${Number(bound)} s`, 0, y + high - 1);
    cells[row].forEach((value, i) => {
      if (!value) return;
      pen.fillStyle = `rgb(0 114 178 / ${0.15 + (0.85 * value) / most})`;
      pen.fillRect(AXIS + i * wide, y, Math.ceil(wide), Math.ceil(high));
    });
  });
  pen.fillStyle = "#24292e";
  for (const part of [0, 0.25, 0.5, 0.75]) {
    const i = Math.floor(part * times.length);
    pen.fillText(clock(times[i]), AXIS + i * wide, height - 3);
  }
}
