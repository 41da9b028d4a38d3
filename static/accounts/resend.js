// Counts down until another code may be asked for; without scripts the server refuses politely instead.
for (const button of document.querySelectorAll("[data-resend] button[data-wait]")) {
  let seconds = Number(button.dataset.wait);
  if (!seconds) continue;
  const label = button.textContent;
  const show = () => {
    button.disabled = seconds > 0;
    button.textContent = seconds > 0 ? button.dataset.waiting.replace("{seconds}", String(seconds)) : label;
  };
  show();
  const timer = setInterval(() => {
    seconds -= 1;
    show();
    if (seconds <= 0) clearInterval(timer);
  }, 1000);
}
