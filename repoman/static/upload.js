// Files that are chosen or dropped: on the page of uploads as cards, on an image's page in its forms.
import { Card, copy } from "./card.js";
import { isIdle, say, Transfer } from "./transfer.js";
import { Target, unfinished } from "./unfinished.js";

// The forms of image_files.mako: the same bytes, by tus instead.
for (const input of document.querySelectorAll("input[data-upload]")) {
  const { form } = input;
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const element = copy("transfer");
    const fields = [...form.children].filter((one) => !one.hidden);
    const show = (isRunning) => fields.forEach((one) => { one.hidden = isRunning; });
    const transfer = new Transfer(element, input.files[0], {
      aim: () => Target.of(input.dataset.upload),
      onStart: () => show(true),
      onDone: () => transfer.ran.then(() => { if (isIdle()) location.reload(); }),
      onGone: () => {
        element.remove();
        show(false);
        input.focus();
      },
    });
    form.append(element);
    transfer.start();
    transfer.focus();
  });
}

// The page of uploads.
const zone = document.getElementById("drop");
if (zone) {
  const cards = [];
  const list = document.getElementById("cards");
  const all = document.getElementById("start-all");
  const input = document.getElementById("choose");

  const count = () => {
    all.hidden = cards.filter((card) => card.isReady).length < 2;
  };

  const add = async (files) => {
    const found = await unfinished().catch(() => []);
    const added = files.map((file) => new Card(file, zone.dataset.owner, count));
    for (const card of added) {
      cards.push(card);
      list.append(card.element);
    }
    await Promise.all(added.map((card) => card.recognise(found)));
    count();
    say(`${added.length} ${added.length === 1 ? "file is" : "files are"} listed below.`);
  };

  all.addEventListener("click", () => {
    const ready = cards.filter((card) => card.isReady);
    for (const card of ready) card.form.requestSubmit();
    if (all.hidden) ready[0].transfer.focus();
  });
  input.addEventListener("change", () => {
    add([...input.files]);
    input.value = "";
  });
  // What is dropped beside it would open in place of the page, which would end what runs.
  for (const kind of ["dragover", "drop"]) {
    addEventListener(kind, (event) => { if (hasFiles(event)) event.preventDefault(); });
  }
  addEventListener("dragover", (event) => { zone.classList.toggle("over", hasFiles(event)); });
  addEventListener("dragleave", (event) => { if (!event.relatedTarget) zone.classList.remove("over"); });
  addEventListener("drop", (event) => {
    zone.classList.remove("over");
    if (hasFiles(event)) add([...event.dataTransfer.files]);
  });
  zone.hidden = false;
  document.getElementById("plain").open = Boolean(document.querySelector("#plain .refusal"));
}

function hasFiles(event) {
  return event.dataTransfer?.types.includes("Files");
}
