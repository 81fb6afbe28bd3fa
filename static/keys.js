// Keys for who keeps the hands on the keyboard. They do nothing that a link, a box or a button does not do as well, never act
// while somebody types, and can be turned off in their own list (the button Keys, or ?).
"use strict";
(() => {
  const TURNED_OFF = "proofboard-keys";
  const dialog = document.querySelector("[data-keys]");
  const opener = document.querySelector("[data-keys-open]");
  const turnedOn = dialog.querySelector("input[type=checkbox]");
  const saying = document.querySelector("[data-said]");

  const typing = (target) =>
    target.isContentEditable || target.matches("textarea, select, input:not([type=checkbox], [type=radio], [type=submit])");

  const say = (sentence) => {
    saying.textContent = sentence;
    saying.hidden = false;
    clearTimeout(say.timer);
    say.timer = setTimeout(() => { saying.hidden = true; }, 4000);
  };

  const links = () => [...document.querySelectorAll("main tbody th[scope=row] a[href]")].filter((link) => link.offsetParent);
  const row = () => document.activeElement?.closest("main tbody tr");

  const move = (step) => {
    const all = links();
    const here = all.findIndex((link) => link.closest("tr") === row());
    const next = here < 0 ? (step > 0 ? 0 : all.length - 1) : Math.min(Math.max(here + step, 0), all.length - 1);
    if (!all[next]) return say("There is no table here.");
    all[next].focus();
    all[next].scrollIntoView({ block: "nearest" });
  };

  const form = () => document.getElementById("compare");
  const ticked = () => (form() ? [...form().elements].filter((box) => box.type === "checkbox" && box.checked) : []);

  const tick = () => {
    const box = row()?.querySelector("input[type=checkbox][form=compare]");
    if (!box) return say(form() ? "Go to a row first: j or k." : "Nothing here can be compared: open Proofs or Models.");
    box.checked = !box.checked;
    say(`${ticked().length} chosen to compare. Press c for it.`);
  };

  const compare = () => {
    if (!form()) return say("Nothing here can be compared: open Proofs or Models.");
    if (ticked().length < 2) return say("Choose two or more rows to compare: x on each.");
    form().requestSubmit();
  };

  const search = () => {
    const field = document.querySelector("[data-search]");
    if (!field) return say("There is no search on this page: open Proofs or Models.");
    field.focus();
    field.select();
  };

  const help = () => dialog.showModal();

  const ACTIONS = { "/": search, j: () => move(1), k: () => move(-1), x: tick, c: compare, "?": help };

  document.addEventListener("keydown", (event) => {
    const action = ACTIONS[event.key];
    if (!action || event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
    if (typing(event.target) || document.querySelector("dialog[open]") || !turnedOn.checked) return;
    event.preventDefault();
    action();
  });

  try { turnedOn.checked = localStorage.getItem(TURNED_OFF) !== "off"; } catch { /* storage may be forbidden */ }
  turnedOn.addEventListener("change", () => {
    try { localStorage.setItem(TURNED_OFF, turnedOn.checked ? "on" : "off"); } catch { /* then it lasts one page */ }
  });
  opener.hidden = false;
  opener.addEventListener("click", help);
})();
