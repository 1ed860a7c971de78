/** Web Locks in memory: Node has none. */

interface Request {
  readonly shared: boolean;
  start(): void;
}

export class FakeLocks {
  private readonly held = new Map<string, Set<Request>>();
  private readonly queued = new Map<string, Request[]>();

  request(name: string, ...more: any[]): Promise<unknown> {
    const work = more.at(-1) as () => Promise<unknown>;
    const options = more.length > 1 ? more[0] : {};
    return new Promise((done, failed) => {
      const request: Request = {
        shared: options.mode === "shared",
        start: () => {
          this.of(name).add(request);
          Promise.resolve()
            .then(work)
            .then(done, failed)
            .finally(() => {
              this.of(name).delete(request);
              this.next(name);
            });
        },
      };
      const queue = this.queued.get(name) ?? [];
      this.queued.set(name, [...queue, request]);
      options.signal?.addEventListener("abort", () => {
        const waiting = this.queued.get(name) ?? [];
        this.queued.set(name, waiting.filter((one) => one !== request));
        failed(new Error("aborted"));
      });
      this.next(name);
    });
  }

  private of(name: string): Set<Request> {
    const found = this.held.get(name) ?? new Set();
    this.held.set(name, found);
    return found;
  }

  private next(name: string): void {
    const [first, ...rest] = this.queued.get(name) ?? [];
    const held = [...this.of(name)];
    if (!first || (held.length && !(first.shared && held.every((one) => one.shared)))) return;
    this.queued.set(name, rest);
    first.start();
    this.next(name);
  }
}
