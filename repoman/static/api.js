// Requests of scripts to the API, at the server that the page is from.

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
    super(problem.detail || `The server answered with status ${status}.`);
    this.status = status;
    this.code = problem.code ?? "";
    this.problem = problem;
  }
}

// Ask the API for JSON, or send it fields. Throws Refused, or what fetch throws.
export async function ask(path, { method = "GET", fields, signal } = {}) {
  const headers = { Accept: "application/json" };
  if (fields) headers["Content-Type"] = "application/json";
  const body = fields && JSON.stringify(fields);
  const answer = await fetch(`${root}/api${path}`, { method, headers, body, signal });
  if (!answer.ok) throw new Refused(answer.status, await answer.text());
  return answer.json();
}
