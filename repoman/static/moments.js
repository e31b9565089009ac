// Times that are typed: by the browser's picker, in the reader's zone. The API gets UTC.

// Write a time as the picker has it.
function local(time) {
  return new Date(time - time.getTimezoneOffset() * 60000).toISOString().slice(0, 16);
}

// Put the picker in the place of an input that holds a time as the API has it, or nothing. What was
// not touched is sent as it was. What is no time stays to be mended.
export function pick(input) {
  const time = new Date(input.value);
  if (input.value && Number.isNaN(time.getTime())) return;
  const sent = document.createElement("input");
  sent.type = "hidden";
  sent.name = input.name;
  sent.value = input.value;
  input.removeAttribute("name");
  input.type = "datetime-local";
  input.value = sent.value && local(time);
  input.after(sent);
  input.addEventListener("input", () => {
    sent.value = input.value && new Date(input.value).toISOString().replace(/\.\d+/, "");
  });
  const hint = document.getElementById(`${input.id}-hint`);
  if (hint) hint.textContent = input.dataset.time;
}
