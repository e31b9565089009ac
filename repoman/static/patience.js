// Trying again what failed for reasons that pass.
import { Refused, Unreachable } from "./api.js";

const LONGEST = 30_000; // milliseconds, as all times here
const SHORTEST = 500;
const PASSING = new Set([408, 423, 425, 429, 500, 502, 503, 504]);

// Say whether it may do later what it did not now.
export function passes(problem) {
  if (problem instanceof Unreachable) return true;
  const { status, code } = problem;
  return problem instanceof Refused && (PASSING.has(status) || code === "offset-mismatch");
}

// How long to wait after so many failures in a row.
export function pause(failures) {
  return Math.min(LONGEST, SHORTEST * 2 ** (failures - 1));
}

// Wait, or until the browser is online again; AbortError where `signal` comes first. `tell` is told
// {state: "waiting", reason, until}.
export function wait(time, problem, { signal, tell }) {
  tell({ state: "waiting", reason: problem.message, until: Date.now() + time });
  return new Promise((resolve, reject) => {
    const over = () => {
      clearTimeout(timer);
      removeEventListener("online", over);
      signal.removeEventListener("abort", over);
      if (signal.aborted) reject(stopped());
      else resolve();
    };
    const timer = setTimeout(over, time);
    addEventListener("online", over);
    signal.addEventListener("abort", over);
  });
}

// Do something until it is done, or fails for good.
export async function persist(act, how) {
  for (let failures = 1; ; failures += 1) {
    try {
      return await act();
    } catch (problem) {
      if (!passes(problem)) throw problem;
      await wait(pause(failures), problem, how);
    }
  }
}

// What is thrown when somebody said to stop.
export function stopped() {
  return new DOMException("stopped", "AbortError");
}
