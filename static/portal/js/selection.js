// Check boxes of a table and the bar at its foot: how many, and how much. Amounts are whole minor units in BigInt,
// so the total on the screen is exact to the cent; the server adds up again and is the one that counts.

function writer(bar) {
  const decimals = Number(bar.dataset.decimals);
  const { prefix, suffix, group, point } = bar.dataset;
  return (minor) => {
    const sign = minor < 0n ? "-" : "";
    const digits = String(minor < 0n ? -minor : minor).padStart(decimals + 1, "0");
    const whole = digits.slice(0, -decimals).replace(/\B(?=(\d{3})+$)/g, group);
    return `${sign}${prefix}${whole}${point}${digits.slice(-decimals)}${suffix}`;
  };
}

// Reads an amount typed into a row the way the server does for plain cases; anything else is "not clear yet".
function typed(text, bar) {
  const { group, point } = bar.dataset;
  const decimals = Number(bar.dataset.decimals);
  let body = text.replace(/[\s\u00a0\u202f]/g, "");
  if (group.trim()) {
    const [whole, ...rest] = body.split(point);
    if (whole.includes(group) && !new RegExp(`^[1-9]\\d{0,2}(\\${group}\\d{3})+$`).test(whole)) return null;
    body = [whole.replaceAll(group, ""), ...rest].join(point);
  }
  const match = body.replace(point, ".").match(/^(\d+)(?:\.(\d+))?$/);
  if (!match || (match[2] ?? "").length > decimals) return null;
  return BigInt(match[1] + (match[2] ?? "").padEnd(decimals, "0"));
}

// The amount of a chosen row: its choice (`data-minor` of the chosen option), a typed one, or the box's own.
function amountOf(box, bar) {
  const row = box.closest("tr");
  const choice = row?.querySelector("select[data-choice]")?.selectedOptions[0] ?? row?.querySelector("input[data-choice]:checked");
  if (choice && choice.dataset.typed === undefined) return BigInt(choice.dataset.minor ?? "0");
  const field = row?.querySelector("input[data-typed-amount]");
  if (choice || (field && box.dataset.minor === undefined)) return typed(field?.value ?? "", bar);
  return box.dataset.minor === undefined ? 0n : BigInt(box.dataset.minor);
}

function follow(form, bar) {
  const boxes = [...form.querySelectorAll("[data-select-row]")];
  const all = form.querySelector("[data-select-all] input");
  const matching = bar.querySelector("[data-all-matching]");
  const count = bar.querySelector("[data-count]");
  const total = bar.querySelector("[data-total]");
  const buttons = bar.querySelectorAll("button:not([data-always])");
  const write = writer(bar);
  const hasAmounts = boxes.some((box) => box.dataset.minor !== undefined) || form.querySelector("[data-choice], [data-typed-amount]");

  const show = () => {
    const chosen = boxes.filter((box) => box.checked);
    for (const box of boxes) box.closest("tr")?.classList.toggle("is-chosen", box.checked);
    if (all) {
      all.checked = chosen.length > 0 && chosen.length === boxes.length;
      all.indeterminate = chosen.length > 0 && chosen.length < boxes.length;
    }
    const everything = Boolean(matching?.checked);
    const number = everything ? Number(matching.dataset.matching) : chosen.length;
    const words = number === 0 ? bar.dataset.none : number === 1 ? bar.dataset.one : bar.dataset.many;
    const text = words.replace("%(count)s", String(number));
    if (count.textContent !== text) count.textContent = text;
    const amounts = everything && matching.dataset.minor !== undefined ? [BigInt(matching.dataset.minor)] : chosen.map((box) => amountOf(box, bar));
    const unclear = amounts.includes(null);
    const sum = amounts.reduce((before, amount) => before + (amount ?? 0n), 0n);
    total.textContent = !hasAmounts || number === 0 ? "" : unclear ? bar.dataset.unclear : write(sum);
    for (const button of buttons) {
      button.disabled = number === 0;
      // A button may carry the amount: data-label="Pay %(total)s".
      if (button.dataset.label) button.textContent = button.dataset.label.replace("%(total)s", number && !unclear ? write(sum) : "").trim();
    }
  };

  form.addEventListener("change", (event) => {
    if (all && event.target === all) {
      for (const box of boxes) box.checked = all.checked;
    } else if (matching && event.target === matching && matching.checked) {
      for (const box of boxes) box.checked = true;
    } else if (matching && event.target.matches("[data-select-row]") && !event.target.checked) {
      matching.checked = false;
    } else if (event.target.matches("[data-choice], [data-typed-amount]")) {
      const box = event.target.closest("tr")?.querySelector("[data-select-row]");
      if (box) box.checked = true;
    }
    show();
  });
  form.addEventListener("input", (event) => {
    if (event.target.matches("[data-typed-amount]")) show();
  });
  // The browser may have restored boxes after a step back.
  window.addEventListener("pageshow", show);
  show();
}

for (const bar of document.querySelectorAll("[data-actionbar]")) {
  const form = bar.closest("form");
  if (form) follow(form, bar);
}
