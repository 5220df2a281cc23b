// Verifies a receipt with jose: prints what it says, and checks that a changed one is refused.

import { compactVerify, createRemoteJWKSet, errors } from "jose";

const [url, good, changed] = process.argv.slice(2) as [string, string, string];
const keys = createRemoteJWKSet(new URL(url));
const options = { algorithms: ["Ed25519"] };

const receipt = await compactVerify(good, keys, options);
if (receipt.protectedHeader.typ !== "countersign-receipt+jwt") {
  throw new Error(`unexpected type ${receipt.protectedHeader.typ}`);
}
const refused = await compactVerify(changed, keys, options).catch((error: unknown) => error);
if (!(refused instanceof errors.JWSSignatureVerificationFailed)) {
  throw new Error("A changed receipt was accepted.");
}
console.log(new TextDecoder().decode(receipt.payload));
