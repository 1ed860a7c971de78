/** What tests need of a browser: locks, and what it keeps. */
import { FakeLocks } from "./locks.ts";

class FakeStorage {
  private readonly kept = new Map<string, string>();

  get length(): number {
    return this.kept.size;
  }

  key(at: number): string | null {
    return [...this.kept.keys()][at] ?? null;
  }

  getItem(name: string): string | null {
    return this.kept.get(name) ?? null;
  }

  setItem(name: string, value: string): void {
    this.kept.set(name, value);
  }

  removeItem(name: string): void {
    this.kept.delete(name);
  }
}

/** Begin with an empty browser, perhaps one without Web Locks. */
export function freshBrowser({ locks = true } = {}): void {
  Object.defineProperty(globalThis, "localStorage", {
    value: new FakeStorage(),
    configurable: true,
  });
  Object.defineProperty(globalThis, "navigator", {
    value: locks ? { locks: new FakeLocks() } : {},
    configurable: true,
  });
}
