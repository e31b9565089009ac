// One file's upload as people see it: how far it is, how fast, what went wrong, and its buttons.
import { gib, left, Pace, speed } from "./amounts.js";
import { persist } from "./patience.js";
import { check, Upload } from "./tus.js";
import { identity, likeness, unfinished } from "./unfinished.js";

const AT_ONCE = 2;
const EVERY = 250; // milliseconds between two looks at the numbers
const HOPELESS = new Set(["unsafe-image", "format-mismatch", "file-too-large"]); // for this file

const running = new Set();
const queue = [];
const taken = new Set(); // URLs of uploads that are somebody's here

// Whoever leaves the page now ends what runs; it can be gone on with.
addEventListener("beforeunload", (event) => {
  if (running.size || queue.length) event.preventDefault();
});

// Find an unfinished upload of this file to this target that nobody here has.
async function find(file, target) {
  const found = (await unfinished()).find((one) => one.target.endpoint === target.endpoint &&
    likeness(one, file) === "same" && !taken.has(one.url));
  return found ? found.url : null;
}

// Say whether nothing runs nor waits.
export function isIdle() {
  return !running.size && !queue.length;
}

// Say to screen readers what happened.
export function say(text) {
  document.getElementById("said").textContent = text;
}

function next() {
  while (queue.length && running.size < AT_ONCE) queue.shift().begin();
}

// Shows the upload of `file` in `element`, made from the template of templates/transfer.mako.
//
// `events` are functions: `aim` makes sure that there is an image, and returns the Target; it may
// throw. `onStart` is called when the upload is wanted, `onDone(target)` when the file is there,
// `onRefused(target)` when it will not be, `onGone` when it was discarded.
export class Transfer {
  constructor(element, file, events) {
    Object.assign(this, { element, file }, events);
    this.upload = null;
    this.pace = new Pace();
    this.at = (name) => element.querySelector(`[data-part=${name}]`);
    this.at("bar").setAttribute("aria-label", `Upload of ${file.name}`);
    for (const part of element.querySelectorAll("[data-part=file]")) part.textContent = ` ${file.name}`;
    this.at("pause").addEventListener("click", () => this.pause());
    this.at("go").addEventListener("click", () => this.start());
    this.at("discard").addEventListener("click", () => this.discard());
    this.#show("ready");
  }

  // Begin or go on, as soon as it is this one's turn.
  start() {
    if (this.state !== "ready" && this.state !== "paused" && this.state !== "refused") return;
    queue.push(this);
    this.#show("queued", "Waiting for the others.");
    this.onStart();
    next();
  }

  // Stop for now; what has arrived is kept.
  pause() {
    const place = queue.indexOf(this);
    if (place >= 0) queue.splice(place, 1);
    if (place >= 0) this.#show("paused", "Paused.");
    else this.stopper?.abort();
  }

  // Forget it, here and on the server.
  async discard() {
    this.pause();
    this.at("discard").disabled = true;
    await this.ran;
    this.stopper = new AbortController();
    taken.delete(this.upload?.url);
    try {
      await this.upload?.end({ signal: this.stopper.signal, tell: (news) => this.#hear(news) });
    } catch (problem) {
      this.at("discard").disabled = false;
      if (this.stopper.signal.aborted) this.#show("paused", "Paused.");
      else this.#refuse(problem);
      return;
    }
    say(`${this.file.name}: discarded.`);
    this.onGone();
  }

  // Called by the queue.
  begin() {
    running.add(this);
    this.stopper = new AbortController();
    this.ran = this.#run(this.stopper.signal).finally(() => {
      running.delete(this);
      clearInterval(this.clock);
      next();
    });
  }

  async #run(signal) {
    this.#show("running", "Asking the server.");
    this.clock = setInterval(() => this.#count(), EVERY);
    try {
      await check(this.file);
      const how = { signal, tell: (news) => this.#hear(news) };
      this.target ??= await persist(() => this.aim(), how);
      this.before ??= { file: await persist(() => this.target.file(), how) };
      this.upload ??= this.#make();
      await this.upload.run(signal);
      this.#show("done", "Uploaded.");
      this.onDone(this.target);
    } catch (problem) {
      if (signal.aborted) this.#show("paused", "Paused. What has arrived is kept.");
      else this.#refuse(problem);
    }
  }

  #make() {
    const { file, target } = this;
    return new Upload(file, target.endpoint, {
      metadata: identity(file),
      find: () => find(file, target),
      hasArrived: () => this.#hasArrived(),
      tell: (news) => this.#hear(news),
    });
  }

  // Nobody says which of the image's files was this one: it is as long, and came meanwhile.
  async #hasArrived() {
    const now = await this.target.file();
    return now?.size === this.file.size && now.version !== this.before.file?.version;
  }

  #hear(news) {
    if (this.upload?.url) taken.add(this.upload.url);
    if (news.sent !== undefined) {
      this.sent = news.sent;
      this.pace.note(news.sent);
    }
    if (news.state === this.news?.state && news.state === "sending") return;
    this.news = news;
    if (news.state === "sending") this.#show("running", "Uploading.");
    if (news.state === "checking") this.#show("running", "All is sent; the server is checking it.");
    if (news.state === "waiting") this.#show("running", `${news.reason} It goes on by itself.`);
    if (news.state === "anew") {
      this.#show("running", "The server has nothing of it any more: it begins anew.");
    }
    this.#count();
  }

  #count() {
    if (this.sent === undefined) return;
    const { size } = this.file;
    this.at("bar").value = size ? this.sent / size : 0;
    const numbers = [`${gib(this.sent)} of ${gib(size)}`];
    const rate = this.news?.state === "sending" ? this.pace.rate() : 0;
    if (this.news?.state === "sending") this.pace.note(this.sent);
    if (rate) numbers.push(speed(rate), left((size - this.sent) / rate));
    const seconds = Math.ceil((this.news?.until - Date.now()) / 1000);
    if (this.news?.state === "waiting" && seconds > 1) numbers.push(`next try in ${seconds} s`);
    this.at("numbers").textContent = numbers.join(", ");
  }

  #refuse(problem) {
    this.isHopeless = HOPELESS.has(problem.code);
    this.#show("refused", "It was not uploaded.");
    this.at("reason").textContent = problem.message;
    this.at("reason").hidden = false;
    this.onRefused?.(this.target);
    say(`${this.file.name}: ${problem.message}`);
  }

  #show(state, text = "") {
    const focused = document.activeElement;
    const isOurs = this.element.contains(focused);
    const isNew = text && text !== this.at("state").textContent;
    this.state = state;
    this.element.dataset.state = state;
    this.element.hidden = state === "ready";
    this.at("state").textContent = text;
    this.at("reason").hidden = true;
    this.at("pause").hidden = state !== "running" && state !== "queued";
    const isAimless = state === "refused" && !this.target;
    this.at("go").firstChild.data = state === "refused" ? "Try again" : "Go on";
    this.at("go").hidden = isAimless || this.isHopeless || (state !== "paused" && state !== "refused");
    this.at("end").hidden = isAimless || state === "done";
    if (state === "done") this.at("bar").value = 1;
    // A button that goes while it has the focus leaves it to the one in its place.
    if (isOurs && !focused.checkVisibility()) this.focus();
    if (isNew) say(`${this.file.name}: ${text}`);
  }

  // Give the focus to the button of the state.
  focus() {
    [this.at("pause"), this.at("go")].find((button) => !button.hidden)?.focus();
  }
}
