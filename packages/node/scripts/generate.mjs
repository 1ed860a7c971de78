// Writes the types and methods that a document describes: node generate.mjs openapi.json DIR
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import openapiTypescript, { astToString } from "openapi-typescript";
import { BY_HAND, NAMES, NOT_FOR_CLIENTS, REPEATABLE } from "./names.mjs";

const NOTE = "// Generated from the OpenAPI document by `npm run generate`. Do not edit.\n";
const JSON_TYPE = "application/json";
/** What the client asks for by itself while a list is iterated. */
const PAGING = ["cursor", "limit"];
const METHODS = ["get", "post", "put", "patch", "delete"];

const [source, directory] = process.argv.slice(2);
const document = JSON.parse(readFileSync(source, "utf8"));

writeFileSync(join(directory, "operations.ts"), operations());
writeFileSync(join(directory, "schema.ts"), await schemas());

/** Return the module of the types: all components, and of operations what their queries may have. */
async function schemas() {
  const pruned = structuredClone(document);
  for (const item of Object.values(pruned.paths)) {
    for (const method of METHODS.filter((one) => item[one])) {
      const { operationId, parameters = [] } = item[method];
      const query = parameters.filter((one) => one.in === "query");
      item[method] = { operationId, parameters: query, responses: {} };
    }
  }
  // A field with a default need not be sent; answers say by `required` what they always have.
  const options = { defaultNonNullable: false, immutable: true, silent: true };
  const ast = await openapiTypescript(pruned, options);
  return `${NOTE}\n${astToString(ast)}`;
}

/** Return the module of the clients' base classes. */
function operations() {
  const of = { NotifierOperations: [], InboxOperations: [] };
  for (const [path, item] of Object.entries(document.paths)) {
    for (const method of METHODS.filter((one) => item[one])) {
      const operation = item[method];
      if (BY_HAND.has(operation.operationId) || NOT_FOR_CLIENTS.has(operation.operationId)) continue;
      const endUsers = operation.security?.some((scheme) => "endUser" in scheme);
      of[endUsers ? "InboxOperations" : "NotifierOperations"].push(methodOf(path, method, operation));
    }
  }
  return `${NOTE}
import { Calls, type PublishOptions, type Query, type Replayable, type Schemas } from "../calls.js";
import { type CallOptions, segment } from "../transport.js";

/** Operations that a publisher's key opens. */
export abstract class NotifierOperations extends Calls {
${of.NotifierOperations.join("\n")}}

/** Operations that an end user's token opens. */
export abstract class InboxOperations extends Calls {
${of.InboxOperations.join("\n")}}
`;
}

/** Return the method of an operation: its path's parameters, body, query, and options, in this order. */
function methodOf(path, method, operation) {
  const { operationId: id, parameters = [], requestBody, responses } = operation;
  const name = camel(NAMES[id] ?? id);
  const signature = [...path.matchAll(/\{(\w+)\}/g)].map(([, word]) => {
    return `${camel(word)}: ${typeOf(parameters.find((one) => one.name === word).schema)}`;
  });
  const url = "`" + path.replace(/\{(\w+)\}/g, (_, word) => "${segment(" + camel(word) + ")}") + "`";
  const query = parameters.some((one) => one.in === "query" && !PAGING.includes(one.name));
  const keyed = parameters.some((one) => one.in === "header" && one.name === "Idempotency-Key");
  const row = rowOf(responses);
  if (requestBody) {
    const type = typeOf(requestBody.content[JSON_TYPE].schema);
    signature.push(`body: ${type}${requestBody.required ? "" : " = {}"}`);
  }
  if (query) signature.push(`query: Query<"${id}"> = {}`);
  signature.push(`options: ${keyed ? "PublishOptions" : "CallOptions"} = {}`);
  const call = [`method: "${method.toUpperCase()}"`, `path: ${url}`];
  if (query) call.push("query");
  if (requestBody) call.push("body");
  let kind = `Promise<${answerOf(responses)}>`;
  let made;
  if (row) {
    kind = `AsyncGenerator<${row}, void, undefined>`;
    made = `rows(${url}, ${query ? "query" : "{}"}, options)`;
  } else if (keyed) {
    kind = `Promise<Replayable<${answerOf(responses)}>>`;
    made = `keyed({ ${call.join(", ")} }, options)`;
  } else {
    const repeatable = ["get", "put"].includes(method) || REPEATABLE.has(id);
    made = `call({ ${call.join(", ")}, repeatable: ${repeatable}, ...options })`;
  }
  return `${comment(operation)}  ${name}(${signature.join(", ")}): ${kind} {
    return this.${made};
  }
`;
}

/** Return the schema of the JSON that is answered, undefined where there is none. */
function answered(responses) {
  const [, response] = Object.entries(responses).find(([status]) => status.startsWith("2"));
  return response.content?.[JSON_TYPE].schema;
}

function answerOf(responses) {
  const schema = answered(responses);
  return schema ? typeOf(schema) : "void";
}

/** Return the type of a list's rows, undefined where the answer is not a page of a list. */
function rowOf(responses) {
  const schema = answered(responses);
  const { properties } = (schema?.$ref ? resolved(schema.$ref) : schema) ?? {};
  return properties?.data && properties.next ? typeOf(properties.data.items) : undefined;
}

function resolved(reference) {
  return document.components.schemas[nameOf(reference)];
}

function nameOf(reference) {
  return reference.slice(reference.lastIndexOf("/") + 1);
}

function typeOf(schema) {
  if (schema.$ref) return `Schemas["${nameOf(schema.$ref)}"]`;
  if (schema.type === "array") return `readonly ${typeOf(schema.items)}[]`;
  if (schema.type === "integer") return "number";
  if (schema.type === "string") return "string";
  throw new Error(`No name for the type ${JSON.stringify(schema)}: give its schema a component`);
}

function comment({ description }) {
  const lines = description.trim().replaceAll("*/", "* /").split("\n");
  if (lines.length === 1) return `  /** ${lines[0]} */\n`;
  return `  /**\n${lines.map((line) => `   *${line && ` ${line}`}\n`).join("")}   */\n`;
}

function camel(name) {
  return name.replace(/_(\w)/g, (_, letter) => letter.toUpperCase());
}
