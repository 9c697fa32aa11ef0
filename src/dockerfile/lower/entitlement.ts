/** What a Dockerfile may only do when the command line allows it (docker build --allow). */
export const ENTITLEMENTS = ["network.host", "security.insecure"] as const;

export type Entitlement = (typeof ENTITLEMENTS)[number];
