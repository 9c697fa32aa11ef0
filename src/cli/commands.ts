import type { Command } from "./command.ts";

export interface CommandEntry {
  readonly group: "Build and share" | "Containers" | "Images" | "Cleaning up" | "Other";
  /** Shown by `laminate --help`, which loads no command; the command's own summary says the same. */
  readonly summary: string;
}

/** Every command a user sees, in the order of `laminate --help`. */
export const COMMANDS: Readonly<Record<string, CommandEntry>> = {
  build: { group: "Build and share", summary: "Build an image from a Dockerfile" },
  check: { group: "Build and share", summary: "Check a Dockerfile, and mend it" },
  fmt: { group: "Build and share", summary: "Format Dockerfiles" },
  plan: { group: "Build and share", summary: "Tell which steps a build would run, and run none" },
  why: { group: "Build and share", summary: "Tell why the steps of a build ran" },
  advise: { group: "Build and share", summary: "Propose a better Dockerfile, each change tried and measured" },
  builds: { group: "Build and share", summary: "List earlier builds" },
  "builds show": { group: "Build and share", summary: "Show what became of each step of a build" },
  "builds logs": { group: "Build and share", summary: "Show again what a build and its steps said" },
  "builds diff": { group: "Build and share", summary: "Show what differs between two builds" },
  "builds rm": { group: "Build and share", summary: "Forget builds; what they made stays" },
  lsp: { group: "Build and share", summary: "Serve an editor: checks, fixes, completion, reference, formatting of Dockerfiles" },
  base: { group: "Build and share", summary: "Make a base image from a distribution's signed packages" },
  pull: { group: "Build and share", summary: "Download an image from a registry" },
  push: { group: "Build and share", summary: "Upload an image to a registry" },
  login: { group: "Build and share", summary: "Log in to a registry" },
  logout: { group: "Build and share", summary: "Log out from a registry" },
  run: { group: "Containers", summary: "Create and run a new container from an image" },
  create: { group: "Containers", summary: "Create a new container from an image, without starting it" },
  start: { group: "Containers", summary: "Start one or more stopped containers" },
  attach: { group: "Containers", summary: "Attach local standard input, output, and error streams to a running container" },
  exec: { group: "Containers", summary: "Execute a command in a running container" },
  ps: { group: "Containers", summary: "List containers" },
  port: { group: "Containers", summary: "List the published ports of a container" },
  logs: { group: "Containers", summary: "Fetch the logs of a container" },
  stop: { group: "Containers", summary: "Stop one or more running containers" },
  restart: { group: "Containers", summary: "Restart one or more containers" },
  wait: { group: "Containers", summary: "Block until one or more containers stop, then print their exit codes" },
  pause: { group: "Containers", summary: "Pause all processes within one or more containers" },
  unpause: { group: "Containers", summary: "Unpause all processes within one or more containers" },
  top: { group: "Containers", summary: "Display the running processes of a container" },
  rename: { group: "Containers", summary: "Rename a container" },
  kill: { group: "Containers", summary: "Kill one or more running containers" },
  rm: { group: "Containers", summary: "Remove one or more containers" },
  cp: { group: "Containers", summary: "Copy files between a container and this machine" },
  export: { group: "Containers", summary: "Export a container's file system as a tar archive" },
  images: { group: "Images", summary: "List images" },
  history: { group: "Images", summary: "Show the history of an image" },
  layers: { group: "Images", summary: "Show what each layer of an image holds, and what of it is in vain" },
  diff: { group: "Images", summary: "Show what differs between the files of two images" },
  inspect: { group: "Images", summary: "Return low-level information on images and containers" },
  tag: { group: "Images", summary: "Create a tag TARGET_IMAGE that refers to SOURCE_IMAGE" },
  rmi: { group: "Images", summary: "Remove one or more images" },
  save: { group: "Images", summary: "Save one or more images to a tar archive" },
  load: { group: "Images", summary: "Load images from a tar archive" },
  import: { group: "Images", summary: "Import the contents of a tarball as an image" },
  "image prune": { group: "Cleaning up", summary: "Remove unused images" },
  "builder prune": { group: "Cleaning up", summary: "Remove build cache" },
  "container prune": { group: "Cleaning up", summary: "Remove all stopped containers" },
  "system prune": { group: "Cleaning up", summary: "Remove unused data" },
  "system df": { group: "Cleaning up", summary: "Show where every byte of the store is" },
  info: { group: "Other", summary: "Show what this machine offers and where things are kept" },
  version: { group: "Other", summary: "Show the version information" },
  completion: { group: "Other", summary: "Print a completion script for bash, zsh or fish" },
};

/** Docker's longer names: `image ls`, `container rm`, `buildx build`. */
const NOUNS: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  image: { ls: "images", list: "images", rm: "rmi", remove: "rmi", ...same("build", "history", "import", "inspect", "load", "pull", "push", "save", "tag") },
  container: { ls: "ps", list: "ps", ps: "ps", remove: "rm", ...same("attach", "cp", "create", "exec", "export", "inspect", "kill", "logs", "pause", "port", "rename", "restart", "rm", "run", "start", "stop", "top", "unpause", "wait") },
  builder: same("build"),
  buildx: { ...same("build"), prune: "builder prune" },
  builds: { ls: "builds", list: "builds" },
  system: same("info"),
};

function same(...names: readonly string[]): Record<string, string> {
  return Object.fromEntries(names.map((name) => [name, name]));
}

/** The command that the words name and the words after it; undefined when there is none. */
export function findCommand(words: readonly string[]): { readonly name: string; readonly rest: readonly string[] } | undefined {
  const [first = "", second = ""] = words;
  const both = `${first} ${second}`;
  if (Object.hasOwn(COMMANDS, both)) return { name: both, rest: words.slice(2) };
  if (Object.hasOwn(COMMANDS, first)) return { name: first, rest: words.slice(1) };
  const noun = Object.hasOwn(NOUNS, first) ? NOUNS[first]! : {};
  return Object.hasOwn(noun, second) ? { name: noun[second]!, rest: words.slice(2) } : undefined;
}

/** Loads one command's file; nothing else of the program is loaded until a command is called. */
export async function loadCommand(name: string): Promise<Command> {
  const module = (await import(`./commands/${name.replace(" ", "-")}.ts`)) as { readonly command: Command };
  return module.command;
}
