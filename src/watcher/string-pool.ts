// The same text once: fifty thousand pods name a few thousand images, and JSON makes a new string of each.

const MAX_KEPT = 200_000;

export class StringPool {
  readonly #kept = new Map<string, string>();

  intern(text: string): string {
    const known = this.#kept.get(text);
    if (known !== undefined) return known;
    // Begun anew now and then: what is still in use comes back by itself.
    if (this.#kept.size >= MAX_KEPT) this.#kept.clear();
    this.#kept.set(text, text);
    return text;
  }
}
