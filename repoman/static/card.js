// A file on the page of uploads, before and while it is on its way.
import { ask, Refused } from "./api.js";
import { gib } from "./amounts.js";
import { complete } from "./complete.js";
import { nameOf } from "./names.js";
import { Transfer } from "./transfer.js";
import { likeness, Target } from "./unfinished.js";

const MOST_NAMES = 10;
const recognised = new Set(); // ids of uploads that a card goes on with

// A copy of a template's one element.
export function copy(id) {
  return document.getElementById(id).content.cloneNode(true).firstElementChild;
}

// Shows where a file goes, and then its transfer.
export class Card {
  constructor(file, owner, onChange) {
    Object.assign(this, { file, owner, onChange });
    this.element = copy("card");
    this.form = this.element.querySelector("form");
    this.fields = this.form.elements;
    for (const part of this.element.querySelectorAll("[data-part=file]")) part.textContent = ` ${file.name}`;
    this.element.querySelector("h2").textContent = file.name;
    this.element.querySelector("[data-part=size]").textContent = gib(file.size);
    this.fields.name.value = nameOf(file.name);
    this.transfer = new Transfer(this.element.querySelector(".transfer"), file, {
      aim: () => this.#aim(),
      onStart: () => {
        this.form.hidden = true;
        this.onChange();
      },
      onRefused: (target) => {
        this.form.hidden = Boolean(target);
        if (target) this.#link(target);
      },
      onDone: (target) => this.#link(target),
      onGone: () => this.#remove(),
    });
    this.#listen();
  }

  // Whether it waits for Start.
  get isReady() {
    return this.element.isConnected && this.transfer.state === "ready";
  }

  #listen() {
    this.form.addEventListener("submit", (event) => {
      event.preventDefault();
      const had = this.form.contains(document.activeElement);
      this.transfer.start();
      if (had) this.transfer.focus();
    });
    this.element.querySelector("[data-part=remove]").addEventListener("click", () => this.#remove());
    for (const name of ["to", "name"]) {
      this.fields[name].addEventListener("change", () => this.#look());
    }
    complete(this.fields.name, async (typed) => {
      if (this.fields.to.value === "new") return [];
      const query = new URLSearchParams({ q: typed, limit: MOST_NAMES, expand: true });
      const found = typed.length > 1 ? await ask(`/users/${this.owner}/images?${query}`) : [];
      return found.map((one) => [one.name, one.description]);
    });
  }

  // Look among the unfinished for this file, and begin at once where it is one of them.
  async recognise(found) {
    const same = found.find((one) => likeness(one, this.file) === "same" && !recognised.has(one.id));
    if (same) {
      recognised.add(same.id);
      this.goesOn = same.target;
      this.#tell(same.target);
      document.getElementById(`upload-${same.id}`)?.remove();
      this.transfer.start();
    } else if (found.some((one) => likeness(one, this.file) === "changed")) {
      this.element.querySelector("[data-part=changed]").hidden = false;
    }
    await this.#look();
  }

  // Say what is there under the name that was typed.
  async #look() {
    const name = this.fields.name.value;
    const query = new URLSearchParams({ name, expand: true });
    const [image] = await ask(`/users/${this.owner}/images?${query}`).catch(() => []);
    if (name !== this.fields.name.value) return;
    this.#note(image);
    this.#narrow(this.fields.to.value === "own" ? image?.hypervisor : null);
  }

  #note(image) {
    // As after an upload that was refused, or where the image was described first.
    if (image && !Object.keys(image.files).length) this.fields.to.value = "own";
    const isNew = this.fields.to.value === "new";
    let text = "";
    if (image && isNew) {
      text = "You have an image of this name. Take another name, or replace the file of that image.";
    } else if (!image && !isNew) {
      text = "You have no image of this name.";
    } else if (image) {
      const file = image.files[this.fields.hypervisor.value];
      text = file ? `It takes the place of version ${file.version}, of ${gib(file.size)}.`
        : "You have this image; it has no file for this hypervisor yet.";
    }
    this.element.querySelector("[data-part=note]").textContent = text;
  }

  // Offer an image's own hypervisors alone, null: all.
  #narrow(names) {
    const { options } = this.fields.hypervisor;
    for (const one of options) one.hidden = one.disabled = Boolean(names) && !names.includes(one.value);
    if (options[options.selectedIndex]?.disabled) this.fields.hypervisor.value = names[0];
  }

  // Return where the file goes, and make the image where it is a new one.
  async #aim() {
    if (this.goesOn) return this.goesOn;
    const { to, name, hypervisor } = this.fields;
    const target = new Target(this.owner, hypervisor.value, name.value);
    if (to.value === "new") {
      await this.#make({ name: name.value, hypervisor: [hypervisor.value] });
    }
    this.#tell(target);
    return target;
  }

  // Make the image, but once: where no answer came, it may be there already.
  async #make(fields) {
    const isAgain = this.asked === fields.name;
    this.asked = fields.name;
    try {
      await ask("/images", { method: "POST", fields });
    } catch (problem) {
      const isThere = isAgain && problem.code === "image-exists";
      if (!isThere || await this.#hasFile(fields.name)) {
        if (problem instanceof Refused) this.asked = null;
        throw problem;
      }
    }
    this.asked = null;
  }

  // Say whether an image of the caller's has any file.
  async #hasFile(name) {
    const { files } = await ask(`/images/${this.owner}/${name}`);
    return Object.keys(files).length > 0;
  }

  // Say where it goes, for good.
  #tell(target) {
    const where = this.element.querySelector("[data-part=where]");
    where.textContent = `To ${target.owner}/${target.name}, for ${target.hypervisor}`;
    where.hidden = false;
  }

  // Lead to the image. Not before the end: whoever leaves the page stops the upload.
  #link(target) {
    const place = this.element.querySelector("[data-part=image]");
    const link = place.querySelector("a");
    link.href = target.page;
    link.textContent = `Go to the image ${target.owner}/${target.name}`;
    place.hidden = false;
  }

  #remove() {
    const near = this.element.nextElementSibling ?? this.element.previousElementSibling;
    this.element.remove();
    (near?.querySelector("button:not([hidden])") ?? document.getElementById("choose")).focus();
    this.onChange();
  }
}
