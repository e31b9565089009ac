// A client of tus 1.0 (https://tus.io/protocols/resumable-upload) that does not give up.
//
// All that is missing goes in one PATCH, which the browser streams from the disk. No checksums: TLS
// guards the way, and a browser hashes nothing but what it has in memory as a whole.
import { Refused } from "./api.js";

const VERSION = "1.0.0";
const LONGEST_WAIT = 30_000; // milliseconds, as all times here
const ANSWER = 60_000; // for requests without a body
const STALLED = 45_000; // without a byte moved; the server gives up at 30 s
const WORTH_ANOTHER = new Set([408, 423, 425, 429, 500, 502, 503, 504]);

// The connection broke, or the server failed: what has arrived is kept.
class Broken extends Error {}

// The file was moved, removed or written to since it was chosen.
export class Unreadable extends Error {}

// Upload-Metadata (of ASCII keys) as tus wants it.
export function encode(metadata) {
  const base64 = (text) => btoa(String.fromCharCode(...new TextEncoder().encode(text)));
  return Object.entries(metadata).map(([key, text]) => `${key} ${base64(text)}`).join(",");
}

// Read what `encode` made.
export function decode(header) {
  const text = (base64) => {
    const bytes = Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
    return new TextDecoder().decode(bytes);
  };
  const pairs = (header ?? "").split(",").map((pair) => pair.trim().split(" "));
  return Object.fromEntries(pairs.filter(([key]) => key).map(([key, value = ""]) => [key, text(value)]));
}

// One file on its way to `endpoint`, the URL to which uploads are POSTed.
//
// `find` looks for one that was begun before and returns its URL, or null. `hasArrived` says whether
// the whole file is there, which nobody else can where the answer to its last byte was lost.
// `tell` is told: {state: "sending", sent}, {state: "checking"} when all is sent,
// {state: "waiting", reason, until}, {state: "anew"} where the server has nothing any more.
export class Upload {
  constructor(file, endpoint, { metadata, find, hasArrived, tell }) {
    Object.assign(this, { file, endpoint, metadata, find, hasArrived, tell });
    this.url = null;
  }

  // Send the file, or what is missing of it, until it is there. Throws Refused, Unreadable, and
  // AbortError when `signal` says to stop; all that has arrived is kept, to `run` again.
  async run(signal) {
    let failures = 0;
    let hasEnded = false;
    this.reached = -1;
    for (;;) {
      try {
        return await this.#try(signal);
      } catch (problem) {
        if (signal.aborted) throw new DOMException("stopped", "AbortError");
        if (isEnd(problem) && this.url) {
          if (await this.#finished(signal)) return;
          if (hasEnded) throw problem;
          hasEnded = true;
          this.url = null;
          this.reached = -1;
          this.tell({ state: "anew" });
        } else if (!(problem instanceof Broken)) {
          throw problem;
        }
        failures = this.hasMoved ? 1 : failures + 1;
        await this.#wait(Math.min(LONGEST_WAIT, 500 * 2 ** (failures - 1)), problem, signal);
      }
    }
  }

  // Have the server forget it, and what has arrived.
  async end() {
    if (!this.url) return;
    for (let wait = 250; ; wait *= 2) {
      const answer = await fetch(this.url, { method: "DELETE", headers: headers() });
      if (answer.ok || answer.status === 404 || answer.status === 410) break;
      // The server has yet to learn that nothing comes any more.
      if (answer.status !== 423 || wait > LONGEST_WAIT) await refuse(answer);
      await new Promise((resolve) => { setTimeout(resolve, wait); });
    }
    this.url = null;
  }

  async #try(signal) {
    this.hasMoved = false;
    await check(this.file);
    this.url ??= await broken(this.find());
    const offset = this.url ? await this.#offset(signal) : await this.#create(signal);
    this.hasMoved = offset > this.reached && this.reached >= 0;
    // Where a body gets nowhere, it may be that a refusal was lost: one without a body is not.
    if (offset === this.reached) await this.#patch(offset, new Blob(), signal);
    this.reached = offset;
    this.tell({ state: "sending", sent: offset });
    await this.#patch(offset, this.file.slice(offset), signal);
  }

