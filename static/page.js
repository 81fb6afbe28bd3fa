// Small conveniences. Every page works without them.
"use strict";
(() => {
  // One box that ticks or clears all boxes of its form.
  for (const all of document.querySelectorAll("[data-all]")) {
    all.closest("[data-all-row]").hidden = false;
    all.addEventListener("change", () => {
      for (const box of all.form.querySelectorAll("input[type=checkbox][name=wanted]:enabled")) box.checked = all.checked;
    });
  }

  // A choice that takes effect at once; without JavaScript the form's button does it.
  for (const select of document.querySelectorAll("select[data-submit]")) {
    select.addEventListener("change", () => select.form.requestSubmit());
  }

  document.addEventListener("mouseover", (event) => {
    const time = event.target.closest("time[datetime]");
    if (time) time.title = `${new Date(time.dateTime).toLocaleString()} in your time zone`;
  });
})();
