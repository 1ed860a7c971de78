/** Typed events: `on` returns a function that ends the subscription. */
export class Emitter<Events extends object> {
  private readonly listeners = new Map<keyof Events, Set<(value: never) => void>>();

  on<Name extends keyof Events>(name: Name, listener: (value: Events[Name]) => void): () => void {
    const found = this.listeners.get(name) ?? new Set();
    this.listeners.set(name, found.add(listener));
    return () => found.delete(listener);
  }

  protected emit<Name extends keyof Events>(name: Name, value: Events[Name]): void {
    for (const listener of [...(this.listeners.get(name) ?? [])]) {
      try {
        (listener as (value: Events[Name]) => void)(value);
      } catch (error) {
        // A listener's fault must not keep the others, nor the stream, from going on.
        queueMicrotask(() => {
          throw error;
        });
      }
    }
  }
}
