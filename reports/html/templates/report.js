"use strict";

// Sortable tables: a cell sorts by its data-value, else by its text; what was not measured stays last.
for (const table of document.querySelectorAll("table.sortable")) {
  const headings = [...table.tHead.rows[0].cells];
  headings.forEach((heading, column) => {
    const button = document.createElement("button");
    button.type = "button";
    button.append(...heading.childNodes);
    heading.append(button);
    button.addEventListener("click", () => {
      const descending = heading.getAttribute("aria-sort") === "ascending";
      headings.forEach((other) => other.removeAttribute("aria-sort"));
      heading.setAttribute("aria-sort", descending ? "descending" : "ascending");
      const key = (row) => row.cells[column].dataset.value ?? row.cells[column].textContent.trim();
      const rows = [...table.tBodies[0].rows];
      rows.sort((first, second) => {
        const [a, b] = [key(first), key(second)];
        if (a === "" || b === "") return (a === "") - (b === "");
        const numeric = Number(a) - Number(b);
        const order = Number.isNaN(numeric) ? a.localeCompare(b) : numeric;
        return descending ? -order : order;
      });
      table.tBodies[0].append(...rows);
    });
  });
}

// On paper nothing can be opened: what is folded is printed open, but for the ops of each layer and figures by the page.
const folds = () => [...document.querySelectorAll("details:not([open])")].filter((fold) => !fold.closest(".plan, .figures"));
let opened = [];
addEventListener("beforeprint", () => (opened = folds()).forEach((fold) => (fold.open = true)));
addEventListener("afterprint", () => opened.forEach((fold) => (fold.open = false)));

// The slider: any two pictures of a case, one uncovered over the other. Pictures stand in the page once, in the gallery.
for (const viewer of document.querySelectorAll(".viewer")) {
  const pictures = [...viewer.querySelectorAll(".gallery img")];
  const [before, after] = viewer.querySelectorAll(".compare img");
  const [left, right] = viewer.querySelectorAll("select");
  const range = viewer.querySelector("input[type=range]");
  const show = (image, index) => {
    image.src = pictures[index].src;
    image.alt = pictures[index].alt;
  };
  const move = () => {
    viewer.querySelector(".compare").style.setProperty("--at", `${range.value}%`);
    range.setAttribute("aria-valuetext", `${range.value} %`);
  };
  left.addEventListener("change", () => show(before, left.value));
  right.addEventListener("change", () => show(after, right.value));
  range.addEventListener("input", move);
  viewer.querySelectorAll(".gallery button").forEach((button, index) => {
    button.addEventListener("click", () => {
      right.value = index;
      show(after, index);
    });
  });
  show(before, left.value);
  show(after, right.value);
  move();
}
