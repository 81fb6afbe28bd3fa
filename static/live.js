// Keeps an open page true. The server says that something changed; the page is fetched again and every [data-live] element
// that exists on both sides is replaced in place. New rows never move what is under the pointer: a pill offers them.
"use strict";
(() => {
  const LEAST_PAUSE_MS = 700;
  const address = document.querySelector("meta[name=events]")?.content;
  if (!address || !window.EventSource || !document.querySelector("[data-live]")) return;

  const calm = matchMedia("(prefers-reduced-motion: reduce)");
  let source = null;
  let revision = document.querySelector("meta[name=revision]").content;
  let busy = false;
  let pending = false;

  const changeFigure = (old, fresh) => {
    const [before, after] = [old, fresh].map((place) => place.querySelector("[data-figure]"));
    if (!before || !after || before.textContent === after.textContent) return;
    before.textContent = after.textContent;
    old.dispatchEvent(new Event("figurechange", { bubbles: true }));
  };

  const draws = (place) => place.querySelector("[data-plot]") !== null;

  const replace = (old, fresh) => {
    if (old.hasAttribute("data-plot")) return changeFigure(old, fresh);
    if (draws(old) && draws(fresh)) return; // its parts are replaced one by one, so that the drawing stays
    const unfolded = [...old.querySelectorAll("details")].map((one) => one.open);
    [...fresh.querySelectorAll("details")].forEach((one, at) => { one.open = unfolded[at] ?? one.open; });
    if (old.innerHTML === fresh.innerHTML) return;
    if (old.contains(document.activeElement) && document.activeElement.matches("input, textarea, select")) return;
    const ticked = new Set([...old.querySelectorAll("input[form=compare]:checked")].map((box) => box.value));
    for (const box of fresh.querySelectorAll("input[form=compare]")) box.checked = ticked.has(box.value);
    const focused = old.contains(document.activeElement) ? document.activeElement.getAttribute("href") : null;
    old.replaceWith(fresh);
    if (focused) [...fresh.querySelectorAll("a")].find((link) => link.getAttribute("href") === focused)?.focus({ preventScroll: true });
    if (!calm.matches && fresh.matches("tr")) fresh.classList.add("changed");
    if (draws(fresh)) document.dispatchEvent(new Event("plotsadded"));
  };

  const offer = (count) => {
    const pill = document.querySelector("[data-pill]");
    pill.hidden = count === 0;
    pill.textContent = count === 1 ? "1 new result: show" : `${count} new results: show`;
  };

  const refresh = async () => {
    if (busy) { pending = true; return; }
    busy = true;
    try {
      const answer = await fetch(location.href, { headers: { accept: "text/html" } });
      if (!answer.ok) return;
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      let unseen = 0;
      for (const fresh of page.querySelectorAll("[data-live]")) {
        if (fresh.ownerDocument === document) continue; // came along with the part around it
        const old = document.querySelector(`[data-live="${CSS.escape(fresh.dataset.live)}"]`);
        if (old) replace(old, fresh);
        else if (fresh.matches("tr")) unseen += 1;
      }
      offer(unseen);
    } catch {
      // The server is away: EventSource tries again by itself, and the next event brings the page up to date.
    } finally {
      setTimeout(() => {
        busy = false;
        if (pending) { pending = false; refresh(); }
      }, LEAST_PAUSE_MS);
    }
  };

  const listen = () => {
    if (source) return;
    source = new EventSource(`${address}?since=${encodeURIComponent(revision)}`);
    source.addEventListener("changed", (event) => {
      revision = event.lastEventId || revision;
      refresh();
    });
  };
  const stop = () => { source?.close(); source = null; };

  // A browser opens few connections to one place: tabs that nobody looks at give theirs back.
  document.addEventListener("visibilitychange", () => (document.hidden ? stop() : listen()));
  addEventListener("pagehide", stop);
  addEventListener("pageshow", () => { if (!document.hidden) listen(); });
  document.querySelector("[data-pill]").addEventListener("click", () => location.reload());
  if (!document.hidden) listen();
})();
