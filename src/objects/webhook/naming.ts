/** Where an event names users. Elsewhere in it the same characters are a room, a tenant, or what somebody said. */

/** In the data of an event: who said, did, has or is meant by something. Of an actor and a sender it is the `id`. */
const fields = ["user", "asUser", "sender"].map((field) => `'${field}'`).join();

/**
 * The condition that an event names a user. `event` and `user` are SQL: a column of JSON with the event in it, and the user's id.
 * What a message carries as its own data is not looked at: that is anybody's to write.
 */
export function namesUser(event: string, user: string): string {
  return `EXISTS (SELECT 1 FROM json_tree(${event}, '$.data') AS leaf WHERE leaf.type = 'text' AND leaf.atom = ${user}
    AND leaf.fullkey NOT LIKE '$.data.message.data%'
    AND (leaf.key IN (${fields}) OR (leaf.key = 'id' AND (leaf.path LIKE '%.sender' OR leaf.path LIKE '%.by'))
         OR leaf.path LIKE '%.mentions' OR leaf.path LIKE '%.users'))`;
}
