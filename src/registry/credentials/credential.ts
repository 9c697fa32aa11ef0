import type { Secret } from "../secret.ts";

/** How a user proves who they are to a registry. */
export type Credential =
  | { readonly kind: "password"; readonly username: string; readonly password: Secret }
  /** Given by a token server in place of the password. */
  | { readonly kind: "identity"; readonly username: string; readonly token: Secret }
  /** Sent as it is to the registry itself. */
  | { readonly kind: "registry-token"; readonly token: Secret };

/** A credential that can be kept: it belongs to a user. */
export type NamedCredential = Exclude<Credential, { readonly kind: "registry-token" }>;
