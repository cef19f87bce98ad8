"use strict";
const tick = () => {
  for (const each of document.querySelectorAll("[data-until]")) {
    const left = Math.floor((Date.parse(each.dataset.until) - Date.now()) / 60000);
    const hours = Math.floor(left / 60);
    const said = hours >= 48 ? `${Math.floor(hours / 24)} days ${hours % 24} h` : `${hours} h ${String(left % 60).padStart(2, "0")} min`;
    each.textContent = left < 0 ? each.dataset.over : said;
    each.closest("[data-clock]").classList.toggle("over", left < 0);
  }
};
tick();
setInterval(tick, 15000);
