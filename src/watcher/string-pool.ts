// Keeps one copy of equal strings: fifty thousand pods name a few thousand images, and JSON makes a
// new string each time.

const MAX_STRINGS = 200_000;

export class StringPool {
  readonly #strings = new Map<string, string>();

  intern(text: string): string {
    const known = this.#strings.get(text);
    if (known !== undefined) return known;
    // A full pool starts empty again: strings that are still in use come back by themselves.
    if (this.#strings.size >= MAX_STRINGS) this.#strings.clear();
    this.#strings.set(text, text);
    return text;
  }
}
