// Runs before the page is drawn: tells the style sheet that scripts run, so that nothing jumps afterwards.
document.documentElement.classList.add("js");
