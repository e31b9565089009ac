// Requests of scripts to the API, at the server that the page is from.
import { gib } from "./amounts.js";

// Where the site begins: not at the root of every server.
export const root = new URL("..", import.meta.url).pathname.replace(/\/$/, "");

// What the server refused, in its words; `code` is the API's, "" where the answer was not the API's.
export class Refused extends Error {
  constructor(status, text) {
    let problem = {};
    try {
      problem = JSON.parse(text) ?? {};
    } catch {
      // Of a server in front of ours, whose words are a page.
    }
    super(forPeople(problem.detail ?? "") || `The server answered with status ${status}.`);
    this.status = status;
    this.code = problem.code ?? "";
    this.problem = problem;
  }
}

// The API's sentence with its sizes as the pages write them (repoman/pages/words.py).
function forPeople(sentence) {
  return sentence.replace(/\b(?:(\d+) of )?(\d{7,}) bytes\b/g, (_, first, last) =>
    [first, last].filter(Boolean).map((size) => gib(Number(size))).join(" of "));
}

// No answer came, or not all of one.
export class Unreachable extends Error {
  constructor(text = "The server cannot be reached.") {
    super(text);
  }
}

// Send a request, and return the answer's headers and text. Throws Refused, Unreachable, AbortError.
export async function send(url, options) {
  let answer;
  let text;
  try {
    answer = await fetch(url, options);
    text = await answer.text();
  } catch (problem) {
    throw problem.name === "AbortError" ? problem : new Unreachable();
  }
  if (!answer.ok) throw new Refused(answer.status, text);
  return { headers: answer.headers, text };
}

// Ask the API for JSON, or send it fields. Throws as `send` does.
export async function ask(path, { method = "GET", fields } = {}) {
  const headers = { Accept: "application/json" };
  if (fields) headers["Content-Type"] = "application/json";
  const { text } = await send(`${root}/api${path}`, {
    method, headers, body: fields && JSON.stringify(fields),
  });
  return JSON.parse(text);
}
