/** Names a message before the server does. */
export function newNonce(): string {
  // `randomUUID` is kept from pages without https.
  return crypto.getRandomValues(new Uint32Array(4)).join("-");
}
