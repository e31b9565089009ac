// A client of tus 1.0 (https://tus.io/protocols/resumable-upload) that does not give up.
//
// All that is missing goes in one PATCH, which the browser streams from the disk. No checksums: TLS
// guards the way, and a browser hashes nothing but what it has in memory as a whole.
import { Refused, send, Unreachable } from "./api.js";
import { passes, pause, persist, stopped, wait } from "./patience.js";

const VERSION = "1.0.0";
const ANSWER = 60_000; // milliseconds, for requests without a body
const STALLED = 45_000; // without a byte moved; the server gives up at 30 s

// The file was moved, removed or written to since it was chosen.
export class Unreadable extends Error {}

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

// Write Upload-Metadata, of ASCII keys.
export function encode(metadata) {
  const base64 = (text) => btoa(String.fromCharCode(...new TextEncoder().encode(text)));
  return Object.entries(metadata).map(([key, text]) => `${key} ${base64(text)}`).join(",");
}

// Read what `encode` wrote.
export function decode(header) {
  const text = (base64) => {
    const bytes = Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
    return new TextDecoder().decode(bytes);
  };
  const pairs = (header ?? "").split(",").map((pair) => pair.trim().split(" "));
  return Object.fromEntries(
    pairs.filter(([key]) => key).map(([key, value = ""]) => [key, text(value)]),
  );
}

// One file on its way to `endpoint`, the URL to which uploads are POSTed.
//
// `find` looks for one that was begun before and returns its URL, or null. `hasArrived` says whether
// the whole file is there, which nobody else can where the answer to its last byte was lost.
// `tell` is told: {state: "sending", sent}, {state: "checking"} when all is sent, {state: "waiting"}
// as patience.js says, {state: "anew"} where the server has nothing any more.
export class Upload {
  constructor(file, endpoint, { metadata, find, hasArrived, tell }) {
    Object.assign(this, { file, endpoint, metadata, find, hasArrived, tell });
    this.url = null;
  }

  // Send the file, or what is missing of it, until it is there. Throws Refused, Unreadable, and
  // AbortError when `signal` says to stop; what has arrived is kept, to `run` again.
  async run(signal) {
    const how = { signal, tell: this.tell };
    let failures = 0;
    let hasEnded = false;
    this.reached = -1;
    for (;;) {
      try {
        return await this.#try(signal);
      } catch (problem) {
        if (signal.aborted) throw stopped();
        if (isEnd(problem) && this.url) {
          if (await persist(this.hasArrived, how)) return;
          if (hasEnded) throw problem;
          hasEnded = true;
          this.url = null;
          this.reached = -1;
          this.tell({ state: "anew" });
        } else if (!passes(problem)) {
          throw problem;
        }
        failures = this.hasMoved ? 1 : failures + 1;
        await wait(pause(failures), problem, how);
      }
    }
  }

  // Have the server forget it, and what has arrived.
  async end(how) {
    // For a moment the server does not know yet that nothing more comes: that passes.
    if (this.url) await persist(() => this.#end(), how);
    this.url = null;
  }

  async #end() {
    try {
      await send(this.url, { method: "DELETE", headers: headers() });
    } catch (problem) {
      if (!isEnd(problem)) throw problem;
    }
  }

  async #try(signal) {
    this.hasMoved = false;
    await check(this.file);
    this.url ??= await this.find();
    const offset = this.url ? await this.#offset(signal) : await this.#create(signal);
    this.hasMoved = offset > this.reached && this.reached >= 0;
    // Where a body gets nowhere, it may be that a refusal was lost: one without a body is not.
    if (offset === this.reached) await this.#patch(offset, new Blob(), signal);
    this.reached = offset;
    this.tell({ state: "sending", sent: offset });
    await this.#patch(offset, this.file.slice(offset), signal);
  }

  async #create(signal) {
    const found = await this.#ask(this.endpoint, "POST", signal, {
      "Upload-Length": String(this.file.size), "Upload-Metadata": encode(this.metadata),
    });
    // Its path alone: the server may be known by another name than the page is from.
    this.url = new URL(found.get("Location"), location.href).pathname;
    return 0;
  }

  async #offset(signal) {
    return Number((await this.#ask(this.url, "HEAD", signal)).get("Upload-Offset"));
  }

  // Return the answer's headers.
  async #ask(url, method, signal, more) {
    const limited = AbortSignal.any([signal, AbortSignal.timeout(ANSWER)]);
    return (await send(url, { method, headers: headers(more), signal: limited })).headers;
  }

  // By XMLHttpRequest, for fetch tells nothing of how far a body is.
  async #patch(offset, body, signal) {
    signal.throwIfAborted();
    const request = new XMLHttpRequest();
    const stop = () => request.abort();
    let watchdog = setTimeout(stop, STALLED);
    signal.addEventListener("abort", stop);
    request.upload.addEventListener("progress", (event) => {
      clearTimeout(watchdog);
      watchdog = setTimeout(stop, STALLED);
      this.tell({ state: "sending", sent: offset + event.loaded });
    });
    request.upload.addEventListener("load", () => {
      clearTimeout(watchdog);
      if (body.size) this.tell({ state: "checking" });
    });
    try {
      await answered(request, () => this.#open(request, offset, body));
    } finally {
      clearTimeout(watchdog);
      signal.removeEventListener("abort", stop);
    }
  }

  #open(request, offset, body) {
    request.open("PATCH", this.url);
    const more = { "Upload-Offset": offset, "Content-Type": "application/offset+octet-stream" };
    for (const [name, value] of Object.entries(headers(more))) request.setRequestHeader(name, value);
    request.send(body);
  }
}

// Begin a request, and wait for its answer. Throws Refused, Unreachable.
function answered(request, begin) {
  return new Promise((resolve, reject) => {
    request.addEventListener("load", () => {
      if (request.status < 300) resolve();
      else reject(new Refused(request.status, request.responseText));
    });
    for (const kind of ["error", "abort", "timeout"]) {
      request.addEventListener(kind, () => reject(new Unreachable("The connection broke.")));
    }
    begin();
  });
}

function headers(more) {
  return { "Tus-Resumable": VERSION, Accept: "application/json", ...more };
}

// Whether the server says that there is no such upload any more.
function isEnd(problem) {
  return problem instanceof Refused && (problem.status === 404 || problem.status === 410);
}
