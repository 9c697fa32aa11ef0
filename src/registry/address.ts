import { isIPv4 } from "node:net";

/** Where a registry, or another server, is reached. */
export interface Address {
  /** As in a reference: `docker.io`, `localhost:5000`. */
  readonly registry: string;
  /** What is connected to, with port where given. */
  readonly host: string;
  /** What answers there, for messages. */
  readonly service: string;
  readonly loopback: boolean;
  /** Plain HTTP and certificates nobody signed are accepted, as docker does for loopback and "insecure registries". */
  readonly insecure: boolean;
}

/** The address of a registry. Insecure are loopback hosts, those in LAMINATE_INSECURE_REGISTRIES (comma or space between them) and, with `insecure`, this one. */
export function addressOf(registry: string, options: { readonly env: NodeJS.ProcessEnv; readonly insecure?: boolean }): Address {
  const host = registry === "docker.io" || registry === "index.docker.io" ? "registry-1.docker.io" : registry;
  const loopback = isLoopback(hostName(host));
  const named = (options.env["LAMINATE_INSECURE_REGISTRIES"] ?? "").split(/[\s,]+/).filter((word) => word !== "");
  const insecure = loopback || options.insecure === true || named.includes(host) || named.includes(hostName(host));
  return { registry, host, service: "registry", loopback, insecure };
}

/** Where another server is reached, at a URL that may say plain HTTP; `service` is what it is. */
export function serverAddress(url: URL, service: string): Address {
  return { registry: url.host, host: url.host, service, loopback: isLoopback(hostName(url.host)), insecure: false };
}

/** The host without its port and without the brackets of IPv6. */
export function hostName(host: string): string {
  return host.replace(/:\d+$/, "").replace(/^\[(.*)\]$/, "$1");
}

/** Whether a name can only mean this machine: `localhost`, 127.0.0.0/8, ::1. */
export function isLoopback(name: string): boolean {
  return name.toLowerCase() === "localhost" || name === "::1" || (isIPv4(name) && name.startsWith("127."));
}
