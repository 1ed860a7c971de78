// Verify a webhook with Standard Webhooks' own library. Standard input: {secret, headers, body}.
import { readFileSync } from "node:fs";
import { Webhook } from "standardwebhooks";

const { secret, headers, body } = JSON.parse(readFileSync(0, "utf8"));
const told = new Webhook(secret).verify(body, headers);
console.log(JSON.stringify(told));
