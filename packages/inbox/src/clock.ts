/** The server's time, as its answers tell it: the clock of a device may be wrong by hours. */
export class Clock {
  /** Milliseconds by which the server is ahead of this device. */
  private ahead = 0;

  /** Return milliseconds since 1970. */
  readonly now = (): number => Date.now() + this.ahead;

  /** Compare with the `Date` of an answer that has just come; `asked`: when, by this device. */
  compare(date: string | null, asked: number): void {
    const told = Date.parse(date ?? ""); // in whole seconds
    const [least, most] = [told - Date.now(), told + 1000 - asked];
    // What may be right is left alone, so that it does not go back and forth.
    if (this.ahead < least || this.ahead > most) this.ahead = (least + most) / 2;
  }
}
