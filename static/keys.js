// The keyboard everywhere: single keys (which a person may turn off), g and then a letter, the
// palette and the help. What a key does, a button or link of the page does too: keys press those.
(() => {
  "use strict";
  const WAITS = 1_500;
  const palette = document.getElementById("palette");
  const help = document.getElementById("keys");
  const inElement = (event) => (event.target instanceof Element ? event.target : document.body);

  const isTyping = (element) => element.matches(
    "textarea, select, [contenteditable], input:not([type=checkbox], [type=radio], [type=submit])",
  );
  const areOn = () => document.body.hasAttribute("data-single-keys");

  // --- Pressing what stands on the page for an address: a button, or a form with something to say.
  const formFor = (address) => {
    const forms = [...document.querySelectorAll("form[method=post]")]
      .filter((form) => form.getAttribute("action") === address);
    return forms.find((form) => form.closest("#pane")) ?? forms[0];
  };
  const buttonFor = (address) => [...document.querySelectorAll("button[formaction]")]
    .find((button) => button.getAttribute("formaction") === address);
  const press = (address) => {
    const form = formFor(address);
    if (!form) {
      const button = buttonFor(address);
      button?.click();
      return Boolean(button);
    }
    const field = form.querySelector("textarea, select, input:not([type=hidden])");
    if (!field) {
      form.querySelector("button").click();
      return true;
    }
    const menu = form.closest("details");
    if (menu) menu.open = true;
    field.scrollIntoView({ block: "nearest" });
    field.focus();
    return true;
  };

  // --- Saying: as a message that leaves by itself, read aloud.
  const say = (sentence) => {
    const message = document.createElement("div");
    message.className = "message";
    message.dataset.passing = "";
    const text = document.createElement("p");
    text.textContent = sentence;
    message.append(text);
    document.getElementById("messages")?.replaceChildren(message);
    setTimeout(() => message.remove(), 6_000);
  };

  // --- g and then a letter: the entries of the navigation.
  let going = 0;
  const startGoing = () => { going = setTimeout(() => { going = 0; }, WAITS); };
  const go = (key) => {
    clearTimeout(going);
    going = 0;
    const link = document.querySelector(`[data-go="${CSS.escape(key)}"]`);
    if (link) link.click();
    return Boolean(link);
  };

  document.addEventListener("keydown", (event) => {
    if (event.defaultPrevented || event.isComposing) return;
    const key = event.key.toLowerCase();
    if ((event.ctrlKey || event.metaKey) && !event.altKey && key === "k" && palette) {
      event.preventDefault();
      togglePalette();
      return;
    }
    if (event.ctrlKey || event.metaKey || event.altKey || !areOn()) return;
    if (isTyping(inElement(event)) || document.querySelector("dialog[open]")) return;
    if (going ? go(key) : single(event)) event.preventDefault();
  });
  const single = (event) => {
    if (event.key === "?" && help) return help.showModal() ?? true;
    if (event.key === "g") return startGoing() ?? true;
    const pressed = new CustomEvent("meshline:key", { detail: event.key, cancelable: true });
    return !document.dispatchEvent(pressed);
  };

  // --- The palette: what is typed is looked up, the arrows choose, Enter goes there or does it.
  const found = document.getElementById("palette-found");
  const options = () => [...found.querySelectorAll("[role=option]")];
  const chosen = () => found.querySelector("[aria-selected=true]");
  const input = palette?.querySelector("input[name=q]");
  const choose = (option) => {
    chosen()?.setAttribute("aria-selected", "false");
    option?.setAttribute("aria-selected", "true");
    option?.scrollIntoView({ block: "nearest" });
    if (option) input.setAttribute("aria-activedescendant", option.id);
    else input.removeAttribute("aria-activedescendant");
  };
  const step = (by) => {
    const all = options();
    if (all.length) choose(all[(all.indexOf(chosen()) + by + all.length) % all.length]);
  };
  const togglePalette = () => {
    if (palette.open) return palette.close();
    document.querySelector("dialog[open]")?.close();
    const ticket = document.querySelector("tr.is-current, [data-shown]");
    palette.querySelector("input[name=ticket]").value = ticket?.dataset.ticket ?? ticket?.dataset.shown ?? "";
    palette.showModal();
    input.select();
    htmx.trigger(palette.querySelector("form"), "palette:look");
  };
  const take = (option) => {
    palette.close();
    if (!option.dataset.press || !press(option.dataset.press)) location.assign(option.href);
  };
  if (palette) {
    palette.addEventListener("keydown", (event) => {
      if (event.key === "ArrowDown") step(1);
      else if (event.key === "ArrowUp") step(-1);
      else if (event.key === "Enter" && chosen()) take(chosen());
      else return;
      event.preventDefault();
    });
    found.addEventListener("click", (event) => {
      const option = inElement(event).closest("[role=option]");
      if (!option || event.ctrlKey || event.metaKey || event.shiftKey) return;
      event.preventDefault();
      take(option);
    });
    document.addEventListener("htmx:afterSwap", (event) => {
      if (event.detail.target === found) choose(options()[0]);
    });
  }
  document.addEventListener("click", (event) => {
    const element = inElement(event);
    if (element.closest("[data-open-keys]")) help?.showModal();
    if (element.closest("[data-open-palette]") && palette) {
      event.preventDefault();
      togglePalette();
    }
    // A click beside an open dialog is a click on its backdrop.
    if (element.matches("dialog[open]") || element.closest("[data-close-dialog]")) {
      element.closest("dialog").close();
    }
  });

  window.meshline = { press, say };
})();
