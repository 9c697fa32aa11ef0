/** `default` is a private network with outbound traffic where that works, else the host's. */
export type NetworkMode = "default" | "none" | "host";

/** A port of a container that is reached at a port of this machine; host port 0 asks for any free one. */
export interface PortMapping {
  /** "" is every address. */
  readonly hostIp: string;
  readonly hostPort: number;
  readonly containerPort: number;
  readonly protocol: "tcp" | "udp";
}

/** How a private network reaches the outside: a pair of devices with address translation in the kernel (root only), or a program. */
export type NetworkKind = "veth" | "slirp4netns" | "pasta";

/**
 * A network namespace with outbound traffic. Disposing of it ends it. Where it is to outlive us, another process has
 * to hold the `held` files open and, at the end, to give `link` and `helper` to {@link endNetwork}.
 */
export interface PrivateNetwork extends AsyncDisposable {
  readonly kind: NetworkKind;
  /** The namespace's file, for the runtime spec. */
  readonly path: string;
  /** The container's own address; undefined when it has this machine's (pasta). */
  readonly address?: string;
  /** Where this machine answers, seen from inside; undefined where none is known. */
  readonly gateway?: string;
  /** Addresses that answer DNS inside; empty when the host's own servers are to be used. */
  readonly nameservers: readonly string[];
  /** As asked for, with real host ports. */
  readonly ports: readonly PortMapping[];
  /** The pair of devices, for `endLink`. */
  readonly link?: string;
  /** Files as `spawn` passes them on. */
  readonly held: readonly number[];
  /** The program behind it. */
  readonly helper?: number;
}

/** What is asked of a private network. */
export interface NetworkRequest {
  /** An empty directory of ours that lives as long as the network. */
  readonly directory: string;
  readonly env: NodeJS.ProcessEnv;
  readonly ports: readonly PortMapping[];
}
