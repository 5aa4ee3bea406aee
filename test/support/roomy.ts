/** A tenant's limits for tests that are not about limits. */
export const roomy = {
  publishPerUserPerSecond: 10_000,
  publishPerUserBurst: 20_000,
  publishPerRoomPerSecond: 20_000,
  publishPerRoomBurst: 40_000,
  publishPerTenantPerSecond: 1_000_000,
  publishPerTenantBurst: 2_000_000,
  searchPerUserPerSecond: 1_000,
  searchPerUserBurst: 2_000,
  searchPerRoomPerSecond: 10_000,
  searchPerRoomBurst: 20_000,
  assistantPerUserPerMinute: 10_000,
  framesPerSocketPerSecond: 10_000,
  framesPerSocketBurst: 20_000,
  socketsPerUser: 1_000,
  connectionsPerUser: 100_000,
};
