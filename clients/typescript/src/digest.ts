const hex = (bytes: ArrayBuffer) => [...new Uint8Array(bytes)].map((byte) => byte.toString(16).padStart(2, "0")).join("");

/** SHA-256, in hexadecimal digits. */
export async function sha256(text: string): Promise<string> {
  return hex(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text)));
}

/**
 * The `arguments_digest` of these arguments: SHA-256 over their canonical JSON (RFC 8785). Throws a `TypeError` if JSON
 * would hide what they hold: NaN, or a Map.
 */
export async function digest(value: unknown): Promise<string> {
  // What has no JSON form, such as a Date, is compared as it is sent.
  return `sha256:${await sha256(canonical(JSON.parse(JSON.stringify(value, visible))))}`;
}

/** JSON writes these as `null` or `{}`: a person would approve something other than what runs. */
function visible(name: string, value: unknown): unknown {
  if ((typeof value === "number" && !Number.isFinite(value)) || value instanceof Map || value instanceof Set) {
    throw new TypeError(`${JSON.stringify(name)} can't be written as JSON: ${String(value)}.`);
  }
  return value;
}

// RFC 8785 writes numbers and strings as JSON.stringify does, and members in the order of their UTF-16 code units.
function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join()}]`;
  if (value === null || typeof value !== "object") return JSON.stringify(value);
  const members = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return `{${members.map(([name, member]) => `${JSON.stringify(name)}:${canonical(member)}`).join()}}`;
}
