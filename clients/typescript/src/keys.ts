import { sha256 } from "./digest.js";

const LONGEST = 100;
const HASH_DIGITS = 40;

/**
 * The key of a tool's action, as docs/backends.md defines it. Most names are keys. In others, each character that a key
 * can't have is written as its code point, and a long name is cut and ends in its hash: two tools never share a key.
 */
export async function toolKey(tool: string): Promise<string> {
  return within(tool, LONGEST);
}

/** The key of the integration for an MCP server that an agent uses: `claude.mcp.github`. */
export async function serverKey(agent: string, server: string): Promise<string> {
  const prefix = `${agent}.mcp.`;
  return prefix + (await within(server, LONGEST - prefix.length));
}

async function within(name: string, room: number): Promise<string> {
  const escaped = escape(name);
  if (escaped.length <= room) return escaped;
  return `${escaped.slice(0, room - 4 - HASH_DIGITS)}-0xh${(await sha256(name)).slice(0, HASH_DIGITS)}`;
}

function escape(name: string): string {
  if (name === "") return "0x_";
  let key = "";
  let at = 0;
  for (const character of name) {
    const rest = name.slice(at);
    const fits =
      at === 0 ? /^[A-Za-z0-9]/.test(rest) && !rest.startsWith("0x") : /^[A-Za-z0-9_-]/.test(rest) && !rest.startsWith("-0x");
    key += fits ? character : `${at === 0 ? "" : "-"}0x${character.codePointAt(0)!.toString(16)}_`;
    at += character.length;
  }
  return key;
}