  async #create(signal) {
    const answer = await this.#ask(this.endpoint, "POST", signal, {
      "Upload-Length": String(this.file.size), "Upload-Metadata": encode(this.metadata),
    });
    // Its path alone: the server may be known by another name than the page is from.
    const { pathname, search } = new URL(answer.headers.get("Location"), location.href);
    this.url = pathname + search;
    return 0;
  }

  async #offset(signal) {
    const answer = await this.#ask(this.url, "HEAD", signal);
    return Number(answer.headers.get("Upload-Offset"));
  }

  async #ask(url, method, signal, more) {
    const limited = AbortSignal.any([signal, AbortSignal.timeout(ANSWER)]);
    const answer = await broken(fetch(url, { method, headers: headers(more), signal: limited }));
    return answer.ok ? answer : broken(refuse(answer));
  }

  // fetch tells nothing of how far a body is: XMLHttpRequest does.
  async #patch(offset, body, signal) {
    signal.throwIfAborted();
    const request = new XMLHttpRequest();
    let watchdog;
    const stop = () => request.abort();
    const watch = () => {
      clearTimeout(watchdog);
      watchdog = setTimeout(stop, STALLED);
    };
    const sent = new Promise((resolve, reject) => {
      request.open("PATCH", this.url);
      const more = { "Upload-Offset": offset, "Content-Type": "application/offset+octet-stream" };
      for (const [name, value] of Object.entries(headers(more))) request.setRequestHeader(name, value);
      request.upload.addEventListener("progress", (event) => {
        watch();
        this.tell({ state: "sending", sent: offset + event.loaded });
      });
      request.upload.addEventListener("load", () => {
        clearTimeout(watchdog);
        if (body.size) this.tell({ state: "checking" });
      });
      request.addEventListener("load", () => {
        if (request.status < 300) resolve();
        else reject(sorted(new Refused(request.status, request.responseText)));
      });
      for (const kind of ["error", "abort", "timeout"]) {
        request.addEventListener(kind, () => reject(new Broken("The connection broke.")));
      }
      signal.addEventListener("abort", stop);
      watch();
      request.send(body);
    });
    try {
      await sent;
    } finally {
      clearTimeout(watchdog);
      signal.removeEventListener("abort", stop);
    }
  }

  // Say whether an upload that the server knows no more has come to its good end.
  async #finished(signal) {
    for (let wait = 500; ; wait = Math.min(LONGEST_WAIT, wait * 2)) {
      try {
        return await broken(this.hasArrived());
      } catch (problem) {
        if (!(problem instanceof Broken)) throw problem;
        await this.#wait(wait, problem, signal);
      }
    }
  }

  #wait(time, problem, signal) {
    this.tell({ state: "waiting", reason: problem.message, until: Date.now() + time });
    return new Promise((resolve, reject) => {
      const over = () => {
        clearTimeout(timer);
        removeEventListener("online", over);
        signal.removeEventListener("abort", over);
        if (signal.aborted) reject(new DOMException("stopped", "AbortError"));
        else resolve();
      };
      const timer = setTimeout(over, time);
      addEventListener("online", over);
      signal.addEventListener("abort", over);
    });
  }
}

// Throw Unreadable for a file that cannot be read: of such the browser sends nothing, and says that
// the connection broke.
export async function check(file) {
  try {
    await file.slice(0, 1).arrayBuffer();
  } catch {
    throw new Unreadable(
      "This file cannot be read: it was moved, changed or removed, or it is a folder.",
    );
  }
}

function headers(more) {
  return { "Tus-Resumable": VERSION, Accept: "application/json", ...more };
}

async function refuse(answer) {
  throw new Refused(answer.status, await answer.text());
}

// Make all that is worth another try Broken.
function broken(promise) {
  return promise.catch((problem) => { throw sorted(problem); });
}

function sorted(problem) {
  if (!(problem instanceof Refused)) return new Broken("The server cannot be reached.");
  const isWorthIt = WORTH_ANOTHER.has(problem.status) || problem.code === "offset-mismatch";
  return isWorthIt ? new Broken(problem.message) : problem;
}

function isEnd(problem) {
  return problem instanceof Refused && (problem.status === 404 || problem.status === 410);
}
