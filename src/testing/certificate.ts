import { generateKeyPairSync, randomBytes, sign, type KeyObject } from "node:crypto";

/** A key and its X.509 certificate, made for one test. */
export interface Certificate {
  readonly key: KeyObject;
  readonly name: string;
  readonly der: Buffer;
  readonly certificatePem: string;
  readonly keyPem: string;
}

/** Makes a certificate authority, or, with `issuer`, a server's certificate for the DNS names and IPv4 addresses of `hosts` (RFC 5280). */
export function makeCertificate(name: string, options: { readonly issuer?: Certificate; readonly hosts?: readonly string[] } = {}): Certificate {
  const { publicKey, privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const { issuer, hosts = [] } = options;
  const authority = sequence(oid("551d13"), BOOLEAN_TRUE, octets(sequence(...(issuer === undefined ? [BOOLEAN_TRUE] : []))));
  const alternative = sequence(oid("551d11"), octets(sequence(...hosts.map(generalName))));
  const body = sequence(
    der(0xa0, integer(Buffer.from([2]))),
    integer(Buffer.concat([Buffer.from([1]), randomBytes(8)])),
    ECDSA_SHA256,
    distinguishedName(issuer?.name ?? name),
    sequence(time(-1), time(1)),
    distinguishedName(name),
    publicKey.export({ type: "spki", format: "der" }),
    der(0xa3, sequence(authority, ...(hosts.length === 0 ? [] : [alternative]))),
  );
  const signature = sign("sha256", body, issuer?.key ?? privateKey);
  const whole = sequence(body, ECDSA_SHA256, der(3, Buffer.from([0]), signature));
  return { key: privateKey, name, der: whole, certificatePem: pem("CERTIFICATE", whole), keyPem: privateKey.export({ type: "pkcs8", format: "pem" }).toString() };
}

/** One element of DER (X.690): tag, length, contents. */
function der(tag: number, ...contents: readonly Buffer[]): Buffer {
  const body = Buffer.concat(contents);
  const bytes = body.length < 256 ? [body.length] : [body.length >> 8, body.length & 0xff];
  const length = Buffer.from(body.length < 128 ? bytes : [0x80 + bytes.length, ...bytes]);
  return Buffer.concat([Buffer.from([tag]), length, body]);
}

function sequence(...items: readonly Buffer[]): Buffer {
  return der(0x30, ...items);
}

function oid(hex: string): Buffer {
  return der(6, Buffer.from(hex, "hex"));
}

function integer(bytes: Buffer): Buffer {
  return der(2, bytes);
}

function octets(bytes: Buffer): Buffer {
  return der(4, bytes);
}

const BOOLEAN_TRUE = der(1, Buffer.from([0xff]));
const ECDSA_SHA256 = sequence(oid("2a8648ce3d040302"));

function distinguishedName(name: string): Buffer {
  return sequence(der(0x31, sequence(oid("550403"), der(0x0c, Buffer.from(name)))));
}

function generalName(host: string): Buffer {
  return /^\d+(?:\.\d+){3}$/.test(host) ? der(0x87, Buffer.from(host.split(".").map(Number))) : der(0x82, Buffer.from(host));
}

/** UTCTime of today and some days. */
function time(days: number): Buffer {
  const text = new Date(Date.now() + days * 86_400_000).toISOString().replace(/[-:T]|\.\d+/g, "").slice(2);
  return der(0x17, Buffer.from(text));
}

function pem(label: string, bytes: Buffer): string {
  return `-----BEGIN ${label}-----\n${bytes.toString("base64").replace(/.{1,64}/g, "$&\n")}-----END ${label}-----\n`;
}
