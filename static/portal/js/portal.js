// Small helps for every page. Everything here adds comfort; each page works without it.

const page = document;

// --- error summary: the focus goes to what is wrong, its links to the fields ---------------------------------------

const summary = page.querySelector("[data-error-summary]");
if (summary) {
  summary.focus();
  summary.addEventListener("click", (event) => {
    const link = event.target.closest("a[href^='#']");
    const field = link && page.getElementById(link.hash.slice(1));
    if (!field) return;
    event.preventDefault();
    const group = field.closest("fieldset, .field") ?? field;
    group.scrollIntoView({ block: "center" });
    field.focus({ preventScroll: true });
  });
}

// --- passwords: show them, and say when Caps Lock is on -------------------------------------------------------------

for (const box of page.querySelectorAll("[data-password]")) {
  const input = box.querySelector("input");
  const button = box.querySelector("[data-show-password]");
  const hint = box.parentElement.querySelector("[data-caps-lock]");
  const labels = { show: button.getAttribute("aria-label"), hide: button.dataset.hideLabel };
  button.addEventListener("click", () => {
    const shown = input.type === "password";
    input.type = shown ? "text" : "password";
    // The name says what the button does next, as its word does.
    button.setAttribute("aria-label", shown ? labels.hide : labels.show);
    button.textContent = shown ? button.dataset.hide : button.dataset.show;
  });
  // A shown password must not be offered as plain text by the browser's history of fields.
  input.form?.addEventListener("submit", () => {
    input.type = "password";
  });
  const look = (event) => {
    const on = event.getModifierState?.("CapsLock") ? hint.dataset.text : "";
    if (hint.textContent !== on) hint.textContent = on;
  };
  input.addEventListener("keydown", look);
  input.addEventListener("keyup", look);
  input.addEventListener("blur", () => {
    hint.textContent = "";
  });
}

// --- one-time codes: blanks and dashes of a pasted code go -----------------------------------------------------------

for (const input of page.querySelectorAll("input[autocomplete='one-time-code']")) {
  input.addEventListener("paste", (event) => {
    const text = event.clipboardData?.getData("text") ?? "";
    if (!/^[\d\s-]+$/.test(text)) return;
    event.preventDefault();
    input.setRangeText(text.replace(/\D/g, ""), input.selectionStart, input.selectionEnd, "end");
    input.dispatchEvent(new Event("input", { bubbles: true }));
  });
}

// --- menu, open lists -------------------------------------------------------------------------------------------------

const toggle = page.querySelector("[data-menu-toggle]");
const menu = toggle && page.getElementById(toggle.getAttribute("aria-controls"));
toggle?.addEventListener("click", () => {
  const open = menu.classList.toggle("is-open");
  toggle.setAttribute("aria-expanded", String(open));
});

page.addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  for (const open of page.querySelectorAll("details[data-closes][open]")) {
    open.open = false;
    open.querySelector("summary").focus();
  }
  if (menu?.classList.contains("is-open")) {
    toggle.click();
    toggle.focus();
  }
});
page.addEventListener("click", (event) => {
  for (const open of page.querySelectorAll("details[data-closes][open]")) {
    if (!open.contains(event.target)) open.open = false;
  }
});

const find = page.querySelector("[data-find]");
page.addEventListener("keydown", (event) => {
  if (!find || event.key.toLowerCase() !== "k" || !(event.metaKey || event.ctrlKey) || event.shiftKey || event.altKey) return;
  event.preventDefault();
  if (menu && !menu.classList.contains("is-open") && toggle.offsetParent) toggle.click();
  find.focus();
  find.select();
});

// --- tables: a click anywhere in a row opens it; only a frame that scrolls takes the focus ---------------------------

page.addEventListener("click", (event) => {
  const row = event.target.closest("tr[data-href]");
  if (!row || event.target.closest("a, button, input, select, textarea, label, summary")) return;
  if (String(window.getSelection())) return;
  if (event.metaKey || event.ctrlKey) window.open(row.dataset.href, "_blank", "noopener");
  else window.location.assign(row.dataset.href);
});

const frames = page.querySelectorAll("[data-table-frame]");
const measure = () => {
  for (const frame of frames) {
    if (frame.scrollWidth > frame.clientWidth + 1) frame.tabIndex = 0;
    else frame.removeAttribute("tabindex");
  }
};
if (frames.length) {
  measure();
  window.addEventListener("resize", measure);
}

// --- copy and print ---------------------------------------------------------------------------------------------------

page.addEventListener("click", async (event) => {
  const button = event.target.closest("[data-copy], [data-print]");
  if (!button) return;
  if (button.dataset.print !== undefined) {
    window.print();
    return;
  }
  const label = button.textContent;
  try {
    await navigator.clipboard.writeText(button.dataset.copy);
  } catch {
    return; // The text stands beside the button and can be marked by hand.
  }
  button.textContent = button.dataset.done;
  window.setTimeout(() => {
    button.textContent = label;
  }, 2000);
});

// --- forms: a second click within a second is the same click -----------------------------------------------------------

page.addEventListener("submit", (event) => {
  const form = event.target;
  if (form.method !== "post") return;
  const now = Date.now();
  if (now - Number(form.dataset.sentAt ?? 0) < 1000) event.preventDefault();
  else form.dataset.sentAt = String(now);
});

// --- session: says two minutes ahead that it will end, and extends it ------------------------------------------

const hint = page.querySelector("[data-session-hint]");
if (hint) {
  // The server notes activity once a minute, so its clock may run up to a minute ahead of this one.
  const idle = (Number(hint.dataset.seconds) - 60) * 1000;
  const ahead = 120_000;
  const words = hint.querySelector("[data-session-text]");
  const soon = words.textContent;
  let timer = 0;
  let endsAt = 0;
  // Looks at the clock and not at the timer: a machine that slept wakes up after the end.
  const look = () => {
    const left = endsAt - Date.now();
    window.clearTimeout(timer);
    hint.hidden = left > ahead;
    hint.querySelector("button").hidden = left <= 0;
    const text = left > 0 ? soon : hint.dataset.over;
    if (words.textContent !== text) words.textContent = text;
    if (left > 0) timer = window.setTimeout(look, left > ahead ? left - ahead : left);
  };
  const start = () => {
    endsAt = Date.now() + idle;
    look();
  };
  hint.querySelector("button").addEventListener("click", async () => {
    try {
      const answer = await fetch(hint.dataset.url, { cache: "no-store" });
      if (answer.ok) start();
    } catch {
      // No connection: the hint stays, and another try is possible.
    }
  });
  page.body.addEventListener("htmx:afterRequest", start);
  page.addEventListener("visibilitychange", look);
  start();
}
