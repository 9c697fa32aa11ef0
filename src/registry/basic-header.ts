import type { Credential } from "./credentials/credential.ts";

/** RFC 7617. */
export function basicHeader(credential: Credential & { readonly kind: "password" }): string {
  return `Basic ${Buffer.from(`${credential.username}:${credential.password.reveal()}`, "utf8").toString("base64")}`;
}
