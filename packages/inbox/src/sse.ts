/** Server-sent events, as the HTML Living Standard parses them (section 9.2.6). */

export interface ServerEvent {
  readonly name: string;
  readonly data: string;
  /** Of this event, empty where it has none. */
  readonly id: string;
}

export class EventParser {
  /** Milliseconds after which the server wants to be called again, once it has said so. */
  retry: number | undefined;

  private readonly decoder = new TextDecoder(); // it drops a BOM, and joins split characters
  private rest = "";
  private afterReturn = false;
  private name = "";
  private data: string[] = [];
  private id = "";

  /** Return the events that these bytes complete. */
  read(bytes: Uint8Array): ServerEvent[] {
    let text = this.decoder.decode(bytes, { stream: true });
    if (this.afterReturn && text) {
      // The end of line that the last bytes ended with was CRLF, and not CR.
      if (text.startsWith("\n")) text = text.slice(1);
      this.afterReturn = false;
    }
    if (text.endsWith("\r")) this.afterReturn = true;
    const lines = text.split(/\r\n|\r|\n/);
    lines[0] = this.rest + lines[0];
    this.rest = lines.pop() ?? "";
    const found: ServerEvent[] = [];
    for (const line of lines) {
      if (line) this.field(line);
      else this.complete(found);
    }
    return found;
  }

  private field(line: string): void {
    const colon = line.indexOf(":");
    if (colon === 0) return; // a comment
    const name = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? "" : line.slice(colon + (line[colon + 1] === " " ? 2 : 1));
    if (name === "event") this.name = value;
    else if (name === "data") this.data.push(value);
    else if (name === "id" && !value.includes("\0")) this.id = value;
    else if (name === "retry" && /^\d+$/.test(value)) this.retry = Number(value);
  }

  private complete(found: ServerEvent[]): void {
    if (this.data.length) {
      found.push({ name: this.name || "message", data: this.data.join("\n"), id: this.id });
    }
    this.name = this.id = "";
    this.data = [];
  }
}
