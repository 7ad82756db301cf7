// Small services of the pages, without a library: sections that open when a link leads into them,
// tables that can be filtered.

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

// What scrolls sideways takes the focus, so that the arrow keys reach all of it.
function focusWhatScrolls() {
  document.querySelectorAll("article :is(pre, .picture, .math, mjx-container, table, pre *, .text_html)").forEach(part => {
    if (part.scrollWidth > part.clientWidth + 1 && getComputedStyle(part).overflowX === "auto") part.tabIndex = 0;
  });
}

document.addEventListener("DOMContentLoaded", () => {
  document.querySelectorAll(".searchable").forEach(addFilter);
  document.querySelectorAll('a[href^="#"]').forEach(link => {
    link.addEventListener("click", () => openAround(decodeURIComponent(link.hash.slice(1))));
  });
  addEventListener("hashchange", openLinked);
  openLinked();
});
addEventListener("load", async () => {
  await window.MathJax?.startup?.promise;
  focusWhatScrolls();
});
addEventListener("resize", focusWhatScrolls);
document.addEventListener("toggle", focusWhatScrolls, true);
addEventListener("beforeprint", () => {
  document.querySelectorAll("article details").forEach(part => { part.open = true; });
});
