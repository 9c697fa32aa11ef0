import { endNetwork, type NetworkRemains } from "../end-network.ts";

/** `network-end.ts REMAINS`: what conmon runs when a container has ended that leaves something on this machine's network. */
if (import.meta.main) void endNetwork(JSON.parse(process.argv[2]!) as NetworkRemains, process.env).then(() => process.exit(0));
