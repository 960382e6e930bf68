// The bar over the queue says how many rows are selected. It works without this file.
(() => {
  "use strict";
  const count = () => {
    const said = document.querySelector("[data-bulk-count]");
    if (!said) return;
    const all = document.querySelector('#bulk input[name="all"]')?.checked;
    const chosen = document.querySelectorAll('input[form="bulk"][name="ticket"]:checked').length;
    said.textContent = !all && chosen ? `${chosen} selected` : "";
  };
  document.addEventListener("change", count);
  document.addEventListener("htmx:afterSettle", count);
  // From anywhere in the list to what can be done with what is selected.
  document.addEventListener("meshline:key", (event) => {
    const first = document.querySelector(".bulk-acts :is(button, summary)");
    if (event.detail !== "b" || !first?.offsetParent) return;
    first.focus();
    event.preventDefault();
  });
  count();
})();
