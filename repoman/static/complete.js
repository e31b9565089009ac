// Completion of names: what the API finds for the letters typed so far.
import { ask } from "./api.js";

let number = 0;

// Offer names at `input`. `find` returns them for what was typed, as pairs of a value and a label.
export function complete(input, find) {
  const list = document.createElement("datalist");
  list.id = `names-${number += 1}`;
  input.after(list);
  input.setAttribute("list", list.id);
  let last = "";
  input.addEventListener("input", async () => {
    const typed = input.value.trim();
    if (!typed || typed === last) return;
    last = typed;
    const found = await find(typed).catch(() => []);
    if (typed !== last) return;
    list.replaceChildren(...found.map(([value, label]) => {
      const option = document.createElement("option");
      option.value = value;
      option.label = label ?? "";
      return option;
    }));
  });
}

// Find users or groups.
export async function accounts(kind, typed) {
  const query = new URLSearchParams({ q: typed, limit: 10, expand: true });
  const found = await ask(`/${kind}?${query}`);
  return found.map((one) => [one.user_name ?? one.name, one.full_name ?? one.description]);
}
