// What all clients' tests share: where the server is and what its model can do.
import assert from "node:assert/strict";

export const url = process.env.SPUTNIK_URL?.replace(/\/$/, "");
export const key = process.env.SPUTNIK_KEY ?? "none";
export const skip = url ? false : "SPUTNIK_URL is not set";

async function modelCard() {
  if (!url) return { model: "", thinks: false, can_turn_thinking_off: false, has_tools: false };
  const reply = await fetch(`${url}/v1/models`, { headers: { authorization: `Bearer ${key}` } });
  assert.equal(reply.status, 200);
  const { data } = await reply.json();
  const wanted = process.env.SPUTNIK_MODEL;
  const found = data.find((model) => !wanted || model.id === wanted);
  assert.ok(found, `the server has no model ${wanted}`);
  return { ...found.sputnik, model: found.id };
}

export const card = await modelCard();
export const model = card.model;
export const thinks = { skip: skip || !card.thinks };
export const turnsOff = { skip: skip || !(card.thinks && card.can_turn_thinking_off) };
export const tools = { skip: skip || !card.has_tools };

export const weather = {
  name: "get_weather",
  description: "The weather in a city",
  parameters: {
    type: "object",
    properties: { city: { type: "string", enum: ["Paris", "London"] }, unit: { type: "string", enum: ["celsius", "fahrenheit"] } },
    required: ["city", "unit"],
    additionalProperties: false,
  },
};

/** The arguments of a call fit the schema of `weather`. */
export function assertWeatherArguments(value) {
  assert.ok(["Paris", "London"].includes(value.city), `city is ${value.city}`);
  assert.ok(["celsius", "fahrenheit"].includes(value.unit), `unit is ${value.unit}`);
}

export const answerSchema = {
  type: "object",
  properties: { answer: { type: "integer" }, sure: { type: "boolean" } },
  required: ["answer", "sure"],
  additionalProperties: false,
};

/** A text of this schema, unless it was cut off. */
export function assertAnswer(text) {
  const value = JSON.parse(text);
  assert.ok(Number.isInteger(value.answer), text);
  assert.equal(typeof value.sure, "boolean", text);
}

/** Generations that the server still works on must end when their client has gone. */
export async function assertEnds(id) {
  for (let i = 0; i < 200; ++i) {
    const reply = await fetch(`${url}/v1/generations/${id}`, { headers: { authorization: `Bearer ${key}` } });
    if (reply.status === 404) return;
    if ((await reply.json()).finished) return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  assert.fail(`generation ${id} goes on without a client`);
}
