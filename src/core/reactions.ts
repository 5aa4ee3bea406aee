/** The summary of reactions on a message: a count and the first few users by time, per emoji. */
import { fixedLimits } from "../protocol/limits.ts";
import type { Reactions } from "../protocol/message.ts";

export function withReaction(reactions: Reactions, emoji: string, user: string): Reactions {
  // A word is an emoji too: `constructor` would be found on the object's prototype.
  const present = Object.hasOwn(reactions, emoji) ? reactions[emoji] : undefined;
  const { count, users } = present ?? { count: 0, users: [] };
  return {
    ...reactions,
    [emoji]: { count: count + 1, users: users.length < fixedLimits.reactionUsersListed ? [...users, user] : users },
  };
}

/** `first` are the first users that remain, for when the one who went was among them. */
export function withoutReaction(reactions: Reactions, emoji: string, first: readonly string[]): Reactions {
  if (!Object.hasOwn(reactions, emoji)) return reactions;
  const { [emoji]: gone, ...rest } = reactions;
  if (gone === undefined || gone.count <= 1) return rest;
  return { ...rest, [emoji]: { count: gone.count - 1, users: [...first] } };
}

export function hasRoomFor(reactions: Reactions, emoji: string): boolean {
  return Object.hasOwn(reactions, emoji) || Object.keys(reactions).length < fixedLimits.emojiPerMessage;
}
