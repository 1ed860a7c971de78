/** Verification of webhooks, which are signed as Standard Webhooks 1.0.0 says. */

const PREFIX = "whsec_";

/** A message that was verified. */
export interface WebhookMessage {
  /** `notification`, `delivery.failed`, …: what `data` is. */
  readonly type: string;
  /** When the notification was accepted or was to be sent, the same on every attempt. */
  readonly timestamp: string;
  readonly data: Readonly<Record<string, unknown>>;
}

/** Headers as fetch, Node's `http` or Express have them. */
export type WebhookHeaders = Headers | Readonly<Record<string, string | readonly string[] | undefined>>;

/** The message was not signed with any of the secrets, was changed, or was signed too long ago. */
export class WebhookVerificationError extends Error {
  override name = "WebhookVerificationError";
}

/**
 * Verifies webhooks with their secret (`whsec_…`), or with any of several while one is exchanged.
 *
 *     const webhook = new Webhook(process.env.WEBHOOK_SECRET);
 *     const { type, data } = await webhook.verify(rawBody, request.headers);
 */
export class Webhook {
  private readonly tolerance: number;
  readonly #keys: Promise<CryptoKey[]>;

  /** `tolerance`: milliseconds by which a message may be old, or ahead of this clock: 300,000. */
  constructor(
    secrets: string | readonly string[],
    { tolerance = 300_000 }: { readonly tolerance?: number } = {},
  ) {
    this.tolerance = tolerance;
    const given = typeof secrets === "string" ? [secrets] : secrets;
    if (given.length === 0) throw new TypeError("A webhook is verified with one secret or more");
    this.#keys = Promise.all(given.map(secretBytes).map(importKey));
  }

  /**
   * Return the message. `body`: the bytes as they came, or their text, before anything parses them.
   *
   * Keep each `webhook-id` that you have handled: after a lost answer the same message comes again.
   *
   * @throws WebhookVerificationError
   */
  async verify(body: string | Uint8Array, headers: WebhookHeaders): Promise<WebhookMessage> {
    const id = header(headers, "webhook-id");
    const timestamp = header(headers, "webhook-timestamp");
    const signatures = header(headers, "webhook-signature");
    if (!id || !timestamp || !signatures) {
      throw new WebhookVerificationError("webhook-id, webhook-timestamp or webhook-signature is missing");
    }
    if (!/^[0-9]{1,12}$/.test(timestamp)) {
      throw new WebhookVerificationError("webhook-timestamp is not a number of seconds");
    }
    if (Math.abs(Date.now() - Number(timestamp) * 1_000) > this.tolerance) {
      throw new WebhookVerificationError("webhook-timestamp is too far from now");
    }
    const content = typeof body === "string" ? new TextEncoder().encode(body) : body;
    const start = new TextEncoder().encode(`${id}.${timestamp}.`);
    const signed = new Uint8Array(start.length + content.length);
    signed.set(start);
    signed.set(content, start.length);
    if (!(await this.isSigned(signed, signatures))) {
      throw new WebhookVerificationError("no signature is right");
    }
    return JSON.parse(new TextDecoder().decode(content));
  }

  private async isSigned(signed: Uint8Array<ArrayBuffer>, signatures: string): Promise<boolean> {
    const keys = await this.#keys;
    for (const word of signatures.split(" ")) {
      const found = word.startsWith("v1,") ? base64(word.slice(3)) : undefined;
      if (found === undefined) continue; // of another version of the scheme
      for (const key of keys) {
        if (await crypto.subtle.verify("HMAC", key, found, signed)) return true; // in constant time
      }
    }
    return false;
  }
}

function secretBytes(secret: string): Uint8Array<ArrayBuffer> {
  const bytes = base64(secret.startsWith(PREFIX) ? secret.slice(PREFIX.length) : secret);
  if (!bytes?.length) throw new TypeError(`A webhook's secret is ${PREFIX} and base64`);
  return bytes;
}

function importKey(bytes: Uint8Array<ArrayBuffer>): Promise<CryptoKey> {
  return crypto.subtle.importKey("raw", bytes, { name: "HMAC", hash: "SHA-256" }, false, ["verify"]);
}

function header(headers: WebhookHeaders, name: string): string | undefined {
  if (headers instanceof Headers) return headers.get(name) ?? undefined;
  const [, value] = Object.entries(headers).find(([key]) => key.toLowerCase() === name) ?? [];
  return typeof value === "string" ? value : value?.join(" ");
}

function base64(text: string): Uint8Array<ArrayBuffer> | undefined {
  try {
    return Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
  } catch {
    return undefined;
  }
}
