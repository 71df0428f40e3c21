// Keeps a page about something that moves up to date. Without it the page is read again by hand.
//
// `<main data-refresh="2">` is fetched again after so many seconds, and its content replaced. A
// form `data-drive` in it is sent instead: it carries the work on, and its answer is the same page.

"use strict";

/** How often a page that fails to load is tried again. */
const TRIES_MAX = 5;

let failures = 0;

function schedule() {
  const seconds = Number(document.querySelector("main[data-refresh]")?.dataset.refresh ?? 0);
  if (0 < seconds) setTimeout(refresh, seconds * 1000 * (failures + 1));
}

async function refresh() {
  if (document.hidden || isInUse()) {
    schedule();
    return;
  }
  try {
    const answer = await load();
    failures = answer.ok ? 0 : failures + 1;
    if (answer.ok) replace(new DOMParser().parseFromString(await answer.text(), "text/html"));
  } catch {
    failures += 1;
  }
  if (failures < TRIES_MAX) schedule();
}

/** Whether somebody is about to fill in or to press something. */
function isInUse() {
  return Boolean(document.activeElement?.closest("main form, main details"));
}

function load() {
  const form = document.querySelector("form[data-drive]");
  if (!form) return fetch(location.href);
  return fetch(form.action, { method: "POST", body: new URLSearchParams(new FormData(form)) });
}

/** Shows the main part of another version of this page. The focus on a link stays on it. */
function replace(other) {
  const [old, next] = [document, other].map((it) => it.querySelector("main"));
  if (!next) return;
  const href = document.activeElement?.closest("main a")?.getAttribute("href");
  old.replaceChildren(...next.childNodes);
  if (next.dataset.refresh) old.dataset.refresh = next.dataset.refresh;
  else delete old.dataset.refresh;
  document.title = other.title;
  const links = [...old.querySelectorAll("a")];
  links.find((link) => link.getAttribute("href") === href)?.focus({ preventScroll: true });
}

schedule();
