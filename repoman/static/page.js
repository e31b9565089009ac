// What makes every page kinder where there is JavaScript; without it, nothing is missing.
import { root } from "./api.js";
import { accounts, complete } from "./complete.js";
import { pick } from "./moments.js";

// Times: in the reader's own zone and language. UTC stays, as what a pointer shows.
const local = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "short" });
for (const time of document.querySelectorAll("time:not(.age)")) {
  time.textContent = local.format(new Date(time.dateTime));
}
for (const time of document.querySelectorAll("time.age")) {
  time.title = `${local.format(new Date(time.dateTime))} (${time.title})`;
}

// Commands: a button that copies them.
if (navigator.clipboard) {
  for (const figure of document.querySelectorAll("figure.command")) {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = "Copy";
    button.setAttribute("aria-label", `Copy: ${figure.querySelector("figcaption").textContent}`);
    button.addEventListener("click", async () => {
      await navigator.clipboard.writeText(figure.querySelector("code").textContent);
      button.textContent = "Copied";
      setTimeout(() => { button.textContent = "Copy"; }, 2000);
    });
    figure.append(button);
  }
}

// Names of users and groups.
for (const input of document.querySelectorAll("input[data-complete]")) {
  complete(input, (typed) => accounts(input.dataset.complete, typed));
}

// Times that are typed.
document.querySelectorAll("input[data-time]").forEach(pick);

// A form that was refused: to the field that is wrong, or to the reason. One that was taken: to what
// it has done. So neither the keyboard nor a screen reader begins at the top again.
const refusal = document.querySelector("form > .refusal[role=alert]");
const wrong = refusal?.closest("form").querySelector("[aria-invalid=true]");
if (refusal) {
  // It has the URL that it was sent to: to load that again would send it again.
  const { value } = refusal.closest("form").elements._page;
  history.replaceState(null, "", root + value);
}
const told = wrong ?? refusal ?? document.querySelector(".notice");
if (told) {
  if (told !== wrong) told.tabIndex = -1;
  told.focus({ preventScroll: true });
  (refusal ?? told).scrollIntoView({ block: "center" });
}
