(() => {
  "use strict";
  const all = (selector) => Array.from(document.querySelectorAll(selector));
  const items = all(".steps ol > li");
  const rows = all(".rows .row");
  const moments = all(".moment");
  const buttons = all("[data-go]");
  const box = document.querySelector(".scroll");
  const now = document.getElementById("now");
  const last = items.length;
  let at = last;

  const show = (step, chosen) => {
    at = Math.max(0, Math.min(last, step));
    for (const moment of moments) moment.hidden = Number(moment.dataset.step) !== at;
    for (const row of rows) {
      const number = Number(row.dataset.step);
      row.classList.toggle("current", number === at);
      row.classList.toggle("later", number > at);
    }
    for (const item of items) {
      if (Number(item.dataset.step) === at) item.setAttribute("aria-current", "step");
      else item.removeAttribute("aria-current");
    }
    // Still in reach of the keyboard, so that nobody loses their place at either end.
    for (const button of buttons) {
      const backwards = button.dataset.go === "first" || button.dataset.go === "back";
      button.setAttribute("aria-disabled", String(at === (backwards ? 0 : last)));
    }
    now.textContent = at === 0 ? "Before the first step" : `Step ${at} of ${last}: ${items[at - 1].dataset.say}`;
    reveal(rows[at - 1]);
    if (chosen) {
      // Not the list's own fragments: those would scroll away from the picture.
      try { history.replaceState(null, "", `#at-${at}`); } catch { /* some viewers forbid it */ }
    }
  };

  // Scrolls the picture only, and no more than it takes.
  const reveal = (row) => {
    if (!row) {
      box.scrollTo(0, 0);
      return;
    }
    const [outer, inner] = [box.getBoundingClientRect(), row.getBoundingClientRect()];
    const top = outer.top + document.querySelector(".names").getBoundingClientRect().height;
    if (inner.top < top) box.scrollTop -= top - inner.top;
    if (inner.bottom > outer.bottom) box.scrollTop += inner.bottom - outer.bottom;
    const drawn = row.querySelector(".arrow, .sign")?.getBoundingClientRect();
    if (!drawn) return;
    if (drawn.right + 100 > outer.right) box.scrollLeft += drawn.right + 100 - outer.right;
    const left = row.querySelector(".arrow, .sign").getBoundingClientRect().left;
    if (left - 40 < outer.left) box.scrollLeft -= outer.left - left + 40;
  };

  const go = { first: () => 0, back: () => at - 1, forward: () => at + 1, last: () => last };
  const keys = { Home: "first", ArrowLeft: "back", ArrowRight: "forward", End: "last" };
  for (const button of buttons) button.addEventListener("click", () => show(go[button.dataset.go](), true));
  for (const row of rows) row.addEventListener("click", () => show(Number(row.dataset.step), true));
  for (const item of items) {
    item.querySelector("a").addEventListener("click", (event) => {
      event.preventDefault();
      show(Number(item.dataset.step), true);
    });
  }
  document.addEventListener("keydown", (event) => {
    if (event.altKey || event.ctrlKey || event.metaKey || event.shiftKey || !(event.key in keys)) return;
    event.preventDefault();
    show(go[keys[event.key]](), true);
  });
  const linked = () => {
    const found = /^#(?:at|step)-(\d+)$/.exec(location.hash);
    return found ? Number(found[1]) : last;
  };
  addEventListener("hashchange", () => show(linked(), false));
  document.documentElement.classList.add("live");
  show(linked(), false);
})();
