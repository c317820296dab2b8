import { type Json, object, parseJson, text } from "./json";

/** An answer of the server that says no. status 0: there was no answer. */
export class ApiError extends Error {
  constructor(
    readonly status: number,
    message: string,
  ) {
    super(message);
  }
}

export interface Call {
  method?: "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
  body?: Json;
  headers?: Record<string, string>;
  signal?: AbortSignal;
}

// For servers that want a key. It lasts as long as the tab.
const kKeyName = "sputnik.key";
let apiKey = "";

export function useKey(key: string): void {
  apiKey = key;
  try {
    sessionStorage.setItem(kKeyName, key);
  } catch {
    // No storage: the key lasts until the page is left.
  }
}

function currentKey(): string {
  try {
    return apiKey || (sessionStorage.getItem(kKeyName) ?? "");
  } catch {
    return apiKey;
  }
}

/** Sends a request. Throws ApiError for whatever is not a reply with 2xx. */
export async function send(path: string, call: Call = {}): Promise<Response> {
  const init: RequestInit = { method: call.method ?? "GET", credentials: "same-origin", cache: "no-store" };
  const key = currentKey();
  init.headers = key === "" ? { ...call.headers } : { authorization: `Bearer ${key}`, ...call.headers };
  if (call.body !== undefined) {
    init.headers = { ...init.headers, "content-type": "application/json" };
    init.body = JSON.stringify(call.body);
  }
  if (call.signal) init.signal = call.signal;
  let reply: Response;
  try {
    reply = await fetch(path, init);
  } catch (problem) {
    if (problem instanceof DOMException && problem.name === "AbortError") throw problem;
    throw new ApiError(0, "The server does not answer.");
  }
  if (reply.ok) return reply;
  const body = object(parseJson((await reply.text()).trim()));
  const message = text(object(body["error"])["message"]) || text(body["error"]);
  throw new ApiError(reply.status, message || `The server answered ${reply.status}.`);
}

export async function getJson(path: string, call: Call = {}): Promise<Json> {
  const reply = await send(path, call);
  return parseJson(await reply.text());
}
