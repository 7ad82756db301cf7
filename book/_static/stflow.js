// Small services of the pages, without a library: sections that open when a link leads into them,
// tables that can be filtered, maps with a slider over hours.

function openAround(id) {
  const target = id && document.getElementById(id);
  if (!target) return;
  const inside = target.querySelector(":scope > details.section");
  if (inside) inside.open = true;
  for (let e = target; e; e = e.parentElement) if (e.tagName === "DETAILS") e.open = true;
  target.scrollIntoView();
}

function openLinked() {
  openAround(decodeURIComponent(location.hash.slice(1)));
}

// A field above each searchable table; a row stays when it holds all words that were typed.
function addFilter(frame) {
  const rows = [...frame.querySelectorAll("tbody tr")];
  const label = document.createElement("label"), field = document.createElement("input");
  const count = document.createElement("span");
  label.className = "filter";
  field.type = "search";
  count.setAttribute("aria-live", "polite");
  const show = () => {
    const words = field.value.toLowerCase().split(/\s+/).filter(Boolean);
    let kept = 0;
    for (const row of rows) {
      const text = row.textContent.toLowerCase();
      row.hidden = !words.every(word => text.includes(word));
      kept += !row.hidden;
    }
    count.textContent = `${kept} of ${rows.length} rows`;
  };
  field.addEventListener("input", show);
  label.append("Show rows with ", field, count);
  frame.before(label);
  show();
}

// Maps of one hour side by side, drawn from numbers in the page; see stflow_lib/book/slider.py.
const SCALES = {
  flow: [[246, 243, 234], [233, 205, 137], [214, 122, 92], [153, 41, 75], [59, 15, 61]],
  error: [[29, 79, 134], [154, 190, 220], [247, 247, 247], [238, 164, 140], [179, 56, 74]],
};

function colour(scale, share) {
  const x = Math.min(Math.max(share, 0), 1) * (scale.length - 1), k = Math.min(Math.floor(x), scale.length - 2);
  return scale[k].map((low, c) => Math.round(low + (x - k) * (scale[k + 1][c] - low)));
}

function drawMap(canvas, values, low, high, scale) {
  const context = canvas.getContext("2d");
  canvas.height = values.length;
  canvas.width = values[0].length;
  values.forEach((row, y) => row.forEach((value, x) => {
    context.fillStyle = `rgb(${colour(scale, (value - low) / (high - low)).join()})`;
    context.fillRect(x, y, 1, 1);
  }));
}

function addSlider(figure) {
  const data = JSON.parse(figure.querySelector("script").textContent);
  const canvases = [...figure.querySelectorAll("canvas")];
  const slider = figure.querySelector("input"), said = figure.querySelector("output");
  const show = () => {
    const hour = Number(slider.value);
    data.panels.forEach((panel, k) => {
      drawMap(canvases[k], panel.hours[hour], panel.low, panel.high, SCALES[panel.scale]);
    });
    said.textContent = data.captions[hour];
    slider.setAttribute("aria-valuetext", data.captions[hour]);
  };
  slider.addEventListener("input", show);
  show();
}

document.addEventListener("DOMContentLoaded", () => {
  document.querySelectorAll(".searchable").forEach(addFilter);
  document.querySelectorAll("figure.slider").forEach(addSlider);
  document.querySelectorAll("pre").forEach(block => {
    if (block.scrollWidth > block.clientWidth) block.tabIndex = 0;
  });
  document.querySelectorAll('a[href^="#"]').forEach(link => {
    link.addEventListener("click", () => openAround(decodeURIComponent(link.hash.slice(1))));
  });
  addEventListener("hashchange", openLinked);
  openLinked();
});
addEventListener("beforeprint", () => {
  document.querySelectorAll("article details").forEach(part => { part.open = true; });
});
