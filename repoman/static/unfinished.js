// Uploads that were begun and not ended, and whether a file is one of them.
import { ask, root } from "./api.js";
import { decode } from "./tus.js";

// Where a file goes: an image's owner and name, and a hypervisor.
export class Target {
  constructor(owner, hypervisor, name) {
    Object.assign(this, { owner, hypervisor, name });
  }

  // Read the URL of an image's file, as `endpoint` writes it.
  static of(url) {
    return new Target(...new URL(url, location.href).pathname.split("/").slice(-3).map(decodeURIComponent));
  }

  get endpoint() {
    return `${root}/api/images/raw/${this.owner}/${this.hypervisor}/${this.name}`;
  }

  get path() {
    return `/images/${this.owner}/${this.name}`;
  }

  // The image's page.
  get page() {
    return root + this.path;
  }

  // The current file's version and size there, null where there is none.
  async file() {
    return (await ask(this.path)).files[this.hypervisor] ?? null;
  }
}

// What the server is told of a file, for it to be known again.
export function identity(file) {
  return { filename: file.name, modified: String(file.lastModified) };
}

// List the caller's that can be gone on with here, each with its `target`, `filename`, `modified`.
export async function unfinished() {
  const found = (await ask("/uploads")).filter((one) => one.image && one.protocol === "tus");
  return found.map((one) => {
    const [owner, name] = new URL(one.image).pathname.split("/").slice(-2).map(decodeURIComponent);
    const target = new Target(owner, one.hypervisor, name);
    return { ...decode(one.metadata), ...one, url: new URL(one.url).pathname, target };
  });
}

// Say whether an upload is of this file: "same", "changed" where only its time differs, or "other".
export function likeness(upload, file) {
  if (upload.filename !== file.name || upload.length !== file.size) return "other";
  return upload.modified === String(file.lastModified) ? "same" : "changed";
}
