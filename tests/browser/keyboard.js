// What tests/browser/keyboard.py asks of a page, as the object `keys`.
(() => {
  const NATIVE = "a[href], area[href], button, input:not([type=hidden]), select, textarea, " +
    "summary, iframe, audio[controls], video[controls]";
  const ALL = NATIVE + ", [tabindex], [contenteditable=''], [contenteditable=true]";
  // Of these, arrow keys go from one to the next, and Tab reaches one.
  const ROVING = "[role=option], [role=tab], [role=menuitem], [role=radio], [role=gridcell], " +
    "[role=treeitem]";
  const LOOKS = ["outline", "boxShadow", "backgroundColor", "borderColor", "borderWidth", "color",
    "textDecoration"];
  const before = new Map();

  const around = (one) => [one, one.parentElement, one.nextElementSibling, ...(one.labels || [])]
    .filter((each) => each);
  const look = (one) => {
    const style = getComputedStyle(one);
    return JSON.stringify(LOOKS.map((name) => style[name]));
  };
  const describe = (one) => one.outerHTML.replace(/\s+/g, " ").slice(0, 120);

  const isExpected = (one) => {
    if (!one.checkVisibility({visibilityProperty: true}) || one.matches(":disabled, [inert] *"))
      return false;
    if (one.matches("[type=radio]") && one.name) return false;
    return one.tabIndex >= 0 || (one.matches(NATIVE) && !one.matches(ROVING));
  };

  const hasOutline = (one) => {
    const style = getComputedStyle(one);
    return style.outlineStyle !== "none" && parseFloat(style.outlineWidth) > 0 &&
      !/^rgba\(.*, 0\)$/.test(style.outlineColor);
  };

  window.keys = {
    start() {
      document.activeElement.blur();
      before.clear();
      for (const one of document.querySelectorAll("body, body *")) before.set(one, look(one));
      this.expected = new Set([...document.querySelectorAll(ALL)].filter(isExpected));
      this.seen = new Set();
      this.last = null;
    },
    // Null at the page's end, and where Tab has come around. A field may have several parts, as one
    // for a date has: Tab goes through them, and the field has the focus all the time.
    focused() {
      const one = document.activeElement;
      if (one && one === this.last && one.matches("[type=datetime-local]")) return {again: true};
      this.last = one;
      if (!one || one === document.body || this.seen.has(one)) return null;
      this.seen.add(one);
      const visible = hasOutline(one) ||
        around(one).some((each) => before.has(each) && look(each) !== before.get(each));
      return {html: describe(one), visible, operable: this.expected.has(one)};
    },
    missed() {
      return [...this.expected].filter((one) => !this.seen.has(one)).map(describe);
    },
  };
})();
