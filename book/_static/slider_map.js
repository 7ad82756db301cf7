// Maps with one slider (stflow_lib/book/slider_map.py): a canvas for each layer, no library.
(() => {
  const SIDE = 240; // pixels of a canvas whose cells are points
  const MISSING = 255;

  function make(tag, parent, attributes = {}, text = "") {
    const element = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
    element.textContent = text;
    parent.append(element);
    return element;
  }

  // 255 colours between those of a layer, each [red, green, blue].
  function palette(colours) {
    const ends = colours.map(c => [1, 3, 5].map(k => parseInt(c.slice(k, k + 2), 16)));
    return Array.from({length: MISSING}, (_, level) => {
      const place = level / (MISSING - 1) * (ends.length - 1);
      const low = Math.min(Math.floor(place), ends.length - 2), part = place - low;
      return ends[low].map((from, k) => Math.round(from + part * (ends[low + 1][k] - from)));
    });
  }

  function drawGrid(context, levels, colours, [rows, cols]) {
    const image = context.createImageData(cols, rows);
    levels.forEach((level, k) => {
      if (level !== MISSING) image.data.set([...colours[level], 255], 4 * k);
    });
    context.putImageData(image, 0, 0);
  }

  function drawPoints(context, levels, colours, places) {
    context.clearRect(0, 0, SIDE, SIDE);
    levels.forEach((level, k) => {
      const [x, y] = places[k].map(v => 10 + v * (SIDE - 20));
      context.beginPath();
      context.arc(x, y, 6, 0, 2 * Math.PI);
      context.strokeStyle = "#8c8c8c";
      context.stroke();
      if (level === MISSING) return;
      context.fillStyle = `rgb(${colours[level]})`;
      context.fill();
    });
  }

  // A panel: name, canvas, scale. Returns what draws a frame on it.
  function panel(parent, layer, data) {
    const box = make("div", parent, {class: "slider-map-panel"});
    const heading = make("div", box, {class: "slider-map-name"});
    const [rows, cols] = data.places ? [SIDE, SIDE] : layer.shape;
    const canvas = make("canvas", box, {width: cols, height: rows, role: "img"});
    if (data.places) canvas.className = "points";
    const scale = make("div", box, {class: "slider-map-scale"});
    make("i", scale, {style: `background: linear-gradient(90deg, ${layer.colours})`});
    layer.scale.forEach(value => make("span", scale, {}, value));
    const all = Uint8Array.from(atob(layer.levels), c => c.charCodeAt(0));
    const size = layer.shape.reduce((a, b) => a * b, 1), colours = palette(layer.colours);
    const context = canvas.getContext("2d");
    return frame => {
      const levels = all.subarray(frame * size, (frame + 1) * size);
      if (data.places) drawPoints(context, levels, colours, data.places);
      else drawGrid(context, levels, colours, layer.shape);
      const mean = `mean ${layer.means[frame]} ${data.unit}`;
      heading.textContent = layer.name;
      canvas.setAttribute("aria-label", `${layer.name}, ${data.frames[frame]}: ${mean}`);
      canvas.title = mean;
    };
  }

  function build(figure) {
    const data = JSON.parse(figure.querySelector("script").textContent);
    const label = make("label", figure, {class: "slider-map-slider"}, `${figure.dataset.slider} `);
    const slider = make("input", label, {type: "range", min: 0, max: data.frames.length - 1, value: 0});
    const now = make("output", label, {"aria-live": "polite"});
    const panels = make("div", figure, {class: "slider-map-panels"});
    const draw = data.layers.map(layer => panel(panels, layer, data));
    const show = () => {
      const frame = Number(slider.value);
      draw.forEach(one => one(frame));
      const wrong = data.layers.filter(layer => layer.name.startsWith("error"));
      const means = wrong.map(layer => `, mean error ${layer.means[frame]} ${data.unit}`);
      now.textContent = data.frames[frame] + means.join("");
      slider.setAttribute("aria-valuetext", now.textContent);
    };
    slider.value = Math.floor((data.frames.length - 1) / 2);
    slider.addEventListener("input", show);
    show();
  }

  addEventListener("DOMContentLoaded", () => document.querySelectorAll(".slider-map").forEach(build));
})();
