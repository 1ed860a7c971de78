/** A service that answers by a script, on a real socket. */
import { createServer, type IncomingHttpHeaders } from "node:http";
import type { AddressInfo } from "node:net";

/** A step in place of an answer: close the connection, say nothing, or never come to an end. */
export type Step =
  | "hang up"
  | "silence"
  | "dripping"
  | { status: number; body?: unknown; headers?: Record<string, string> };

export interface Seen {
  method: string;
  path: string;
  headers: IncomingHttpHeaders;
  body: unknown;
}

/** Serve these steps in turn, the last one for ever, while `use` runs; it gets what was asked. */
export async function serving(
  steps: Step[],
  use: (url: string, seen: Seen[]) => Promise<void>,
): Promise<void> {
  const seen: Seen[] = [];
  const server = createServer(async (request, response) => {
    let text = "";
    for await (const part of request) text += part;
    const step = steps[Math.min(seen.length, steps.length - 1)]!;
    const { method = "", url = "", headers } = request;
    seen.push({ method, path: url, headers, body: text ? JSON.parse(text) : undefined });
    if (step === "hang up") {
      request.socket.destroy();
    } else if (step === "dripping") {
      response.writeHead(200);
      const drip = setInterval(() => response.write(" "), 20);
      response.on("close", () => clearInterval(drip));
    } else if (step !== "silence") {
      const body = typeof step.body === "string" ? step.body : JSON.stringify(step.body ?? {});
      response.writeHead(step.status, step.headers).end(step.status === 204 ? undefined : body);
    }
  });
  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
  try {
    await use(`http://127.0.0.1:${(server.address() as AddressInfo).port}`, seen);
  } finally {
    server.closeAllConnections();
    await new Promise((closed) => server.close(closed));
  }
}

/** A step that answers a problem of this type. */
export function problem(
  status: number,
  name: string,
  members: object = {},
  headers: Record<string, string> = {},
): Step {
  const body = { type: `/problems/${name}`, title: "Wrong", status, detail: "Do this.", ...members };
  return { status, headers, body };
}
