// The main flow, with the types that openapi-typescript makes.
import createClient from "openapi-fetch";
import type { components, paths } from "./schema.mjs";

const name = process.env.NAME!;
const client = createClient<paths>({
  baseUrl: process.env.NOTIFIER_URL!,
  headers: { Authorization: `Bearer ${process.env.NOTIFIER_KEY}` },
});

function ok<T>(answer: { data?: T; error?: components["schemas"]["ProblemDetails"] }): T {
  if (answer.error || answer.data === undefined) throw new Error(JSON.stringify(answer.error));
  return answer.data;
}

async function main(): Promise<void> {
  const topic = { name, display_name: "Orders" };
  ok(await client.POST("/v1/topics", { body: topic }));
  ok(
    await client.PUT("/v1/recipients/{user_id}", {
      params: { path: { user_id: name } },
      body: { locale: "de_AT", contacts: [{ channel: "email", address: `${name}@example.com`, secret: "" }] },
    }),
  );
  ok(
    await client.POST("/v1/topics/{name}/subscriptions", {
      params: { path: { name } },
      body: { user_id: name, channels: ["email", "inbox"] },
    }),
  );
  const posted = ok(
    await client.POST("/v1/topics/{name}/publish", {
      params: { path: { name }, header: { "Idempotency-Key": crypto.randomUUID() } },
      // Its types have every field with a default as required: all of them are sent.
      body: {
        content: {
          title: "Order 7",
          body: "It is on its way.",
          severity: "info",
          display_type: "inbox",
          source: "",
        },
        collapse_key: "",
        ordering_key: "",
      },
    }),
  );
  const path = { notification_id: posted.id };
  for (let turn = 0; turn < 100; turn++) {
    const found = ok(await client.GET("/v1/notifications/{notification_id}", { params: { path } }));
    if (found.state === "done") break;
    await new Promise((later) => setTimeout(later, 200));
  }
  const deliveries = ok(
    await client.GET("/v1/notifications/{notification_id}/deliveries", { params: { path } }),
  ).data;
  const seen = deliveries.map((row) => `${row.channel} ${row.state}`).sort();
  if (seen.length !== 2 || seen.some((one) => !/ (accepted|delivered)$/.test(one))) {
    throw new Error(JSON.stringify(seen));
  }
  const again = await client.POST("/v1/topics", { body: topic });
  if (again.error?.type !== "/problems/topic-exists") throw new Error(JSON.stringify(again));
}

main().catch((error) => {
  console.error(error);
  process.exit(1);
});
