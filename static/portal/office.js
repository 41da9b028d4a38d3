// The field that finds rows by typing is drawn by a library that names it after its choice alone: give it its label, too.
"use strict";

// The library draws when its jQuery is ready, and so after what asked before this.
window.django?.jQuery(() => {
  for (const field of document.querySelectorAll("select.admin-autocomplete")) {
    const label = document.querySelector(`label[for="${field.id}"]`);
    const drawn = field.parentElement.querySelector(".select2-selection");
    if (!label || !drawn) continue;
    label.id = `${field.id}_label`;
    drawn.querySelector("[role=textbox]")?.setAttribute("aria-labelledby", label.id);
    drawn.setAttribute("aria-labelledby", `${label.id} ${drawn.getAttribute("aria-labelledby") || ""}`.trim());
  }
});
