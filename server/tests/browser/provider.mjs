// An OpenID provider to test against: whoever continues there is the person that it knows.

import { createHash, generateKeyPairSync, randomUUID, sign } from "node:crypto";
import { createServer } from "node:http";

const encoded = (value) => Buffer.from(JSON.stringify(value)).toString("base64url");
const page = (title, content) => `<!doctype html><html lang="en"><title>${title}</title><main>${content}</main></html>`;

/** A provider that knows a person by these claims, and a client by this secret. */
export async function startProvider(person, client, secret) {
  const { privateKey, publicKey } = generateKeyPairSync("ed25519");
  const key = { ...publicKey.export({ format: "jwk" }), kid: "key-1", alg: "EdDSA", use: "sig" };
  const codes = new Map();
  const provider = createServer(async (request, answer) => {
    const { pathname, searchParams } = new URL(request.url, provider.url);
    const json = (value, status = 200) => {
      answer.writeHead(status, { "content-type": "application/json" });
      answer.end(JSON.stringify(value));
    };
    if (pathname === "/.well-known/openid-configuration") {
      return json({
        issuer: provider.url, authorization_endpoint: `${provider.url}/authorize`, token_endpoint: `${provider.url}/token`,
        jwks_uri: `${provider.url}/jwks`, end_session_endpoint: `${provider.url}/end`, response_types_supported: ["code"],
        subject_types_supported: ["public"], id_token_signing_alg_values_supported: ["EdDSA"],
      });
    }
    if (pathname === "/jwks") return json({ keys: [key] });
    if (pathname === "/authorize") {
      const code = randomUUID();
      codes.set(code, { nonce: searchParams.get("nonce"), challenge: searchParams.get("code_challenge") });
      const back = (more) => {
        const address = new URL(searchParams.get("redirect_uri"));
        for (const [name, value] of Object.entries(more)) address.searchParams.set(name, value);
        address.searchParams.set("state", searchParams.get("state"));
        return address.href.replaceAll("&", "&amp;");
      };
      answer.setHeader("content-type", "text/html");
      return answer.end(page("Company account", `<h1>Company account</h1>
        <p><a href="${back({ code })}">Continue as ${person.name}</a></p>
        <p><a href="${back({ error: "access_denied" })}">Cancel</a></p>`));
    }
    if (pathname === "/token") {
      let body = "";
      for await (const part of request) body += part;
      const sent = new URLSearchParams(body);
      const asked = codes.get(sent.get("code"));
      codes.delete(sent.get("code"));
      const challenge = createHash("sha256").update(sent.get("code_verifier") ?? "").digest("base64url");
      const known = `Basic ${Buffer.from(`${client}:${secret}`).toString("base64")}`;
      if (asked?.challenge !== challenge || request.headers.authorization !== known) {
        return json({ error: "invalid_grant" }, 400);
      }
      const now = Math.floor(Date.now() / 1000);
      const claims = { ...person, iss: provider.url, aud: client, iat: now, exp: now + 300, nonce: asked.nonce };
      const text = `${encoded({ alg: "EdDSA", kid: "key-1", typ: "JWT" })}.${encoded(claims)}`;
      const token = `${text}.${sign(null, Buffer.from(text), privateKey).toString("base64url")}`;
      return json({ access_token: "a", token_type: "Bearer", id_token: token });
    }
    answer.setHeader("content-type", "text/html");
    return answer.end(page("Logged out", "<h1>You are logged out everywhere</h1>"));
  });
  await new Promise((listening) => provider.listen(0, "127.0.0.1", listening));
  provider.url = `http://127.0.0.1:${provider.address().port}`;
  provider.stop = () => {
    provider.close();
    provider.closeAllConnections();
  };
  return provider;
}
