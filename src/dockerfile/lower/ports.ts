import { nearestHint } from "../../base/nearest.ts";
import { errorAt, type Statement, type Word } from "../parse/statement.ts";

/** `port/protocol` for each port that an EXPOSE names: `80`, `53/udp`, `8000-8010/tcp`; a host's part before ":" is left out, as in Docker. */
export function exposedPorts(statement: Statement, word: Word, spec: string): string[] {
  const fail = (why: string, hint?: string): Error =>
    errorAt(
      statement,
      word,
      "bad-argument",
      `cannot expose ${JSON.stringify(spec)}: ${why}`,
      hint === undefined ? {} : { hint },
    );
  const [range = "", protocol = "tcp", more] = spec.slice(spec.lastIndexOf(":") + 1).split("/");
  const name = protocol.toLowerCase() || "tcp";
  if (more !== undefined || !["tcp", "udp", "sctp"].includes(name)) {
    throw fail(`the protocol ${JSON.stringify(protocol)} is not tcp, udp or sctp`, nearestHint(protocol, ["tcp", "udp", "sctp"]).hint);
  }
  const match = /^(\d{1,5})(?:-(\d{1,5}))?$/.exec(range);
  const first = Number(match?.[1]);
  const last = Number(match?.[2] ?? match?.[1]);
  if (match === null || last > 65535) {
    throw fail("a port is a number up to 65535", "EXPOSE 8080, 53/udp or 8000-8010");
  }
  if (last < first) {
    throw fail("the range ends before it begins");
  }
  return Array.from({ length: last - first + 1 }, (_, place) => `${first + place}/${name}`);
}
