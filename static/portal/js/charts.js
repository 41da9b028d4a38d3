// Draws the charts of a page from the JSON beside each, in the page's own tokens. The table under each chart says the
// same; without this script it simply stays visible.

const quiet = window.matchMedia("(prefers-reduced-motion: reduce)").matches;

function token(name) {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}

let loading = null;
function library(address) {
  loading ??= new Promise((resolve, reject) => {
    const script = document.createElement("script");
    script.src = address;
    script.onload = () => resolve(window.Chart);
    script.onerror = reject;
    document.head.append(script);
  });
  return loading;
}

// The first series wears the accent; further ones are told apart by dashes and weight, not by more colours.
const STROKES = [
  { dash: [], token: "--accent-text" },
  { dash: [5, 4], token: "--quiet" },
  { dash: [2, 3], token: "--ink" },
];

function colours(index) {
  return token(STROKES[index % STROKES.length].token);
}

function dataset(kind, series, index) {
  const stroke = STROKES[index % STROKES.length];
  const colour = colours(index);
  const shared = { label: series.label, data: series.values.map(Number), texts: series.texts };
  if (kind === "bar") {
    return { ...shared, backgroundColor: index ? token("--line-strong") : colour, borderRadius: 2, maxBarThickness: 28, categoryPercentage: 0.7 };
  }
  return {
    ...shared,
    borderColor: colour,
    borderDash: stroke.dash,
    borderWidth: index ? 1.25 : 1.75,
    pointRadius: series.values.length === 1 ? 3 : 0,
    pointHoverRadius: 4,
    pointBackgroundColor: colour,
    pointHoverBackgroundColor: colour,
    tension: 0,
    fill: index === 0 && series.values.length > 1 ? { target: "origin" } : false,
    backgroundColor: token("--accent-soft"),
  };
}

function short(value, locale) {
  return new Intl.NumberFormat(locale, { notation: "compact", maximumFractionDigits: 1 }).format(value);
}

function options(data) {
  const font = { family: token("--family").split(",")[0].replaceAll('"', ""), size: 12 };
  return {
    animation: quiet ? false : { duration: 140 },
    maintainAspectRatio: false,
    responsive: true,
    interaction: { mode: "index", intersect: false },
    layout: { padding: { top: 4, right: 4 } },
    plugins: {
      legend: {
        display: data.series.length > 1,
        position: "top",
        align: "start",
        labels: { color: token("--quiet"), font, usePointStyle: true, pointStyle: "line", pointStyleWidth: 20, boxHeight: 6, padding: 12 },
      },
      tooltip: {
        backgroundColor: token("--ink"),
        titleColor: token("--surface"),
        bodyColor: token("--surface"),
        titleFont: { ...font, weight: "500" },
        bodyFont: font,
        cornerRadius: 4,
        padding: 10,
        displayColors: false,
        callbacks: { label: (item) => `${item.dataset.label}: ${item.dataset.texts[item.dataIndex]}` },
      },
    },
    scales: {
      x: {
        grid: { display: false },
        border: { color: token("--line") },
        ticks: { color: token("--quiet"), font, maxRotation: 0, autoSkipPadding: 24 },
      },
      y: {
        beginAtZero: true,
        border: { display: false },
        grid: { color: token("--line"), drawTicks: false },
        ticks: { color: token("--quiet"), font, padding: 8, maxTicksLimit: 5, callback: (value) => short(value, data.locale) },
      },
    },
  };
}

async function draw(figure) {
  const data = JSON.parse(figure.querySelector("script[type='application/json']").textContent);
  const toggle = figure.querySelector("[data-chart-toggle]");
  const label = toggle.querySelector("span");
  const showTable = (shown) => {
    figure.classList.toggle("is-table", shown);
    toggle.setAttribute("aria-expanded", String(shown));
    label.textContent = shown ? toggle.dataset.drawing : toggle.dataset.table;
  };
  toggle.addEventListener("click", () => showTable(!figure.classList.contains("is-table")));
  try {
    const Chart = await library(figure.dataset.library);
    await document.fonts?.load("12px Inter");
    const canvas = figure.querySelector("canvas");
    new Chart(canvas, {
      type: data.kind,
      data: { labels: data.labels, datasets: data.series.map((series, index) => dataset(data.kind, series, index)) },
      options: options(data),
    });
  } catch {
    showTable(true);
  }
}

for (const figure of document.querySelectorAll("[data-chart]:not([data-drawn])")) {
  figure.dataset.drawn = "";
  draw(figure);
}
