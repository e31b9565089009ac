// What makes every page kinder where there is JavaScript; without it, nothing is missing.

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

// Names of users and groups: what the API finds for the letters typed so far.
for (const input of document.querySelectorAll("input[data-complete]")) {
  const list = document.createElement("datalist");
  list.id = `${input.id}-names`;
  input.after(list);
  input.setAttribute("list", list.id);
  let last = "";
  input.addEventListener("input", async () => {
    const typed = input.value.trim();
    if (!typed || typed === last) return;
    last = typed;
    const query = new URLSearchParams({ q: typed, limit: 10, expand: true });
    const answer = await fetch(`${root()}/api/${input.dataset.complete}?${query}`,
      { headers: { Accept: "application/json" } });
    if (!answer.ok || typed !== last) return;
    list.replaceChildren(...(await answer.json()).map((one) => {
      const option = document.createElement("option");
      option.value = one.user_name ?? one.name;
      option.label = one.full_name ?? one.description ?? "";
      return option;
    }));
  });
}

function root() {
  return new URL("..", import.meta.url).pathname.replace(/\/$/, "");
}

// A form that was refused: to the reason at once.
document.querySelector(".refusal[role=alert]")?.scrollIntoView({ block: "center" });
