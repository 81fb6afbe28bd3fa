// Drag and drop, several files at once, and a progress bar. Without JavaScript the form below sends one file.
"use strict";
(() => {
  const form = document.querySelector("[data-upload]");
  const input = form.querySelector("input[type=file]");
  const drop = form.querySelector("[data-drop]");
  const list = document.querySelector("[data-uploads]");
  const limit = Number(form.dataset.limit);

  const line = (file) => {
    const item = document.createElement("div");
    item.className = "panel stack";
    const name = document.createElement("strong");
    name.textContent = file.name;
    const bar = document.createElement("progress");
    bar.className = "full";
    bar.max = 1;
    bar.value = 0;
    bar.setAttribute("aria-label", `Upload of ${file.name}`);
    const said = document.createElement("p");
    said.setAttribute("role", "status");
    said.textContent = "Sending …";
    item.append(name, bar, said);
    list.append(item);
    return { item, bar, said };
  };

  const refuse = ({ item, bar, said }, sentence) => {
    bar.remove();
    item.className = "notice bad stack";
    said.textContent = sentence;
    said.setAttribute("role", "alert");
  };

  const accept = ({ item, bar, said }, answer, isNew) => {
    bar.remove();
    item.className = "notice good stack";
    const link = document.createElement("a");
    link.href = answer.url;
    link.textContent = answer.name;
    said.replaceChildren(isNew ? "Stored as " : "This model is already here: ", link, ".");
  };

  const send = (file) => new Promise((resolve) => {
    const shown = line(file);
    if (file.size > limit) {
      refuse(shown, `The file has ${file.size.toLocaleString("en")} bytes; at most ${limit.toLocaleString("en")} are `
        + "accepted. Upload the weights only, without optimiser state.");
      return resolve(null);
    }
    const request = new XMLHttpRequest();
    const name = form.elements.name.value.trim() || file.name.replace(/\.safetensors$/i, "");
    request.open("POST", `${form.dataset.api}?name=${encodeURIComponent(name.slice(0, 200))}`);
    request.setRequestHeader("content-type", "application/octet-stream");
    request.setRequestHeader("accept", "application/json");
    request.responseType = "json";
    request.upload.addEventListener("progress", (event) => { if (event.lengthComputable) shown.bar.value = event.loaded / event.total; });
    request.upload.addEventListener("load", () => { shown.said.textContent = "Checking the weights …"; });
    request.addEventListener("error", () => {
      refuse(shown, "The connection broke before the file had arrived. Nothing was stored: try again.");
      resolve(null);
    });
    request.addEventListener("load", () => {
      const answer = request.response;
      if (request.status < 300) {
        accept(shown, answer, request.status === 201);
        return resolve(answer.url);
      }
      refuse(shown, answer?.detail ?? `The server answered ${request.status}.`);
      resolve(null);
    });
    request.send(file);
  });

  const sendAll = async (files) => {
    list.replaceChildren();
    const stored = [];
    for (const file of files) stored.push(await send(file));
    if (files.length === 1 && stored[0]) location.assign(stored[0]);
  };

  form.addEventListener("submit", (event) => {
    event.preventDefault();
    if (input.files.length) sendAll([...input.files]);
  });
  for (const kind of ["dragenter", "dragover"]) {
    drop.addEventListener(kind, (event) => { event.preventDefault(); drop.classList.add("over"); });
  }
  for (const kind of ["dragleave", "drop"]) {
    drop.addEventListener(kind, () => drop.classList.remove("over"));
  }
  drop.addEventListener("drop", (event) => {
    event.preventDefault();
    sendAll([...event.dataTransfer.files]);
  });
})();
