// How scripts write amounts, as the pages do (repoman/pages/formats.py).

const GIB = 2 ** 30;
const MIB = 2 ** 20;
const MINUTE = 60;

// Bytes in GiB, to three digits.
export function gib(size) {
  const amount = size / GIB;
  if (!size) return "0 GiB";
  if (amount < 0.001) return "< 0.001 GiB";
  return `${amount.toFixed(digits(amount))} GiB`;
}

// Bytes a second in MiB/s.
export function speed(rate) {
  const amount = rate / MIB;
  return `${amount.toFixed(Math.min(digits(amount), 1))} MiB/s`;
}

// How long something will take, in seconds, as a person says it.
export function left(seconds) {
  if (seconds < MINUTE) return "less than a minute left";
  const minutes = Math.round(seconds / MINUTE);
  const hours = Math.floor(minutes / 60);
  if (!hours) return `about ${minutes} min left`;
  return hours < 10 ? `about ${hours} h ${minutes % 60} min left` : `about ${hours} h left`;
}

function digits(amount) {
  if (amount >= 99.95) return 0;
  if (amount >= 9.995) return 1;
  return amount >= 0.9995 ? 2 : 3;
}

// How fast something moves: of the last ten seconds, for a mean of all would not show that a way has
// become slow.
export class Pace {
  #seen = [];

  // Note how many bytes have gone by now.
  note(bytes, now = performance.now()) {
    if (this.#seen.length && bytes < this.#seen.at(-1).bytes) this.#seen = [];
    this.#seen.push({ bytes, now });
    while (now - this.#seen[0].now > 10_000 && this.#seen.length > 2) this.#seen.shift();
  }

  // Bytes a second, 0 where it is too early to say.
  rate() {
    const [first, last] = [this.#seen[0], this.#seen.at(-1)];
    if (!first || last.now - first.now < 1000) return 0;
    return (last.bytes - first.bytes) / (last.now - first.now) * 1000;
  }
}
