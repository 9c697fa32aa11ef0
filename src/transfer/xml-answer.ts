import type { Said } from "../registry/response-failure.ts";

const ENTITIES: Readonly<Record<string, string>> = { lt: "<", gt: ">", amp: "&", quot: '"', apos: "'" };

/** The text of an element of the small XML documents that S3 and Azure answer with; undefined where there is none. */
export function xmlText(xml: string, element: string): string | undefined {
  const text = new RegExp(`<${element}>([^<]*)</${element}>`).exec(xml)?.[1];
  return text?.replace(/&(lt|gt|amp|quot|apos);/g, (_, name: string) => ENTITIES[name]!);
}

/** What an error answer in XML says: `<Error><Code>…</Code><Message>…</Message></Error>`, in S3 and in Azure's storage. */
export function readXmlError(xml: string): Said {
  const [reason, message] = [xmlText(xml, "Code"), xmlText(xml, "Message")?.split("\n", 1)[0]]; // Azure adds numbers for its own people
  const said = [reason, message].filter((part) => part !== undefined && part !== "").join(": ");
  return { ...(reason === undefined ? {} : { reason }), ...(said === "" ? {} : { said }) };
}
