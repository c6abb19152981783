// A PKCS #10 certificate request (RFC 2986) for an ECDSA P-256 key: Node makes keys and signatures, not requests.

import { createPublicKey, sign } from "node:crypto";

const COMMON_NAME = Buffer.from("0603550403", "hex"); // 2.5.4.3
const ECDSA_WITH_SHA256 = Buffer.from("300a06082a8648ce3d040302", "hex"); // 1.2.840.10045.4.3.2

function der(tag, ...parts) {
  const body = Buffer.concat(parts);
  if (body.length < 0x80) return Buffer.concat([Buffer.from([tag, body.length]), body]);
  const length = Buffer.from(body.length.toString(16).padStart(body.length > 0xff ? 4 : 2, "0"), "hex");
  return Buffer.concat([Buffer.from([tag, 0x80 | length.length]), length, body]);
}

const sequence = (...parts) => der(0x30, ...parts);

/** The request as PEM, its common name being the id of the box. */
export function certificateRequest(key, commonName) {
  const name = sequence(der(0x31, sequence(COMMON_NAME, der(0x0c, Buffer.from(commonName)))));
  const publicInfo = createPublicKey(key).export({ format: "der", type: "spki" });
  const info = sequence(der(0x02, Buffer.from([0])), name, publicInfo, der(0xa0));
  const signature = der(0x03, Buffer.from([0]), sign("sha256", info, key));
  const text = sequence(info, ECDSA_WITH_SHA256, signature).toString("base64");
  const rows = text.replace(/(.{64})/g, "$1\n").trim();
  return `-----BEGIN CERTIFICATE REQUEST-----\n${rows}\n-----END CERTIFICATE REQUEST-----\n`;
}

/** A signature over ASCII text by the TLS key: ECDSA P-256, SHA-256, DER, base64. */
export const proof = (key, text) => sign("sha256", Buffer.from(text, "ascii"), key).toString("base64");
