// What plain HTML cannot do by itself. Every page works without this file; nothing is evaluated.
(() => {
  "use strict";
  const TICK = 30_000;
  const PASSING = 10_000;
  const on = (name, act) => document.addEventListener(name, act);
  const closest = (event, selector) =>
    event.target instanceof Element ? event.target.closest(selector) : null;

  // --- Messages: the passing ones leave by themselves, unless somebody is reading or using them.
  const watched = new WeakSet();
  const letPass = () => {
    for (const message of document.querySelectorAll("#messages [data-passing]")) {
      if (watched.has(message)) continue;
      watched.add(message);
      const leave = () => {
        if (message.matches(":hover, :focus-within")) setTimeout(leave, PASSING);
        else message.remove();
      };
      setTimeout(leave, PASSING);
    }
  };
  const tell = (sentence) => {
    const message = document.createElement("div");
    message.className = "message message-danger";
    message.setAttribute("role", "alert");
    const text = document.createElement("p");
    text.textContent = sentence;
    message.append(text);
    document.getElementById("messages")?.replaceChildren(message);
  };

  // --- Copying: the text of the named element.
  const copy = async (button) => {
    const source = document.getElementById(button.dataset.copy);
    if (!source) return;
    const word = button.querySelector("[data-copy-word]");
    const before = word?.textContent;
    try {
      await navigator.clipboard.writeText(source.value ?? source.textContent);
      if (word) word.textContent = "Copied";
    } catch {
      getSelection().selectAllChildren(source);
      if (word) word.textContent = "Press Ctrl+C";
    }
    setTimeout(() => { if (word) word.textContent = before; }, 2000);
  };

  // --- Menus are <details>: one open at a time; Escape and a click elsewhere close them.
  const closeMenus = (except) => {
    for (const menu of document.querySelectorAll("details[data-menu][open]")) {
      if (!except || !menu.contains(except)) menu.open = false;
    }
  };
  const closeMenuOf = (element) => {
    const menu = element?.closest("details[data-menu][open]");
    if (!menu) return;
    menu.open = false;
    menu.querySelector("summary").focus();
  };

  // --- The navigation of small screens.
  const toggleNav = (open) => {
    const button = document.querySelector("[data-toggle-nav]");
    if (!button) return;
    const opens = open ?? button.getAttribute("aria-expanded") !== "true";
    button.setAttribute("aria-expanded", String(opens));
    document.documentElement.toggleAttribute("data-nav-open", opens);
  };

  on("click", (event) => {
    const copying = closest(event, "[data-copy]");
    if (copying) copy(copying);
    closest(event, "[data-dismiss]")?.closest(".message")?.remove();
    closeMenuOf(closest(event, "[data-close-menu]"));
    if (closest(event, "[aria-disabled='true']")) event.preventDefault();
    if (closest(event, "[data-toggle-nav]")) toggleNav();
    else if (!closest(event, "#side")) toggleNav(false);
    closeMenus(event.target);
  });
  on("keydown", (event) => {
    if (event.key !== "Escape") return;
    closeMenuOf(document.activeElement);
    closeMenus();
    toggleNav(false);
  });
  document.addEventListener("toggle", (event) => {
    const menu = event.target;
    if (!(menu instanceof Element) || !menu.matches("details[data-menu]") || !menu.open) return;
    const panel = menu.querySelector(".ask-panel, .menu-panel");
    keepOnScreen(panel);
    // Told a moment later: somebody may be writing in it already.
    if (panel?.contains(document.activeElement)) return;
    firstField(menu)?.focus();
  }, true);
  // What comes into an open menu may be wider than what stood there; into a form it is to be filled in.
  document.addEventListener("htmx:afterSwap", (event) => {
    const panel = event.target;
    if (!panel.matches?.("details[data-menu][open] > .ask-panel")) return;
    keepOnScreen(panel);
    const isWaiting = document.activeElement === document.body || panel.parentElement.contains(document.activeElement);
    if (isWaiting && panel.closest("form")) firstField(panel.parentElement)?.focus();
  });
  const firstField = (menu) =>
    menu.querySelector(".ask-panel :is(textarea, input:not([type=hidden]), select)");
  const keepOnScreen = (panel) => {
    if (!panel) return;
    panel.classList.remove("opens-left");
    const box = panel.getBoundingClientRect();
    if (box.right > document.documentElement.clientWidth - 8) panel.classList.add("opens-left");
  };

  // What the page brings open was opened before anybody listened.
  for (const menu of document.querySelectorAll("details[data-menu][open]")) {
    keepOnScreen(menu.querySelector(".ask-panel, .menu-panel"));
  }

  // --- The reason beside a disabled button stands above everything, also inside a table that scrolls.
  const placeReason = (event) => {
    const refused = closest(event, ".refused");
    const reason = refused?.querySelector(".refused-why");
    if (!reason || getComputedStyle(reason).position === "static") return;
    const box = refused.getBoundingClientRect();
    const width = reason.offsetWidth || 260;
    const left = Math.min(box.left, document.documentElement.clientWidth - width - 8);
    reason.style.position = "fixed";
    reason.style.left = `${Math.max(8, left)}px`;
    reason.style.top = `${box.bottom + 6}px`;
  };
  on("mouseover", placeReason);
  on("focusin", placeReason);

  // --- Filters send themselves when a choice changes.
  on("change", (event) => {
    const form = closest(event, "form[data-autosubmit]");
    if (form && event.target.matches("select, input[type=checkbox], input[type=radio], input[type=date]")) {
      form.requestSubmit();
    }
  });

  // --- Times grow old while a page stands open; they are told by the server's clock.
  const now = document.body?.dataset.now;
  const ahead = now ? Date.now() - Date.parse(now) : 0;
  const coarse = (seconds) => {
    if (seconds < 60) return `${seconds} s`;
    if (seconds < 3600) return `${Math.floor(seconds / 60)} min`;
    if (seconds < 86400) return `${Math.floor(seconds / 3600)} h`;
    const days = Math.floor(seconds / 86400);
    return days === 1 ? "1 day" : `${days} days`;
  };
  const relative = (moment) => {
    const seconds = Math.trunc((Date.parse(moment) - (Date.now() - ahead)) / 1000);
    const away = Math.abs(seconds);
    if (away < 5) return "just now";
    return seconds > 0 ? `in ${coarse(away)}` : `${coarse(away)} ago`;
  };
  const freshen = () => {
    for (const time of document.querySelectorAll("time[data-relative]")) {
      time.textContent = relative(time.dateTime);
    }
  };
  setInterval(() => { if (!document.hidden) freshen(); }, TICK);

  // --- htmx: what a page asks by itself is marked, so that it does not count as a person's act.
  const POLLS = "[data-poll], [hx-trigger*='every ']";
  on("htmx:configRequest", (event) => {
    if (event.detail.elt.matches(POLLS)) {
      event.detail.headers["X-Meshline-Poll"] = "1";
    }
  });
  // What a person does comes before what a page asks by itself: an answer to a question from before
  // is dropped (it would put back what was, and take away the part that a new answer is for).
  let acts = 0;
  let acting = 0;
  on("htmx:beforeRequest", (event) => {
    const { elt } = event.detail;
    if (!elt.matches(POLLS)) {
      acts += 1;
      acting += 1;
      return;
    }
    // What stands around the page's content lives by itself, and so does what says that it does.
    if (!elt.closest("main") || elt.matches("[data-alone]")) return;
    if (acting) event.preventDefault();
    const asked = acts;
    // On the element itself, which may be gone from the page by then.
    elt.addEventListener("htmx:beforeOnLoad", (answer) => {
      if (acts !== asked) answer.preventDefault();
    }, { once: true });
  });
  on("htmx:afterRequest", (event) => {
    if (!event.detail.elt.matches(POLLS)) acting = Math.max(0, acting - 1);
  });
  // A whole page, or an answer of nobody's making, is never put into a part.
  on("htmx:beforeSwap", (event) => {
    const { xhr } = event.detail;
    if (xhr.status < 400 || xhr.getResponseHeader("HX-Retarget")) return;
    const whole = /^\s*<!doctype/i.test(xhr.responseText);
    if (!whole && xhr.status < 500) return;
    event.detail.shouldSwap = false;
    tell("That did not work. Reload the page and try again.");
  });
  // Whose place is gone (a row that was filtered away) is sent as the plain form it is.
  on("htmx:targetError", (event) => {
    if (event.target.matches("form[action]")) event.target.submit();
  });
  // What was chosen or typed since a form's part was asked for is not in the answer: ask once more.
  const asked = new WeakMap();
  const typedIn = (part) => JSON.stringify(
    [...part.querySelectorAll("input, select, textarea")]
      .map((control) => [control.name, control.value, control.checked]),
  );
  on("htmx:beforeRequest", (event) => {
    const { xhr, target } = event.detail;
    if (target.closest("[data-keeps-typed]")) asked.set(xhr, typedIn(target));
  });
  on("htmx:beforeSwap", (event) => {
    const { xhr, target, requestConfig, shouldSwap } = event.detail;
    if (!shouldSwap || !asked.has(xhr) || asked.get(xhr) === typedIn(target)) return;
    event.detail.shouldSwap = false;
    htmx.trigger(requestConfig.elt, requestConfig.triggeringEvent.type);
  });
  on("htmx:sendError", () => tell("Meshline cannot be reached. Check your connection and try again."));
  on("htmx:timeout", () => tell("Meshline did not answer in time. Try again."));

  // --- What was typed when a sitting had ended is there again after signing in: in the same tab, for
  // the same person, on the same page and in the same field.
  const TYPED = "meshline:typed";
  const person = document.querySelector("meta[name=person]")?.content;
  const kept = () => JSON.parse(sessionStorage.getItem(TYPED) ?? "null");
  const keep = (what) => sessionStorage.setItem(TYPED, JSON.stringify(what));
  // All of the form that was sent; of the others, as a page asks by itself, what is not as it came.
  const typedOn = (form) => {
    const isTyped = (field) => form?.contains(field) || (field.matches("select")
      ? [...field.options].some((option) => option.selected !== option.defaultSelected)
      : field.value !== field.defaultValue);
    return [...document.querySelectorAll("textarea[id], select[id], input[id]")]
      .filter((field) => !field.matches("[type=hidden], [type=checkbox], [type=radio], [type=password]"))
      .filter((field) => field.value && isTyped(field)).map((field) => [field.id, field.value]);
  };
  const keepTyped = (form, isSent) => {
    const fields = typedOn(form);
    if (person && fields.length) keep({ person, fields, isSent, page: location.pathname });
  };
  const giveBackTyped = () => {
    const { fields, ...of } = kept() ?? {};
    if (!fields || !person) return;
    const here = fields.filter(([id]) => document.getElementById(id));
    if (of.person === person && (of.page !== location.pathname || !here.length)) return;
    sessionStorage.removeItem(TYPED);
    if (of.person !== person) return;
    for (const [id, value] of here) {
      const field = document.getElementById(id);
      field.value = value;
      const menu = field.closest("details");
      if (menu) menu.open = true;
    }
  };
  on("htmx:beforeOnLoad", (event) => {
    const { elt, xhr } = event.detail;
    if (xhr.getResponseHeader("HX-Redirect")?.startsWith("/sign-in/")) keepTyped(elt.closest("form"), false);
  });
  // A page that is sent whole is sent once by a double click: the second answer would be a no to
  // what the first has done.
  const DOUBLE = 1_000;
  const sent = new WeakMap();
  on("submit", (event) => {
    const { target, submitter, timeStamp } = event;
    if (event.defaultPrevented || target.method !== "post") return;
    const by = submitter ?? target;
    if (timeStamp - (sent.get(by) ?? -DOUBLE) < DOUBLE) event.preventDefault();
    else sent.set(by, timeStamp);
  });
  // A page that is sent whole does not hear where it leads to: it led to signing in if nobody is here.
  on("submit", (event) => {
    if (!event.defaultPrevented && event.target.method === "post") keepTyped(event.target, true);
  });
  if (kept()?.isSent) {
    if (person) sessionStorage.removeItem(TYPED);
    else keep({ ...kept(), isSent: false });
  }
  on("htmx:afterSettle", giveBackTyped);
  giveBackTyped();

  // --- The keyboard stays where it was when a part is replaced under it.
  let held = null;
  on("htmx:beforeSwap", (event) => {
    const active = document.activeElement;
    const target = event.detail.target;
    const inside = active && active !== document.body && target?.contains(active);
    held = inside ? { active, id: active.id, key: active.dataset.focusKey, target: target.id } : null;
  });
  on("htmx:afterSettle", () => {
    letPass();
    if (!held || document.activeElement !== document.body) return;
    const { active, id, key, target } = held;
    held = null;
    // What is preserved is the same element in another place.
    const again = (active.isConnected && active) || (id && document.getElementById(id))
      || (key && document.querySelector(`[data-focus-key="${CSS.escape(key)}"]`));
    if (again) return again.focus();
    const part = target && document.getElementById(target);
    if (!part) return;
    part.setAttribute("tabindex", "-1");
    part.focus({ preventScroll: true });
  });

  letPass();
})();
