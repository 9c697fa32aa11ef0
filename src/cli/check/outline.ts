import type { Outline, TakenArgument, TakenMount } from "../../dockerfile/outline.ts";
import { printable } from "../printable.ts";
import { columns } from "./columns.ts";
import { location } from "./docker-report.ts";

/** What `docker build --call=outline` prints. */
export function outlineText({ name, description, args, secrets, ssh }: Outline): string {
  const head = [...(name === undefined ? [] : [`TARGET:      ${name}\n`]), ...(description === undefined ? [] : [`DESCRIPTION: ${printable(description)}\n`])].join("");
  const tables = [
    ...(args.length === 0 ? [] : [columns(["BUILD ARG", "VALUE", "DESCRIPTION"], args.map((arg) => [arg.name, arg.value ?? "", arg.description ?? ""].map(printable)))]),
    ...mounts("SECRET", secrets),
    ...mounts("SSH", ssh),
  ];
  return [...(head === "" ? [] : [head]), ...tables].join("\n");
}

function mounts(heading: string, found: readonly TakenMount[]): string[] {
  return found.length === 0 ? [] : [columns([heading, "REQUIRED"], found.map(({ name, required }) => [printable(name), required ? "true" : ""]))];
}

/** BuildKit's outline as JSON. */
export function outlineJson({ name, description, args, secrets, ssh }: Outline, text: string): string {
  const value = {
    ...(name === undefined ? {} : { name }),
    ...(description === undefined ? {} : { description }),
    ...(args.length === 0 ? {} : { args: args.map(argument) }),
    ...(secrets.length === 0 ? {} : { secrets: secrets.map(mount) }),
    ...(ssh.length === 0 ? {} : { ssh: ssh.map(mount) }),
    sources: [Buffer.from(text).toString("base64")],
  };
  return `${JSON.stringify(value, null, 2)}\n`;
}

function argument({ name, description, value, line }: TakenArgument) {
  return { name, ...(description === undefined ? {} : { description }), ...(value === undefined ? {} : { value }), location: location(line.first, line.last) };
}

function mount({ name, required, line }: TakenMount) {
  return { name, ...(required ? { required } : {}), location: location(line.first, line.last) };
}
