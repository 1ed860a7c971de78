/** What a browser keeps for a person, under a prefix of theirs. */

function local(): Storage | undefined {
  try {
    return globalThis.localStorage;
  } catch {
    return undefined; // a page may be forbidden to keep anything
  }
}

export class Kept {
  private readonly memory = new Map<string, string>();
  private readonly storage = local();

  constructor(private readonly prefix: string) {}

  get(name: string): string | null {
    return this.memory.get(name) ?? this.storage?.getItem(this.prefix + name) ?? null;
  }

  set(name: string, value: string): void {
    try {
      if (!this.storage) throw new Error("none");
      this.storage.setItem(this.prefix + name, value);
    } catch {
      this.memory.set(name, value); // full or forbidden: it is kept until the page is left
    }
  }

  remove(name: string): void {
    this.memory.delete(name);
    this.storage?.removeItem(this.prefix + name);
  }

  /** Return the names that begin with this, in order. */
  names(start = ""): string[] {
    const found = [...this.memory.keys()];
    for (let at = 0; at < (this.storage?.length ?? 0); at++) {
      const key = this.storage?.key(at);
      if (key?.startsWith(this.prefix)) found.push(key.slice(this.prefix.length));
    }
    return found.filter((name) => name.startsWith(start)).sort();
  }

  clear(): void {
    for (const name of this.names()) this.remove(name);
  }
}
