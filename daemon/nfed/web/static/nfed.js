// What HTML alone cannot do: dropping files, keys, and saying that nfed is away. Every screen works
// without it.
"use strict";

const element = (tag, text) => {
  const made = document.createElement(tag);
  if (text !== undefined) made.textContent = text;
  return made;
};

// --- files ---------------------------------------------------------------------------------------

const SUFFIXES = /\.(xml|zip|gz)$/i;
const MOST_SHOWN = 200;
const MOST_AT_ONCE = 20;

function uploader(form) {
  const words = form.dataset;
  const waiting = [];
  const shown = document.getElementById("uploads");
  let list = null, total = null, sending = false, handedIn = 0, left = 0, beyond = 0;

  function say() {
    const parts = [`${words.total}: ${handedIn.toLocaleString(document.documentElement.lang)}`];
    if (beyond) parts.push(`${words.more}: ${beyond}`);
    if (left) parts.push(`${words.left}: ${left}`);
    total.textContent = parts.join(" · ");
  }

  function add(files) {
    if (list === null) {
      total = shown.appendChild(element("p"));
      list = shown.appendChild(element("ul"));
    }
    for (const file of files) {
      if (!SUFFIXES.test(file.name)) { left += 1; continue; }
      const line = {file, row: null, bar: null, state: null};
      if (list.children.length < MOST_SHOWN) {
        line.row = list.appendChild(element("li"));
        const name = line.row.appendChild(element("span", file.name));
        name.className = "name";
        line.state = line.row.appendChild(element("span"));
        line.bar = line.row.appendChild(element("progress"));
        line.bar.max = Math.max(file.size, 1);
        line.bar.value = 0;
        line.bar.setAttribute("aria-label", file.name);
      } else {
        beyond += 1;
      }
      waiting.push(line);
    }
    say();
    if (!sending) next();
  }

  function next() {
    const batch = [];
    let size = 0;
    while (waiting.length && batch.length < Math.min(MOST_AT_ONCE, +words.mostFiles)
           && (!batch.length || size + waiting[0].file.size <= +words.mostBytes)) {
      batch.push(waiting.shift());
      size += batch.at(-1).file.size;
    }
    sending = batch.length > 0;
    if (sending) send(batch);
  }

  function send(batch) {
    const body = new FormData();
    for (const line of batch) {
      body.append("files", line.file, line.file.name);
      if (line.state) line.state.textContent = words.sending;
    }
    const request = new XMLHttpRequest();
    request.open("POST", form.action);
    request.setRequestHeader("Accept", "application/json");
    request.upload.onprogress = event => {
      let loaded = event.loaded;
      for (const line of batch) {
        if (line.bar) line.bar.value = Math.min(line.file.size, Math.max(loaded, 0));
        loaded -= line.file.size;
      }
    };
    request.onloadend = () => {
      const good = request.status === 202;
      let detail = "";
      if (request.status === 401) { location.reload(); return; }
      if (!good) {
        try { detail = JSON.parse(request.responseText).detail; } catch { /* nobody answered */ }
      }
      if (good) handedIn += batch.length;
      for (const line of batch) {
        if (!line.state) continue;
        line.state.textContent = good ? words.sent : `${words.failed}${detail ? `: ${detail}` : ""}`;
        line.state.className = good ? "good" : "bad";
        if (good) line.bar.value = line.bar.max; else line.bar.remove();
      }
      say();
      htmx.trigger(document.body, "refresh");
      next();
    };
    request.send(body);
  }

  async function dropped(transfer) {
    const entries = [...transfer.items].map(each => each.webkitGetAsEntry?.()).filter(Boolean);
    if (!entries.length) { add(transfer.files); return; }
    for (const entry of entries) await walk(entry);
  }

  async function walk(entry) {
    if (entry.isFile) {
      add([await new Promise((good, bad) => entry.file(good, bad))]);
      return;
    }
    const reader = entry.createReader();
    for (;;) {
      const found = await new Promise((good, bad) => reader.readEntries(good, bad));
      if (!found.length) return;
      for (const each of found) await walk(each);
    }
  }

  form.addEventListener("submit", event => {
    event.preventDefault();
    const chooser = form.querySelector("input[type=file]");
    add(chooser.files);
    chooser.value = "";
  });
  let depth = 0;
  addEventListener("dragenter", event => {
    if (event.dataTransfer?.types.includes("Files")) { depth += 1; form.classList.add("over"); }
  });
  addEventListener("dragleave", () => { depth = Math.max(0, depth - 1); if (!depth) form.classList.remove("over"); });
  addEventListener("dragover", event => event.preventDefault());
  addEventListener("drop", event => {
    event.preventDefault();
    depth = 0;
    form.classList.remove("over");
    if (event.dataTransfer) dropped(event.dataTransfer);
  });
}

// --- keys ----------------------------------------------------------------------------------------

let afterG = 0;

function pressed(event) {
  if (event.ctrlKey || event.altKey || event.metaKey || event.isComposing) return;
  if (event.target.closest?.("input, select, textarea, dialog")) return;
  if (event.key === "/") {
    const search = document.querySelector("input[type=search]");
    if (search) { event.preventDefault(); search.focus(); search.select(); }
  } else if (event.key === "?") {
    document.getElementById("keys").showModal();
  } else if (event.key === "g") {
    afterG = Date.now();
  } else if (Date.now() - afterG < 1500) {
    document.querySelector(`#keys a[data-key="${CSS.escape(event.key)}"]`)?.click();
  }
}

// --- what is live --------------------------------------------------------------------------------

function watchOver() {
  const away = document.getElementById("away");
  const isAway = yes => { away.hidden = !yes; };
  document.body.addEventListener("htmx:sse:after:connection", () => {
    if (!away.hidden) htmx.trigger(document.body, "refresh");
    isAway(false);
  });
  document.body.addEventListener("htmx:sse:error", event => {
    if (event.detail?.status === 401) location.reload();
    isAway(true);
  });
  document.body.addEventListener("htmx:error", () => isAway(true));
  document.body.addEventListener("htmx:after:request", event => {
    if (event.detail?.ctx?.response?.raw?.ok) isAway(false);
  });
}

// --- lists ---------------------------------------------------------------------------------------

function chosen(event) {
  const all = event.target.closest("input[data-all]");
  if (!all) return;
  for (const box of all.closest("form").querySelectorAll("input[type=checkbox]:not([data-all])")) box.checked = all.checked;
}

document.addEventListener("DOMContentLoaded", () => {
  const form = document.getElementById("drop");
  if (form) uploader(form);
  addEventListener("keydown", pressed);
  addEventListener("change", chosen);
  watchOver();
});
