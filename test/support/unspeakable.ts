/** What must never be printed or logged: tests say it wherever somebody could say a secret, and `npm test` looks for it. */
export const unspeakable = "unspeakable-7f3c9a";
