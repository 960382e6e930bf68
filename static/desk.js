// The queue at the keyboard: a list, the ticket beside it, and the next one once it is resolved.
// The list and the acts work without this file; here they are only reached with fewer moves.
(() => {
  "use strict";
  const REST = 120;
  const { press, say } = window.meshline;
  const pane = document.getElementById("pane");
  const within = (event, selector) =>
    event.target instanceof Element ? event.target.closest(selector) : null;

  const rows = () => [...document.querySelectorAll("#tickets tr[data-ticket]")];
  const rowOf = (ticket) => rows().find((row) => row.dataset.ticket === ticket);
  const linkOf = (row) => row.querySelector("a[data-open]");
  const shown = () => document.querySelector("[data-shown]")?.dataset.shown;
  const isSplit = () => Boolean(pane?.offsetWidth);

  // --- Where one is in the list. A row that is replaced stays the current one.
  let current = "";
  const mark = (row) => {
    for (const other of document.querySelectorAll("#tickets tr.is-current")) {
      other.classList.remove("is-current");
      linkOf(other).removeAttribute("aria-current");
    }
    if (!row) return;
    row.classList.add("is-current");
    linkOf(row).setAttribute("aria-current", "true");
  };
  const stand = (row) => {
    current = row.dataset.ticket;
    mark(row);
    row.scrollIntoView({ block: "nearest" });
    linkOf(row).focus({ preventScroll: true });
  };
  const beside = (by, fits = () => true) => {
    const all = rows();
    const here = all.findIndex((row) => row.dataset.ticket === current);
    const rest = by > 0 ? all.slice(here + 1) : all.slice(0, Math.max(here, 0)).reverse();
    return rest.find(fits);
  };

  // --- The ticket beside the list. What was typed on one is there again when one comes back to it.
  const drafts = new Map();
  let resting = 0;
  let waits = null;
  let then = null;
  // The ticket that was asked for and is not there yet.
  let coming = "";
  let pageOfShown = "";
  const isBusy = () => Boolean(pane.querySelector("form.htmx-request"));
  const show = (row, after = null) => {
    clearTimeout(resting);
    if (!row || !isSplit()) return;
    then = after;
    if (isBusy()) { waits = row; return; }
    if (coming === row.dataset.ticket) return;
    if (!coming && shown() === row.dataset.ticket) { settle(); return; }
    loadRow(row);
  };
  const load = (ticket, from) => {
    waits = null;
    coming = ticket;
    pageOfShown = from;
    htmx.ajax("GET", from, { source: pane, target: pane, swap: "innerHTML" });
    const address = new URL(location.href);
    address.searchParams.set("ticket", ticket);
    history.replaceState(history.state, "", address);
  };
  const loadRow = (row) => load(row.dataset.ticket, linkOf(row).href);
  // Whatever stands there, as it is by now; also where it left the list.
  const loadAgain = () => { if (pageOfShown && !coming && isSplit()) load(shown(), pageOfShown); };
  const soon = (row) => {
    clearTimeout(resting);
    resting = setTimeout(() => show(row), REST);
  };
  const settle = () => {
    if (shown() !== current) return;
    const act = then;
    then = null;
    act?.();
  };
  const fields = () => pane.querySelectorAll("textarea[id], select[id], input[type=text][id]");
  const isTyped = (field) => (field.matches("select")
    ? !(field.selectedOptions[0]?.defaultSelected ?? true) && field.value !== ""
    : field.value !== field.defaultValue);
  const keep = () => {
    for (const field of fields()) if (isTyped(field)) drafts.set(field.id, field.value);
  };
  const giveBack = () => {
    for (const field of fields()) {
      if (!drafts.has(field.id)) continue;
      field.value = drafts.get(field.id);
      drafts.delete(field.id);
    }
  };

  const move = (by) => {
    // On a ticket's own page there is no list: a link leads through it.
    if (!pane && by > 0) return document.getElementById("next-ticket")?.click();
    const row = beside(by);
    if (!row) return;
    stand(row);
    soon(row);
  };
  const open = (row) => {
    if (!isSplit()) { location.assign(linkOf(row).href); return; }
    stand(row);
    show(row, () => document.getElementById("pane-title")?.focus());
  };

  // --- Acts: the key presses what stands there for it; where nothing does, it says why not.
  const address = (act) => {
    const row = rowOf(current);
    const page = row ? linkOf(row).pathname : location.pathname;
    return `${page}${act}/`;
  };
  const whyNot = (act) => {
    const here = shown() === current || !current ? document.getElementById("ticket-live") : null;
    const said = (here ?? rowOf(current))?.getAttribute(`data-no-${act}`);
    return said || "That cannot be done with this ticket now.";
  };
  const act = (name, place) => {
    const row = rowOf(current);
    if (!row && !shown()) { say("Choose a ticket first."); return; }
    if (row && isSplit() && shown() !== current) { show(row, () => act(name, place)); return; }
    if (press(address(name))) return;
    const refusal = (row ?? document.getElementById("ticket-live")).hasAttribute(`data-no-${name}`);
    // A table has no room for every form: the ticket's own page has.
    if (row && place && !isSplit() && !refusal) location.assign(`${linkOf(row).href}#${place}`);
    else say(whyNot(name));
  };
  const resolve = () => {
    const asks = isSplit() ? null : rowOf(current)?.querySelector('a[href$="#ask-resolve"]');
    if (asks) asks.click();
    else act("resolve", "ask-resolve");
  };
  const SEARCH = ".filter-bar input[name=q]";
  const search = () => {
    const field = document.querySelector(SEARCH);
    field?.focus();
    field?.select();
    return Boolean(field);
  };
  // From the search one comes back to the list, with what it found or as it was.
  const leaveSearch = () => {
    const row = rowOf(current) ?? rows()[0];
    if (row) stand(row);
    else document.activeElement.blur();
  };
  const KEYS = {
    j: () => move(1),
    k: () => move(-1),
    x: () => rowOf(current)?.querySelector("input[name=ticket]")?.click(),
    c: () => act("claim"),
    a: () => act("acknowledge"),
    r: resolve,
    e: () => act("escalate", "ask-escalate"),
    n: () => act("note", "note-form"),
    "/": search,
    Enter: () => {
      const row = rowOf(current);
      // On a link or button Enter does what it always does.
      if (!row || document.activeElement.matches("a, button, summary, input")) return false;
      open(row);
      return true;
    },
  };
  document.addEventListener("meshline:key", (event) => {
    const does = KEYS[event.detail];
    if (does && does() !== false) event.preventDefault();
  });

  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && within(event, `${SEARCH}, #note-form textarea`)) leaveSearch();
  });

  // --- The mouse: a row opens beside the list; with a key held down, as links do elsewhere.
  document.addEventListener("click", (event) => {
    const mover = within(event, "[data-move]");
    if (mover) move(Number(mover.dataset.move));
    const row = within(event, "#tickets tr[data-ticket]");
    if (!row || !isSplit() || event.ctrlKey || event.metaKey || event.shiftKey) return;
    const on = within(event, "a, button, summary, input, label, details, form");
    if (on && on !== linkOf(row)) return;
    event.preventDefault();
    open(row);
  });

  // --- After an answer.
  document.addEventListener("htmx:beforeSwap", (event) => {
    if (event.detail.target !== pane) return;
    // The answer to an act looks for its place: a ticket that comes meanwhile comes after it.
    if (isBusy()) {
      event.detail.shouldSwap = false;
      waits = rowOf(coming);
      coming = "";
    } else keep();
  });
  // An act in a row, or on the ticket beside the list: its button is disabled meanwhile, and the
  // keyboard falls to the page; the list has it then, in that row. Undo stands in a message, and
  // is an act of what it takes back; on a ticket's own page its contents have the keyboard then.
  // An act on many stands in the bar; a form that comes back open takes the keyboard itself.
  let acted = null;
  const afterMany = () => {
    if (document.querySelector("#bulk details[open]")) return null;
    const row = rowOf(current) ?? rows()[0];
    return row ? linkOf(row) : document.getElementById("main");
  };
  document.addEventListener("htmx:beforeRequest", (event) => {
    const { elt, target, requestConfig } = event.detail;
    if (requestConfig.verb !== "post") return;
    const isUndo = Boolean(elt.closest("#messages"));
    const place = isUndo ? target : elt;
    const ticket = place.closest("#tickets tr[data-ticket]")?.dataset.ticket;
    acted = null;
    if (!elt.contains(document.activeElement)) return;
    if (ticket || pane?.contains(place)) acted = () => document.getElementById(`open-${ticket ?? current}`);
    else if (isUndo && !pane) acted = () => document.getElementById("main");
    else if (elt.id === "bulk") acted = afterMany;
  });
  document.addEventListener("htmx:afterSettle", () => {
    if (!acted || document.activeElement !== document.body) return;
    const place = acted();
    if (!place) return;
    acted = null;
    place.focus({ preventScroll: true });
  });
  let heldRow = false;
  document.addEventListener("htmx:oobBeforeSwap", (event) => {
    heldRow = event.detail.target.contains(document.activeElement);
  });
  document.addEventListener("htmx:oobAfterSwap", () => {
    mark(rowOf(current));
    if (heldRow && document.activeElement === document.body) rowOf(current)?.querySelector("a[data-open]").focus();
    heldRow = false;
  });
  document.addEventListener("htmx:afterSettle", (event) => {
    const { target } = event.detail;
    if (target === pane) {
      if (shown() === coming) coming = "";
      giveBack();
      pane.scrollTop = 0;
      settle();
    }
    mark(rowOf(current));
  });
  document.addEventListener("htmx:afterRequest", (event) => {
    const { elt, target, requestConfig, successful } = event.detail;
    if (elt === pane && !successful) coming = "";
    if (waits && !isBusy()) show(waits, then);
    if (target?.id === "tickets") begin();
    // An act on many: what stands beside the list may be one of them.
    if (target?.id === "tickets" && requestConfig?.verb === "post") loadAgain();
    if (target?.id === "tickets" && document.activeElement.matches(SEARCH)) leaveSearch();
    // An act from the row: the ticket beside it is as old as the row was.
    const acted = requestConfig?.verb === "post" && target?.dataset?.ticket;
    if (acted && acted === shown() && isSplit()) loadRow(rowOf(acted));
  });
  document.addEventListener("ticket-resolved", () => {
    if (!pane) document.getElementById("next-ticket").focus();
    if (!rowOf(current)) return;
    const isOpen = (row) => !row.classList.contains("is-done");
    const next = beside(1, isOpen) ?? beside(-1, isOpen);
    if (!next) { say("Nothing else waits in this list."); return; }
    stand(next);
    show(next);
  });

  // --- Coming to the page: the ticket the address names, or the first; on a ticket's own page the
  // form its address names.
  const begin = () => {
    const asked = new URL(location.href).searchParams.get("ticket");
    const row = rowOf(current) ?? rowOf(asked) ?? (isSplit() ? rows()[0] : null);
    if (!row) return;
    current = row.dataset.ticket;
    mark(row);
    show(row);
  };
  begin();
  if (!pane && location.hash.length > 1) {
    const place = document.getElementById(location.hash.slice(1));
    const menu = place?.querySelector("details");
    if (menu) menu.open = true;
    else place?.querySelector("textarea")?.focus();
  }
})();
