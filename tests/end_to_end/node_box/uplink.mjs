// Requests to the centre: TLS 1.3 against the claim's own CA and no other, bodies as gzip.

import { createHash, X509Certificate } from "node:crypto";
import { Agent, request } from "node:https";
import { readBody, writeBody } from "./line.mjs";

const ANSWER_WITHIN_MS = 40_000; // longer than the 25 s for which a request may be held

export class Uplink {
  constructor({ centre, ca_pem: ca, ca_sha256: fingerprint }) {
    const found = createHash("sha256").update(new X509Certificate(ca).raw).digest("hex");
    if (found !== fingerprint) throw new Error("the claim's CA is not the one that it names");
    this.centre = centre;
    this.agent = new Agent({ ca, minVersion: "TLSv1.3", keepAlive: true, maxSockets: 1 });
  }

  /** Post lines. Gives {status, headers, lines, problem}. */
  async post(path, raws) {
    const { status, headers, body } = await this.send(path, writeBody(raws));
    const type = headers["content-type"] ?? "";
    if (type.startsWith("application/x-ndjson")) {
      return { status, headers, lines: readBody(body, headers["content-encoding"]) };
    }
    return { status, headers, lines: [], problem: JSON.parse(body.toString("utf-8")) };
  }

  send(path, body) {
    return new Promise((resolve, reject) => {
      const headers = {
        "Content-Type": "application/x-ndjson",
        "Content-Encoding": "gzip",
        "Accept-Encoding": "gzip",
        "Content-Length": body.length,
      };
      const asked = request(new URL(path, this.centre), { method: "POST", agent: this.agent, headers }, (answer) => {
        const pieces = [];
        answer.on("data", (piece) => pieces.push(piece));
        answer.on("error", reject);
        answer.on("end", () =>
          resolve({ status: answer.statusCode, headers: answer.headers, body: Buffer.concat(pieces) }),
        );
      });
      asked.setTimeout(ANSWER_WITHIN_MS, () => asked.destroy(new Error("no answer")));
      asked.on("error", reject);
      asked.end(body);
    });
  }
}
