"use strict";
const form = document.querySelector("#filter");
const rows = [...document.querySelectorAll("#matrix tbody tr")];
const shown = document.querySelector("#shown");

function apply() {
  const words = form.elements.text.value.toLowerCase().split(/\s+/).filter(Boolean);
  const stage = form.elements.stage.value;
  const wildcards = form.elements.wildcards.checked;
  const limits = form.elements.limits.checked;
  let count = 0;
  for (const row of rows) {
    const text = row.dataset.text;
    const fits =
      words.every((word) => text.includes(word)) &&
      (!stage || row.dataset.stages.split(" ").includes(stage)) &&
      (!wildcards || row.dataset.wildcard) &&
      (limits || !row.dataset.limit);
    row.hidden = !fits;
    count += fits;
  }
  shown.value = `${count} of ${rows.length} statements`;
}

if (form) {
  for (const row of rows) row.dataset.text = row.textContent.toLowerCase();
  form.hidden = false;
  form.addEventListener("input", apply);
  form.addEventListener("submit", (event) => event.preventDefault());
  apply();
}

for (const picture of document.querySelectorAll("svg.system")) {
  const light = (node) => {
    picture.classList.toggle("lit", Boolean(node));
    for (const part of picture.querySelectorAll("[data-from]"))
      part.classList.toggle("on", Boolean(node) && [part.dataset.from, part.dataset.to].includes(node));
    for (const part of picture.querySelectorAll("g[data-node]"))
      part.classList.toggle(
        "on",
        part.dataset.node === node ||
          [...picture.querySelectorAll(".on[data-from]")].some((flow) =>
            [flow.dataset.from, flow.dataset.to].includes(part.dataset.node),
          ),
      );
  };
  for (const node of picture.querySelectorAll("g[data-node]")) {
    node.addEventListener("pointerenter", () => light(node.dataset.node));
    node.addEventListener("pointerleave", () => light(null));
    node.addEventListener("focus", () => light(node.dataset.node));
    node.addEventListener("blur", () => light(null));
  }
}
