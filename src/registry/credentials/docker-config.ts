import { randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import { mkdir, open, realpath, rename, rm } from "node:fs/promises";
import { homedir } from "node:os";
import { dirname, join } from "node:path";
import { errnoOf, reasonOf } from "../../base/failure.ts";
import { isObject, isText } from "../../base/shape.ts";
import { RegistryFailure } from "../registry-error.ts";

/** A registry's entry in `auths`. */
export interface AuthEntry {
  /** `username:password` in base64. */
  readonly auth?: string;
  readonly username?: string;
  readonly password?: string;
  readonly identitytoken?: string;
  readonly registrytoken?: string;
}

/** Docker's config.json, as far as we understand it; every other member is kept as it is. */
export interface DockerConfig {
  readonly auths?: Readonly<Record<string, AuthEntry>>;
  readonly credsStore?: string;
  readonly credHelpers?: Readonly<Record<string, string>>;
  readonly [member: string]: unknown;
}

/** `$DOCKER_CONFIG/config.json` or `~/.docker/config.json`. */
export function dockerConfigPath(env: NodeJS.ProcessEnv): string {
  const named = env["DOCKER_CONFIG"];
  const home = env["HOME"] ?? homedir();
  return join(named === undefined || named === "" ? join(home, ".docker") : named, "config.json");
}

/** Reads docker's config; one that is not there is empty. */
export async function readDockerConfig(path: string): Promise<DockerConfig> {
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch (error) {
    if (["ENOENT", "ENOTDIR"].includes(errnoOf(error) ?? "")) return {};
    throw new RegistryFailure("credentials", `read ${path}: ${reasonOf(error)}`, { cause: error });
  }
  return checkConfig(text, path);
}

/** JSON.parse's own message quotes the text around the mistake, which may be a secret. */
function checkConfig(text: string, path: string): DockerConfig {
  const parsed = text.trim() === "" ? {} : parseQuietly(text);
  const config = isObject(parsed) ? parsed : undefined;
  const sound = config !== undefined && isOptionalMap(config["auths"], isObject) && isOptionalMap(config["credHelpers"], isText) && (config["credsStore"] === undefined || isText(config["credsStore"]));
  if (!sound) {
    throw new RegistryFailure("credentials", `read ${path}: it is not a docker config in JSON`, { hint: "Repair or remove the file; Laminate does not overwrite it" });
  }
  return config as DockerConfig;
}

function parseQuietly(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function isOptionalMap(value: unknown, isItem: (item: unknown) => boolean): boolean {
  return value === undefined || value === null || (isObject(value) && Object.values(value).every(isItem));
}

/** Replaces docker's config in one step, readable by its owner only. A symlink stays one. */
export async function writeDockerConfig(path: string, config: DockerConfig): Promise<void> {
  try {
    await mkdir(dirname(path), { recursive: true, mode: 0o700 });
    const target = await realpath(path).catch(() => path);
    const temporary = `${target}.${randomBytes(6).toString("hex")}`;
    try {
      await using file = await open(temporary, "wx", 0o600);
      await file.writeFile(`${JSON.stringify(config, undefined, "\t")}\n`);
      await file.sync();
      await rename(temporary, target);
    } catch (error) {
      await rm(temporary, { force: true });
      throw error;
    }
  } catch (error) {
    throw new RegistryFailure("credentials", `write ${path}: ${reasonOf(error)}`, { cause: error });
  }
}
